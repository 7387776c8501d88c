import Glibc
import Logging
import Postgres
import Synchronization
import TestSupport
import Testing
import Threads

@testable import PrivatePostgres

/// A private server from its first start to what may happen to it.
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct PrivatePostgresTests {
    /// Lends a new data folder; whatever server is left in it is killed.
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = makeTemporaryFolder()
        chmod(folder, 0o755)
        defer {
            if let file = PostmasterFile(path: folder + "/postgres/data/postmaster.pid") {
                kill(file.processID, SIGQUIT)
            }
            removeFolder(folder)
        }
        try body(folder)
    }

    private func value(_ sql: String, at connectionInfo: String) throws -> Int64? {
        let connection = try PostgresConnection(connecting: connectionInfo)
        defer { connection.close() }
        return try connection.query(sql)[0].int8(0)
    }

    /// Leaves a server as a killed process would: running, unwatched, and the folder's lock free.
    private func abandon(_ server: PrivatePostgresServer) {
        let (monitor, wake, lock) = server.state.withLock { ($0.monitor, $0.wakeDescriptor, $0.lockDescriptor) }
        var one: UInt64 = 1
        write(wake, &one, 8)
        monitor?.join()
        close(lock)
    }

    @Test func dataOutlivesAStop() throws {
        try withFolder { folder in
            let first = PrivatePostgresServer(dataDirectory: folder, logger: .disabled)
            let connectionInfo = try first.start()
            #expect(first.isRunning)
            let connection = try PostgresConnection(connecting: connectionInfo)
            try connection.execute("CREATE TABLE t AS SELECT 42::bigint AS a")
            connection.close()
            first.stop()
            #expect(!first.isRunning)
            #expect(throws: PostgresError.self) { _ = try PostgresConnection(connecting: connectionInfo) }

            let second = PrivatePostgresServer(dataDirectory: folder, logger: .disabled)
            let again = try second.start()
            let found = try value("SELECT a FROM t", at: again)
            #expect(found == 42)
            second.stop()
        }
    }

    @Test func serverIsNotRootAndListensOnItsSocketOnly() throws {
        try withFolder { folder in
            let server = PrivatePostgresServer(dataDirectory: folder, logger: .disabled)
            let connectionInfo = try server.start()
            var status = stat()
            stat("/proc/\(server.processID ?? 0)", &status)
            #expect(status.st_uid != 0)
            lstat(folder + "/postgres", &status)
            #expect(status.st_mode & 0o777 == 0o700)
            let connection = try PostgresConnection(connecting: connectionInfo)
            let settings = try connection.query(
                """
                SELECT current_setting('listen_addresses'), current_setting('fsync'),
                    current_setting('synchronous_commit'), current_setting('full_page_writes')
                """)[0]
            #expect((0..<4).map { settings.text($0) } == ["", "on", "on", "on"])
            connection.close()
            server.stop()
        }
    }

    @Test func secondProcessIsRefused() throws {
        try withFolder { folder in
            let first = PrivatePostgresServer(dataDirectory: folder, logger: .disabled)
            _ = try first.start()
            #expect(PrivatePostgresServer.connectionInfo(ofServerIn: folder) != nil)
            let error = #expect(throws: PrivatePostgresError.self) {
                _ = try PrivatePostgresServer(dataDirectory: folder, logger: .disabled).start()
            }
            if case .inUse = error {} else { Issue.record("unexpected \(String(describing: error))") }
            first.stop()
            #expect(PrivatePostgresServer.connectionInfo(ofServerIn: folder) == nil)
        }
    }

    @Test func runningServerIsTakenOver() throws {
        try withFolder { folder in
            let first = PrivatePostgresServer(dataDirectory: folder, logger: .disabled)
            _ = try first.start()
            abandon(first)
            let second = PrivatePostgresServer(dataDirectory: folder, logger: .disabled)
            let connectionInfo = try second.start()
            #expect(second.processID == first.processID)
            #expect(try value("SELECT 1::bigint", at: connectionInfo) == 1)
            second.stop()
            #expect(PostmasterFile(path: folder + "/postgres/data/postmaster.pid") == nil)
        }
    }

    @Test func staleFilesOfAKilledServerAreNoObstacle() throws {
        try withFolder { folder in
            let first = PrivatePostgresServer(dataDirectory: folder, logger: .disabled)
            _ = try first.start()
            abandon(first)
            let processID = try #require(first.processID)
            kill(processID, SIGKILL)
            // The number in the file now belongs to a process that lives: this one.
            let file = folder + "/postgres/data/postmaster.pid"
            let text = try #require(FileSystem.read(file))
            let identity = try ServerIdentity.choose(forFolder: folder + "/postgres")
            try FileSystem.write(
                "\(getpid())" + text.drop { $0 != "\n" }, to: file, for: identity)
            let second = PrivatePostgresServer(dataDirectory: folder, logger: .disabled)
            let connectionInfo = try second.start()
            #expect(try value("SELECT 1::bigint", at: connectionInfo) == 1)
            second.stop()
        }
    }

    @Test func serverThatDiesIsStartedAgain() throws {
        try withFolder { folder in
            let events = Mutex<[PrivatePostgresEvent]>([])
            let restarted = ThreadSignal()
            let server = PrivatePostgresServer(dataDirectory: folder, logger: .disabled) { event in
                events.withLock { $0.append(event) }
                if event == .restarted { restarted.raise() }
            }
            let connectionInfo = try server.start()
            let before = try #require(server.processID)
            kill(before, SIGKILL)
            #expect(restarted.wait(seconds: 20))
            #expect(events.withLock { $0 } == [.died, .restarted])
            #expect(server.processID != before)
            #expect(try value("SELECT 1::bigint", at: connectionInfo) == 1)
            server.stop()
        }
    }

    @Test func longPathsGetAShortSocketFolder() throws {
        try withFolder { folder in
            let long = folder + "/" + String(repeating: "d", count: 100)
            let server = PrivatePostgresServer(dataDirectory: long, logger: .disabled)
            let connectionInfo = try server.start()
            #expect(!connectionInfo.contains(long))
            #expect(try value("SELECT 1::bigint", at: connectionInfo) == 1)
            #expect(PrivatePostgresServer.connectionInfo(ofServerIn: long) == connectionInfo)
            let recorded = try #require(FileSystem.read(long + "/postgres/socket-folder")?.split(separator: "\n").first)
            server.stop()
            #expect(!FileSystem.exists(String(recorded)))
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root runs the server as somebody else"))
    func closedParentIsNamed() throws {
        try withFolder { folder in
            let closed = folder + "/closed"
            mkdir(closed, 0o700)
            let error = #expect(throws: PrivatePostgresError.self) {
                _ = try PrivatePostgresServer(dataDirectory: closed + "/data", logger: .disabled).start()
            }
            guard case .notTraversable(closed, "postgres") = error else {
                Issue.record("unexpected \(String(describing: error))")
                return
            }
        }
    }

    @Test func postmasterFileIsReadAtEveryStage() {
        let early = PostmasterFile(text: "123\n/data\n1700000000\n5432\n")
        #expect(early?.processID == 123)
        #expect(early?.socketFolder == nil)
        let late = PostmasterFile(text: "123\n/data\n1700000000\n5432\n/run/x\n\n  111 222\nready   \n")
        #expect(late?.socketFolder == "/run/x")
        #expect(late?.status == "ready")
        #expect(PostmasterFile(text: "") == nil)
        #expect(PostmasterFile(text: "-1\n") == nil)
    }

    @Test func settingsFitSmallAndLargeMachines() {
        let small = ServerSettings(
            machine: MachineFacts(memoryBytes: 512 << 20, processors: 1, freeDiskBytes: 200 << 20), socketFolder: "/s")
        #expect(small.text.contains("shared_buffers = 128MB"))
        #expect(small.text.contains("max_wal_size = 64MB"))
        let large = ServerSettings(
            machine: MachineFacts(memoryBytes: 256 << 30, processors: 64, freeDiskBytes: 1 << 40), socketFolder: "/s")
        #expect(large.text.contains("shared_buffers = 4096MB"))
        #expect(large.text.contains("max_wal_size = 4096MB"))
    }

    @Test func connectionInfoQuotesItsFolder() {
        #expect(ServerLayout.connectionInfo(socketFolder: "/a'b").hasPrefix("host='/a\\'b' "))
    }
}

/// A flag that another thread raises and a test waits for.
private final class ThreadSignal: Sendable {
    private let ends: (read: Int32, write: Int32)

    init() {
        var pair: [Int32] = [0, 0]
        precondition(pipe(&pair) == 0)
        ends = (pair[0], pair[1])
    }

    deinit {
        close(ends.read)
        close(ends.write)
    }

    func raise() {
        var byte: UInt8 = 1
        write(ends.write, &byte, 1)
    }

    func wait(seconds: Int32) -> Bool {
        var event = pollfd(fd: ends.read, events: Int16(POLLIN), revents: 0)
        return poll(&event, 1, seconds * 1000) == 1
    }
}
