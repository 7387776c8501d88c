internal import Reactor

extension LoadLoop {
    /// Runs `body` on the loop and returns what it returns. From any task; not from the loop's own callbacks.
    func run<R: Sendable>(_ body: @escaping @Sendable (LoadLoop) -> R) async -> R {
        await withCheckedContinuation { continuation in
            loop.execute { continuation.resume(returning: body(self)) }
        }
    }

    func snapshot() async throws(LedgerError) -> LoopSnapshot {
        try await run { load in Result { () throws(LedgerError) in try load.takeSnapshot() } }.get()
    }

    /// The next message that is sent; `nil` when sending has stopped.
    func nextMessage() async -> ProbedMessage? {
        await withCheckedContinuation { continuation in
            loop.execute { self.probeNext { continuation.resume(returning: $0) } }
        }
    }
}
