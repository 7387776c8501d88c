/// The duty to answer one request. The first answer counts, later ones are dropped, so that an event and a timer may
/// race. Safe from any thread.
public struct HTTPReply: Sendable {
    private let target: any ReplyTarget
    private let ticket: UInt64

    init(target: any ReplyTarget, ticket: UInt64) {
        self.target = target
        self.ticket = ticket
    }

    /// A reply that belongs to no connection: for callers inside the process and for tests.
    public init(_ receive: @escaping @Sendable (HTTPResponse) -> Void) {
        self.init(target: LocalReplyTarget(receive), ticket: 0)
    }

    /// Sends the answer; it waits for the answers to requests that the connection sent before. After the client has
    /// gone this does nothing.
    public func respond(_ response: HTTPResponse) {
        target.answer(ticket, with: response)
    }

    /// Whether nobody waits for the answer any more: the client has gone, or the server answered in time-out's place.
    public var isCancelled: Bool { target.isCancelled(ticket) }

    /// Runs `body` once when the client goes, or the server gives up, before there was an answer; soon if it has
    /// happened already. The thread is that of the connection's loop.
    public func onCancel(_ body: @escaping @Sendable () -> Void) {
        target.onCancel(ticket, body)
    }

    /// The executor of the connection's loop; nil without a connection.
    public var executor: (any TaskExecutor)? { target.executor }
}

/// What stands behind a reply.
protocol ReplyTarget: AnyObject, Sendable {
    var executor: (any TaskExecutor)? { get }
    func answer(_ ticket: UInt64, with response: HTTPResponse)
    func isCancelled(_ ticket: UInt64) -> Bool
    func onCancel(_ ticket: UInt64, _ body: @escaping @Sendable () -> Void)
}
