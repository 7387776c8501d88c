/// A loop as an executor: jobs of tasks run in the mailbox phase of a tick.
///
/// A job runs both isolated to the loop and with the loop as its preferred executor, so that a task that prefers the loop
/// and calls an actor of the same loop, or the other way round, goes on without a hop.
extension EventLoop: TaskExecutor, SerialExecutor {
    public func enqueue(_ job: consuming ExecutorJob) {
        submit(.job(UnownedJob(job)))
    }

    public func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        UnownedTaskExecutor(ordinary: self)
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    public func checkIsolated() {
        precondition(isCurrent, "event loop \(name) is not the current one")
    }

    public func isIsolatingCurrentContext() -> Bool? {
        isCurrent
    }

    /// Runs `work` on the loop and returns its result. Any thread.
    @discardableResult
    public func perform<R: Sendable>(_ work: @escaping @Sendable () -> R) async -> R {
        await withUnsafeContinuation { continuation in
            execute { continuation.resume(returning: work()) }
        }
    }
}
