import Configuration
import Postgres
import TestSupport
import Testing

@testable import Storage

/// Everything about the tables that needs a server.
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
enum SchemaSuite {
    /// Cheap passwords: what they cost is not tested here.
    static var options: SchemaOptions {
        var options = SchemaOptions()
        options.passwordCost = 4
        return options
    }

    /// Lends a connection to a new, empty database.
    static func withEmptyDatabase(_ body: (PostgresConnection) throws -> Void) throws {
        let connection = try PostgresConnection(connecting: try TestDatabase.makeEmpty())
        defer { connection.close() }
        try body(connection)
    }

    /// Lends a connection to a database with demo data that the tests of a suite share.
    static func withDemo(_ body: (PostgresConnection) throws -> Void) throws {
        let connection = try PostgresConnection(connecting: try demo.get())
        defer { connection.close() }
        try body(connection)
    }

    private static let demo = Result {
        let connectionInfo = try TestDatabase.makeEmpty()
        let connection = try PostgresConnection(connecting: connectionInfo)
        _ = try SchemaInstaller.install(on: connection, demo: true, options: options)
        connection.close()
        return connectionInfo
    }

    static func count(_ sql: String, _ connection: PostgresConnection) throws -> Int64? {
        try connection.query(sql)[0].int8(0)
    }

    static func texts(_ sql: String, _ connection: PostgresConnection) throws -> [String?] {
        try connection.query(sql).map { $0.text(0) }
    }
}
