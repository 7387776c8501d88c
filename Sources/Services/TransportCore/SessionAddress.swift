public import Model
public import Reactor

/// Where a session lives in its transport process: loop, connection slot and generation.
///
/// It is the lower half of the session's id, so that a notification finds its connection without a table.
public struct SessionAddress: Hashable, Sendable {
    public var loopIndex: Int
    public var connection: ConnectionID

    public init(loopIndex: Int, connection: ConnectionID) {
        self.loopIndex = loopIndex
        self.connection = connection
    }

    /// A new session id: a random upper half (version 4) and the address.
    ///
    /// Lower half: `10` variant bits, 6 bits of loop, 24 bits of slot, 32 bits of generation.
    public func makeSessionID() -> UUID128 {
        precondition(loopIndex < 64 && connection.slot < 1 << 24, "session address out of range: \(self)")
        let high = UInt64.random(in: 0...UInt64.max) & ~0xF000 | 0x4000
        let low =
            UInt64(2) << 62 | UInt64(loopIndex) << 56 | UInt64(connection.slot) << 32 | UInt64(connection.generation)
        return UUID128(high: high, low: low)
    }

    public init(sessionID: UUID128) {
        loopIndex = Int(sessionID.low >> 56 & 0x3F)
        connection = ConnectionID(
            slot: UInt32(truncatingIfNeeded: sessionID.low >> 32 & 0xFF_FFFF),
            generation: UInt32(truncatingIfNeeded: sessionID.low))
    }
}
