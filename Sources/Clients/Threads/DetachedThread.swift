internal import CLinux
internal import Glibc

/// A thread of its own for what blocks. It ends with its work; nobody waits for it.
///
/// No signal that the process handles is delivered to it.
public enum DetachedThread {
    /// What it may take from others.
    public enum Priority: Sendable {
        case normal
        /// Stands back when the processors are busy.
        case low
    }

    /// Runs `body` on a new thread.
    ///
    /// - Parameter name: what tools show of it, at most 15 bytes.
    public static func start(_ name: String, priority: Priority = .normal, _ body: @escaping @Sendable () -> Void) {
        let code = trying(name, priority: priority, body)
        precondition(code == 0, "thread \(name) cannot be started: error \(code)")
    }

    /// As ``start(_:priority:_:)``, for those who can do without.
    ///
    /// - Returns: 0, or the error number (`pthread_create(3)`) and `body` is not run.
    public static func trying(
        _ name: String, priority: Priority = .normal, _ body: @escaping @Sendable () -> Void
    ) -> Int32 {
        let start = Unmanaged.passRetained(ThreadBody(name: name, priority: priority, run: body))
        let code = needletail_start_thread(
            { context in
                guard let context else { return }
                Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().runHere()
            }, start.toOpaque())
        // The thread takes the reference back, unless there is none.
        if code != 0 { start.release() }
        return code
    }

    /// Runs blocking work on a new thread; returns what it gave.
    public static func result<R: Sendable>(_ name: String, _ body: @escaping @Sendable () -> R) async -> R {
        await withCheckedContinuation { continuation in
            start(name) { continuation.resume(returning: body()) }
        }
    }
}

/// What a new thread is given.
final class ThreadBody: Sendable {
    private let name: String
    private let priority: DetachedThread.Priority
    private let run: @Sendable () -> Void

    init(name: String, priority: DetachedThread.Priority, run: @escaping @Sendable () -> Void) {
        self.name = name
        self.priority = priority
        self.run = run
    }

    func runHere() {
        needletail_set_thread_name(name)
        needletail_block_signals()
        if priority == .low { needletail_lower_thread_priority() }
        run()
    }
}
