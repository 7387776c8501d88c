internal import CLinux
public import Logging
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
internal import Threads
#endif

/// What happens to a running private server without being asked for.
public enum PrivatePostgresEvent: Sendable {
    /// It ended by itself; connections are dead. A new one is being started.
    case died
    /// It accepts connections again, under the same connection string.
    case restarted
}

/// PostgreSQL run by this process for itself: Debian's server in a folder of ours, reachable by a Unix socket only.
///
/// Safe from any thread. `start` and `stop` block. The server outlives a process that is killed; the next start on the
/// same folder takes it over.
public final class PrivatePostgresServer: Sendable {
    /// The folder that the user named; the server uses `postgres` below it.
    public let dataDirectory: String
    let logger: Logger
    let onEvent: @Sendable (PrivatePostgresEvent) -> Void
    let state = Mutex(State())

    /// How long a start may take. Recovery after a crash replays up to `max_wal_size` of log.
    static let startLimit: Duration = .seconds(300)
    /// The server's log is cut when it passes this; one former part of the same size is kept.
    static let logLimit = 8 << 20

    enum Phase { case stopped, running, stopping }

    struct State {
        var phase: Phase = .stopped
        var place: ServerPlace?
        var postmaster: Postmaster?
        var monitor: JoinableThread?
        /// Readable when the monitor shall end.
        var wakeDescriptor: Int32 = -1
        var lockDescriptor: Int32 = -1
    }

    /// - Parameters:
    ///   - dataDirectory: May be relative; made when absent.
    ///   - onEvent: Called on the thread that watches the server; must not call `stop`.
    public init(
        dataDirectory: String, logger: Logger,
        onEvent: @escaping @Sendable (PrivatePostgresEvent) -> Void = { _ in }
    ) {
        self.dataDirectory = dataDirectory
        self.logger = logger
        self.onEvent = onEvent
    }

    /// Whether the server's process is alive and was not told to stop.
    public var isRunning: Bool { state.withLock { $0.phase == .running && $0.postmaster != nil } }

    /// The process id of the server's main process, while there is one.
    public var processID: Int32? { state.withLock { $0.postmaster?.processID } }

    /// Initialises the folder if it is new, starts the server or takes over one that runs, and waits until it accepts
    /// connections. Blocks.
    ///
    /// - Returns: libpq's connection string. It holds for later restarts too.
    public func start() throws(PrivatePostgresError) -> String {
        precondition(state.withLock { $0.phase } == .stopped, "the server was started already")
        let place = try ServerPlace.prepare(below: dataDirectory, logger: logger)
        let lock = try place.takeLock()
        let postmaster: Postmaster
        do throws(PrivatePostgresError) {
            postmaster = try place.launch(logger: logger, limit: Self.startLimit, isCancelled: { false })
        } catch {
            close(lock)
            throw error
        }
        let wake = eventfd(0, Int32(EFD_CLOEXEC))
        state.withLock { state in
            state.phase = .running
            state.place = place
            state.postmaster = postmaster
            state.lockDescriptor = lock
            state.wakeDescriptor = wake
        }
        let monitor: JoinableThread
        do throws(ThreadError) {
            monitor = try JoinableThread("pg-monitor") { [self] in watch(place, wake: wake) }
        } catch {
            throw PrivatePostgresError.system(operation: "start thread", path: "pg-monitor", code: error.code)
        }
        state.withLock { $0.monitor = monitor }
        return place.connectionInfo
    }

    /// Ends the server: a fast shutdown (sessions are ended, everything is written), after `deadline` an immediate one
    /// (the next start recovers from the log: nothing committed is lost). Blocks. Harmless when nothing runs.
    public func stop(deadline: Duration = .seconds(8)) {
        let (monitor, wake) = state.withLock { state in
            guard state.phase == .running else { return (nil, -1) as (JoinableThread?, Int32) }
            state.phase = .stopping
            return (state.monitor, state.wakeDescriptor)
        }
        guard let monitor else { return }
        var one: UInt64 = 1
        write(wake, &one, MemoryLayout.size(ofValue: one))
        monitor.join()

        let (postmaster, place, lock) = state.withLock { ($0.postmaster, $0.place, $0.lockDescriptor) }
        if let postmaster { shutDown(postmaster, deadline: deadline) }
        place?.removeShortSocketFolder()
        close(wake)
        close(lock)
        state.withLock { $0 = State() }
    }

    private func shutDown(_ postmaster: Postmaster, deadline: Duration) {
        postmaster.signal(SIGINT)
        if !postmaster.waitForEnd(deadline) {
            logger.warning("private PostgreSQL did not stop in time and is stopped at once")
            postmaster.signal(SIGQUIT)
            if !postmaster.waitForEnd(.seconds(5)) {
                postmaster.signal(SIGKILL)
                _ = postmaster.waitForEnd(.seconds(5))
            }
        }
        postmaster.reap()
    }

    /// Whether a database was made in `dataDirectory` before.
    public static func isInstalled(in dataDirectory: String) -> Bool {
        ServerPlace.existing(below: dataDirectory) != nil
    }

    /// The connection string of a server that runs on `dataDirectory`, started by whatever process; `nil` when none
    /// does. Starts nothing.
    public static func connectionInfo(ofServerIn dataDirectory: String) -> String? {
        guard let place = ServerPlace.existing(below: dataDirectory),
            let file = PostmasterFile(path: place.layout.postmasterFile), file.isServer(of: place.layout.data),
            let folder = file.socketFolder
        else { return nil }
        return ServerLayout.connectionInfo(socketFolder: folder)
    }
}
