import Glibc
import Synchronization

/// SIGTERM and SIGINT as something to wait for. To be made before any thread is started, so that all inherit the mask.
final class TerminationSignals: Sendable {
    private struct State {
        var isRaised = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    init() {
        signal(SIGPIPE, SIG_IGN)
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self).toOpaque()
        let code = pthread_create(&thread, nil, { context in
            // Balances the retain above; the thread lives as long as the process.
            let signals = Unmanaged<TerminationSignals>.fromOpaque(context!).takeRetainedValue()
            signals.watch()
            return nil
        }, context)
        precondition(code == 0, "no thread for signals: errno \(code)")
        pthread_detach(thread)
    }

    private func watch() {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        var number: Int32 = 0
        while sigwait(&set, &number) == 0 {
            let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>]? in
                if state.isRaised { return nil }
                state.isRaised = true
                defer { state.waiting = [] }
                return state.waiting
            }
            // The second signal ends the process at once.
            guard let waiting else { _exit(128 + number) }
            for continuation in waiting { continuation.resume() }
        }
    }

    /// Returns when the process was told to end.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isRaised = state.withLock { state in
                if !state.isRaised { state.waiting.append(continuation) }
                return state.isRaised
            }
            if isRaised { continuation.resume() }
        }
    }
}
