import Bytes
import Reactor
import Synchronization

/// Records what a connection tells and does what a test says.
final class ScriptedHandler: ConnectionHandler, @unchecked Sendable {
    // @unchecked: the record is behind a mutex; the connection and the script are touched on the loop only.

    struct Record: Sendable {
        var received: [UInt8] = []
        /// Sizes of what was offered, call by call.
        var offered: [Int] = []
        var connects = 0
        var drains = 0
        var inputEnds = 0
        var closes: [CloseReason] = []
    }

    /// What to do with input: returns how much of it is consumed.
    typealias Script = @Sendable (ScriptedHandler, Connection, Span<UInt8>) -> Int

    private let state = Mutex(Record())
    private let script: Script
    private let endsWithPeer: Bool
    let loop: EventLoop
    private var connection: Connection?

    init(on loop: EventLoop, endsWithPeer: Bool = true, _ script: @escaping Script = ScriptedHandler.collect) {
        self.loop = loop
        self.script = script
        self.endsWithPeer = endsWithPeer
    }

    /// Consumes everything.
    static let collect: Script = { $0.keep($2) }

    /// Sends everything back.
    static let echo: Script = { _, connection, bytes in
        connection.write(bytes)
        return bytes.count
    }

    func keep(_ bytes: Span<UInt8>) -> Int {
        state.withLock { record in
            for index in 0..<bytes.count { record.received.append(bytes[index]) }
        }
        return bytes.count
    }

    var record: Record { state.withLock { $0 } }

    func attach(_ connection: Connection) {
        self.connection = connection
    }

    /// Calls `body` with the connection on its loop.
    func withConnection<R: Sendable>(_ body: @escaping @Sendable (Connection) -> R) async -> R {
        await loop.perform { body(self.connection!) }
    }

    func connectionDidConnect(_ c: Connection) {
        state.withLock { $0.connects += 1 }
    }

    func connection(_ c: Connection, received bytes: Span<UInt8>) -> Int {
        state.withLock { $0.offered.append(bytes.count) }
        return script(self, c, bytes)
    }

    func connectionDidDrain(_ c: Connection) {
        state.withLock { $0.drains += 1 }
    }

    func connectionInputEnded(_ c: Connection) {
        state.withLock { $0.inputEnds += 1 }
        if endsWithPeer { c.close(.peerClosed) }
    }

    func connectionDidClose(_ c: Connection, reason: CloseReason) {
        state.withLock { $0.closes.append(reason) }
    }
}
