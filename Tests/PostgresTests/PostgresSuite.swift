import Postgres
import TestSupport
import Testing

/// Everything that needs a server; one after another, because they share it.
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
enum PostgresSuite {
    /// Lends a connection to the shared, otherwise empty database of these tests.
    static func withConnection(_ body: (PostgresConnection) throws -> Void) throws {
        let connection = try PostgresConnection(connecting: try database.get())
        defer { connection.close() }
        try body(connection)
    }

    static let database = Result { try TestDatabase.makeEmpty() }
}
