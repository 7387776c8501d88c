internal import Synchronization

/// Hands the first answer to a closure.
final class LocalReplyTarget: ReplyTarget {
    private let receive: @Sendable (HTTPResponse) -> Void
    private let isAnswered = Atomic(false)

    init(_ receive: @escaping @Sendable (HTTPResponse) -> Void) {
        self.receive = receive
    }

    var executor: (any TaskExecutor)? { nil }

    func answer(_ ticket: UInt64, with response: HTTPResponse) {
        if !isAnswered.exchange(true, ordering: .relaxed) { receive(response) }
    }

    /// Nobody can go away.
    func isCancelled(_ ticket: UInt64) -> Bool { false }

    func onCancel(_ ticket: UInt64, _ body: @escaping @Sendable () -> Void) {}
}
