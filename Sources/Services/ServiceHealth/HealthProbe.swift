import Synchronization

/// Makes a check at most once at a time, and does not wait for it for ever: what the process needs may be out of reach without
/// saying so. Safe from any thread.
final class HealthProbe: Sendable {
    /// Less than balancers and orchestrators wait for an answer (`docker/haproxy`, `k8s`), and enough for a machine that is short
    /// of time.
    static let limit: Duration = .seconds(3)

    let check: HealthCheck

    private struct State {
        var isRunning = false
        var lastNumber = 0
        /// Who waits for the check that runs.
        var waiters: [Int: CheckedContinuation<Bool, Never>] = [:]
    }

    private let state = Mutex(State())

    init(_ check: HealthCheck) { self.check = check }

    /// What the check says, `false` where it says nothing in time.
    func result(within limit: Duration) async -> Bool {
        await withCheckedContinuation { continuation in
            let (number, starts) = state.withLock { state in
                state.lastNumber += 1
                state.waiters[state.lastNumber] = continuation
                defer { state.isRunning = true }
                return (state.lastNumber, !state.isRunning)
            }
            let ending = Task { [self] in
                try? await Task.sleep(for: limit)
                if !Task.isCancelled { giveUp(number) }
            }
            if starts {
                Task { [self] in
                    finish(await check.isReady())
                    ending.cancel()
                }
            }
        }
    }

    private func giveUp(_ number: Int) {
        state.withLock { $0.waiters.removeValue(forKey: number) }?.resume(returning: false)
    }

    private func finish(_ result: Bool) {
        let waiters = state.withLock { state in
            defer { state.waiters = [:] }
            state.isRunning = false
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume(returning: result) }
    }
}
