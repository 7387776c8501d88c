import HTTPServer
import Messages
import Model
import Reactor

/// A request that waits for something other than the durability of an uplink: a poll, a read, a call. Owned by the loop.
final class Exchange {
    enum Kind {
        case attributes
        /// An offer to be claimed that is being stored.
        case claim
        case attributeUpdate
        case rpcRequest
        case rpcResponse
    }

    let kind: Kind
    /// A session of its own, as long as the request.
    let session: SessionInfo
    let reply: HTTPReply
    var timer: LoopTimer?

    init(_ kind: Kind, session: SessionInfo, reply: HTTPReply) {
        self.kind = kind
        self.session = session
        self.reply = reply
    }
}

/// The waiting requests of a loop by their sessions, bounded.
struct Exchanges {
    static let maximum = 100_000
    private var waiting: [UUID128: Exchange] = [:]

    var isFull: Bool { waiting.count >= Self.maximum }

    mutating func add(_ exchange: Exchange) {
        waiting[exchange.session.sessionID] = exchange
    }

    func find(_ session: UUID128) -> Exchange? { waiting[session] }

    /// Takes an exchange out; `nil` when it has ended before.
    mutating func remove(_ session: UUID128) -> Exchange? {
        guard let exchange = waiting.removeValue(forKey: session) else { return nil }
        exchange.timer?.cancel()
        return exchange
    }
}
