import Model
public import Telemetry

/// One telemetry record or one set of attributes of a device, on its way to the rule engine.
public struct UplinkMessage: Sendable {
    public enum Kind: UInt8, Sendable {
        case telemetry
        case attributes
    }

    public var session: SessionInfo
    public var kind: Kind
    /// Of telemetry: the record's time. Of attributes: when they were received. Milliseconds since 1970.
    public var timestamp: Int64
    /// Index of its first point in the arena of its batch.
    public var firstPoint: UInt32
    public var pointCount: UInt32
    /// The producer's name for it, given back with the outcome.
    public var ticket: UInt32

    public init(
        session: SessionInfo, kind: Kind, timestamp: Int64, firstPoint: UInt32, pointCount: UInt32, ticket: UInt32
    ) {
        self.session = session
        self.kind = kind
        self.timestamp = timestamp
        self.firstPoint = firstPoint
        self.pointCount = pointCount
        self.ticket = ticket
    }

    public var points: Range<Int> { Int(firstPoint)..<Int(firstPoint + pointCount) }
}

/// The uplink messages that one transport loop gathered in one tick for one lane of a queue.
///
/// Filled by the loop that made it; nobody changes it once it was submitted, and from then on it may be read from any
/// thread.
public final class UplinkBatch: @unchecked Sendable {
    // @unchecked: see above; `submit` of a producer is the point after which it is immutable.
    public var messages: [UplinkMessage] = []
    public var arena = PointArena()

    public init() {}

    /// Forgets the messages and keeps the memory. Only for whoever holds the last reference.
    public func removeAll() {
        messages.removeAll(keepingCapacity: true)
        arena.removeAll()
    }
}
