import CLinux
import CScriptWorker
import Glibc
import Synchronization
import Threads

/// A worker's process, kept by a thread of its own that starts it and waits for its end. Safe from any thread.
final class WorkerProcess: Sendable {
    /// How it ended.
    enum End: Sendable, Equatable {
        /// It could not be started: an error number.
        case notStarted(Int32)
        case exited(Int32)
        case signalled(Int32)
    }

    private let running = Mutex<pid_t>(0)

    /// Starts a worker; `ended` is called on the thread of its own, once.
    ///
    /// - Parameters:
    ///   - socket: The worker's end, which is closed here.
    ///   - page: Closed here, too.
    func start(
        _ arguments: [String], environment: [String], socket: Int32, page: Int32,
        ended: @escaping @Sendable (End) -> Void
    ) {
        let code = DetachedThread.trying("js-worker") { [self] in
            let end = run(arguments, environment, socket, page)
            ended(end)
        }
        guard code != 0 else { return }
        close(socket)
        close(page)
        ended(.notStarted(code))
    }

    /// Ends it at once.
    func kill() {
        running.withLock { process in
            if process > 0 { _ = Glibc.kill(process, SIGKILL) }
        }
    }

    private func run(_ arguments: [String], _ environment: [String], _ socket: Int32, _ page: Int32) -> End {
        var process: pid_t = 0
        let code = withVector(arguments) { arguments in
            withVector(environment) { environment in
                needletail_worker_spawn(arguments, environment, socket, page, &process)
            }
        }
        close(socket)
        close(page)
        guard code == 0 else { return .notStarted(code) }
        running.withLock { $0 = process }
        let status = needletail_worker_wait(process)
        // From here on the number may become another process's.
        running.withLock { $0 = 0 }
        needletail_worker_reap(process)
        return status < 0 ? .signalled(-status) : .exited(status)
    }
}

/// Calls `body` with a vector of C strings that ends with a null pointer.
private func withVector<R>(_ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R) -> R {
    let pointers = texts.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers + [nil])
}
