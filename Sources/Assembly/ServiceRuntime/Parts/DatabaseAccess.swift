import Configuration
public import Logging
public import Postgres
import PrivatePostgres
import ProcessRuntime
import Storage

/// The database that the settings name: an outside one by URL, or a private server that is started for it.
public final class DatabaseAccess {
    private let settings: DatabaseSettings
    private let dataDirectory: String?
    private let logger: Logger
    private var server: PrivatePostgresServer?

    /// - Parameter dataDirectory: Where a private server lives; `nil` where the process runs none.
    public init(settings: DatabaseSettings, dataDirectory: String?, logger: Logger) {
        self.settings = settings
        self.dataDirectory = dataDirectory
        self.logger = logger
    }

    /// Starts the private server where there is no URL; returns libpq's connection string.
    ///
    /// - Parameter existing: Whether there has to be a private database; otherwise one is made where there is none.
    public func open(existing: Bool = false) throws -> String {
        if let conninfo = settings.conninfo { return conninfo }
        guard let dataDirectory else { throw DatabaseAccessError.noDatabase }
        if existing, !PrivatePostgresServer.isInstalled(in: dataDirectory) {
            throw DatabaseAccessError.nothingInstalled(dataDirectory)
        }
        let server = PrivatePostgresServer(dataDirectory: dataDirectory, logger: logger.labelled("postgres"))
        let conninfo = try server.start()
        self.server = server
        return conninfo
    }

    /// Stops the private server.
    public func close() {
        server?.stop()
        server = nil
    }

    /// Makes tables and system data, or brings them up to date.
    public func install(on connection: PostgresConnection, demo: Bool) throws {
        var options = settings.schema
        options.logger = logger.labelled("schema")
        let report = try SchemaInstaller.install(on: connection, demo: demo, options: options)
        if let password = report.generatedPassword {
            Output.line(
                "sysadmin@thingsboard.org was made with the password \(password.revealed); it is shown only once")
        }
    }

    public func upgrade(on connection: PostgresConnection) throws {
        var options = settings.schema
        options.logger = logger.labelled("schema")
        _ = try SchemaInstaller.upgrade(on: connection, options: options)
    }
}

public enum DatabaseAccessError: Error, CustomStringConvertible {
    case noDatabase
    /// No private database in that folder.
    case nothingInstalled(String)

    public var description: String {
        switch self {
        case .noDatabase: "SPRING_DATASOURCE_URL is not set"
        case .nothingInstalled(let folder):
            "there is no database in \(folder); `needletail install --data \(folder)` makes one"
        }
    }
}
