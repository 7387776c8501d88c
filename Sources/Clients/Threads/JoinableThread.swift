internal import Glibc

/// The system has no thread to give: the error number of `pthread_create(3)`.
public struct ThreadError: Error, Sendable {
    public let code: Int32
}

/// A thread whose end is waited for. No signal that the process handles is delivered to it.
public struct JoinableThread: Sendable {
    private let thread: pthread_t

    /// Runs `body` on a new thread.
    ///
    /// - Parameter name: what tools show of it, at most 15 bytes.
    public init(_ name: String, _ body: @escaping @Sendable () -> Void) throws(ThreadError) {
        var thread = pthread_t()
        let start = Unmanaged.passRetained(ThreadBody(name: name, priority: .normal, run: body))
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().runHere()
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            // The thread takes the reference back, unless there is none.
            start.release()
            throw ThreadError(code: code)
        }
        self.thread = thread
    }

    /// Waits for the end of the body. Once. Blocks.
    public func join() { pthread_join(thread, nil) }
}
