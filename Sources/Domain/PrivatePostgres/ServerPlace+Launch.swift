internal import Logging
internal import Postgres

#if canImport(Glibc)
internal import Glibc
#endif

extension ServerPlace {
    /// Between two looks whether the server is ready; a start takes some 50 ms.
    private static let pollMicroseconds: UInt32 = 5000
    /// How long children of a killed server may still hold its shared memory.
    private static let orphanLimit: Duration = .seconds(10)

    /// Takes over a server that runs here, or starts one, and returns when it accepts connections. Blocks.
    func launch(
        logger: Logger, limit: Duration, isCancelled: () -> Bool
    ) throws(PrivatePostgresError) -> Postmaster {
        let begin = ContinuousClock.now
        if let running = try adopt(logger: logger, deadline: begin + limit, isCancelled: isCancelled) {
            return running
        }
        trimLog(limit: PrivatePostgresServer.logLimit)
        try FileSystem.write(
            ServerSettings(machine: MachineFacts(folder: layout.data), socketFolder: socketFolder).text,
            to: layout.settingsFile, for: identity)
        try FileSystem.write(ServerSettings.accessRules, to: layout.accessFile, for: identity)
        while true {
            removeStaleFiles()
            let (postmaster, logStart) = try spawn()
            let outcome = waitUntilReady(postmaster, deadline: begin + limit, isCancelled: isCancelled)
            if case .ready = outcome { return postmaster }
            if case .late(let error) = outcome {
                postmaster.signal(SIGQUIT)
                _ = postmaster.waitForEnd(.seconds(5))
                postmaster.reap()
                throw .notReady(after: limit, lastError: error)
            }
            let status = postmaster.reap() ?? -1
            let log = logTail(from: logStart)
            // The children of a killed server end as soon as they notice; until then its memory is in use.
            guard log.contains("pre-existing shared memory block"), ContinuousClock.now - begin < Self.orphanLimit
            else { throw .programFailed(program: binaries.postgres, status: status, log: log) }
            usleep(50_000)
        }
    }

    // MARK: - Taking over

    /// A server that an earlier process of ours started and that still runs, if any.
    private func adopt(
        logger: Logger, deadline: ContinuousClock.Instant, isCancelled: () -> Bool
    ) throws(PrivatePostgresError) -> Postmaster? {
        guard let file = PostmasterFile(path: layout.postmasterFile), file.isServer(of: layout.data) else {
            return nil
        }
        let postmaster = try Postmaster(processID: file.processID, isChild: false)
        // It may have ended, and its number been given away, between the two looks.
        guard file.isServer(of: layout.data) else {
            postmaster.reap()
            return nil
        }
        if file.status == "stopping" || (file.socketFolder ?? socketFolder) != socketFolder {
            // On its way out, or out of reach: let it end and start anew.
            postmaster.signal(SIGINT)
            _ = postmaster.waitForEnd(.seconds(30))
            postmaster.reap()
            return nil
        }
        switch waitUntilReady(postmaster, deadline: deadline, isCancelled: isCancelled) {
        case .ready:
            logger.notice(
                "took over a private PostgreSQL that was running",
                ["postgres.pid": LogValue(describing: file.processID)])
            return postmaster
        case .ended:
            postmaster.reap()
            return nil
        case .late(let error):
            postmaster.reap()
            throw .notReady(after: PrivatePostgresServer.startLimit, lastError: error)
        }
    }

    /// Removes what a server that was killed left behind.
    ///
    /// A server refuses to start when the process number in these files is in use again, by whatever program. Here it
    /// is known that no server works in this folder.
    private func removeStaleFiles() {
        if let file = PostmasterFile(path: layout.postmasterFile), file.isServer(of: layout.data) { return }
        unlink(layout.postmasterFile)
        let socket = ServerLayout.socketPath(in: socketFolder)
        unlink(socket)
        unlink(socket + ".lock")
    }

    // MARK: - Starting

    private func spawn() throws(PrivatePostgresError) -> (Postmaster, logStart: Int) {
        let output = open(layout.logFile, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard output >= 0 else { throw .system(operation: "write", path: layout.logFile, code: errno) }
        defer { close(output) }
        let logStart = Int(lseek(output, 0, SEEK_END))
        let child = try ServerProgram.start(
            [binaries.postgres, "-D", layout.data], as: identity, in: layout.root, output: output)
        return (try Postmaster(processID: child, isChild: true), logStart)
    }

    /// What the server has said since `start`, at most the last 2000 bytes.
    private func logTail(from start: Int) -> String {
        let size = FileSystem.status(of: layout.logFile).map { Int($0.st_size) } ?? 0
        return FileSystem.read(layout.logFile, limit: min(2000, max(0, size - start))) ?? ""
    }

    private enum Readiness {
        case ready
        case ended
        case late(lastError: String)
    }

    private func waitUntilReady(
        _ postmaster: Postmaster, deadline: ContinuousClock.Instant, isCancelled: () -> Bool
    ) -> Readiness {
        let socket = ServerLayout.socketPath(in: socketFolder)
        var lastError = "no socket at \(socket)"
        repeat {
            if FileSystem.exists(socket) {
                do throws(PostgresError) {
                    try ensureDatabase()
                    return .ready
                } catch {
                    lastError = error.description
                }
            }
            if postmaster.waitForEnd(.microseconds(Int(Self.pollMicroseconds))) { return .ended }
        } while ContinuousClock.now < deadline && !isCancelled()
        return .late(lastError: lastError)
    }

    /// Connects, and makes the database at the first time.
    private func ensureDatabase() throws(PostgresError) {
        let connection = try PostgresConnection(
            connecting: ServerLayout.connectionInfo(socketFolder: socketFolder, database: "postgres"))
        defer { connection.close() }
        let found = try connection.query(
            "SELECT 1 FROM pg_database WHERE datname = $1", [.text(ServerLayout.databaseName)])
        if found.isEmpty { try connection.execute("CREATE DATABASE \(ServerLayout.databaseName)") }
    }
}
