import Reactor
import Synchronization

extension EventLoop {
    /// What `body` gives, begun on this loop; `nil` when it takes longer. It goes on then, and nobody hears of its end.
    func result<R: Sendable>(within limit: Duration, _ body: @escaping @Sendable () async -> R) async -> R? {
        let race = Race<R>()
        return await withCheckedContinuation { continuation in
            race.waiter.withLock { $0 = continuation }
            Task(executorPreference: self) { race.end(await body()) }
            Task(executorPreference: self) {
                await self.sleep(limit)
                race.end(nil)
            }
        }
    }
}

/// Goes on with the first of several ends.
private final class Race<R: Sendable>: Sendable {
    let waiter = Mutex<CheckedContinuation<R?, Never>?>(nil)

    func end(_ result: R?) {
        waiter.withLock { $0.take() }?.resume(returning: result)
    }
}
