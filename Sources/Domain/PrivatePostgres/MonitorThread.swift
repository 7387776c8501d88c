internal import CLinux

#if canImport(Glibc)
internal import Glibc
#endif

/// A named thread that runs one function and can be joined.
struct MonitorThread: Sendable {
    private let thread: pthread_t

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    init(name: String, _ body: @escaping @Sendable () -> Void) throws(PrivatePostgresError) {
        var thread = pthread_t()
        // The thread holds one reference from here on; it takes it back, once, unless it never came to be.
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
                needletail_set_thread_name(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw .system(operation: "start thread", path: name, code: code)
        }
        self.thread = thread
    }

    /// Waits for the end of the function. Once.
    func join() { pthread_join(thread, nil) }
}
