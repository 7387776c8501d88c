import Configuration
import Logging
import Postgres
import PrivatePostgres
import Storage

/// The database that the settings name: an outside one by URL, or a private server that is started for it.
final class DatabaseAccess {
    private let settings: StandaloneSettings
    private let logger: Logger
    private var server: PrivatePostgresServer?

    init(settings: StandaloneSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    /// Starts the private server where there is no URL; returns libpq's connection string.
    func open() throws -> String {
        if let url = settings.databaseURL {
            let userName = settings.environment["SPRING_DATASOURCE_USERNAME"] ?? "postgres"
            let password = Secret(settings.environment["SPRING_DATASOURCE_PASSWORD"] ?? "postgres")
            guard let conninfo = DatabaseURL.conninfo(url: url, userName: userName, password: password) else {
                throw StandaloneError.databaseURL
            }
            return conninfo
        }
        let server = PrivatePostgresServer(dataDirectory: settings.dataDirectory, logger: logger.labelled("postgres"))
        let conninfo = try server.start()
        self.server = server
        return conninfo
    }

    /// Stops the private server.
    func close() {
        server?.stop()
        server = nil
    }

    func install(on connection: PostgresConnection, demo: Bool) throws {
        var reader = SettingsReader(environment: settings.environment)
        var options = SchemaOptions(reading: &reader)
        options.logger = logger.labelled("schema")
        let report = try SchemaInstaller.install(on: connection, demo: demo, options: options)
        if let password = report.generatedPassword {
            Output.line(
                "sysadmin@thingsboard.org was made with the password \(password.revealed); it is shown only once")
        }
    }

    func upgrade(on connection: PostgresConnection) throws {
        var reader = SettingsReader(environment: settings.environment)
        var options = SchemaOptions(reading: &reader)
        options.logger = logger.labelled("schema")
        _ = try SchemaInstaller.upgrade(on: connection, options: options)
    }
}

/// Why the process cannot start.
enum StandaloneError: Error, CustomStringConvertible {
    case databaseURL

    var description: String {
        switch self {
        case .databaseURL:
            "SPRING_DATASOURCE_URL is not of the form jdbc:postgresql://host[:port]/database[?parameters]"
        }
    }
}
