internal import Synchronization

/// A thread that works until it is told to end.
public final class WorkerThread: Sendable {
    private struct State {
        var isRunning = false
        var isStopping = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    public init() {}

    /// Whether it was told to end. Its body asks often.
    public var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Runs `body`, which returns soon after ``isStopping`` is true, on a new thread; nothing when it was told to end
    /// before. Once.
    ///
    /// - Parameter name: what tools show of it, at most 15 bytes.
    public func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let isWanted = state.withLock { state in
            precondition(!state.isRunning, "the thread \(name) was started before")
            state.isRunning = !state.isStopping
            return state.isRunning
        }
        guard isWanted else { return }
        DetachedThread.start(name) { [self] in
            body()
            let waiting = state.withLock { state in
                state.isRunning = false
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }
    }

    /// Tells it to end; returns when the body has.
    public func stop() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                state.isStopping = true
                guard state.isRunning else { return true }
                state.waiting.append(continuation)
                return false
            }
            if isIdle { continuation.resume() }
        }
    }
}
