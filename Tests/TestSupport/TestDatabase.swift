import Glibc
import Logging
import Postgres
import PrivatePostgres

/// A real server for tests: started once per test process in a temporary folder, stopped and removed at exit.
///
///     @Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
public enum TestDatabase {
    /// Whether the server's programs are installed.
    public static let isAvailable = ServerBinaries.find() != nil

    /// The connection string of a new, empty database that no other test uses.
    public static func makeEmpty() throws -> String {
        let name = "test_\(getpid())_\(UInt32.random(in: 0...UInt32.max))"
        let connection = try PostgresConnection(connecting: try shared.get())
        defer { connection.close() }
        try connection.execute("CREATE DATABASE \(name)")
        return try shared.get().replacingDatabase(with: name)
    }

    private static let shared = Result { try startShared() }

    private static func startShared() throws -> String {
        let folder = makeTemporaryFolder()
        // The folder must be open to the user that runs the server when the tests run as root.
        chmod(folder, 0o755)
        let server = PrivatePostgresServer(dataDirectory: folder, logger: .disabled)
        let connectionInfo = try server.start()
        atExit {
            server.stop(deadline: .seconds(3))
            removeFolder(folder)
        }
        return connectionInfo
    }
}

extension String {
    /// A connection string of another database on the same server.
    fileprivate func replacingDatabase(with name: String) -> String {
        split(separator: " ").filter { !$0.hasPrefix("dbname=") }.joined(separator: " ") + " dbname=\(name)"
    }
}
