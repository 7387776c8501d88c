import Logging
import Postgres
import ProcessRuntime
import Reactor
import ServiceHealth
import ServiceRuntime
import Storage

/// The database of a process of a cluster: one that others have installed.
enum ClusterDatabase {
    /// Waits for the database and for its tables, with growing pauses: services start in any order. Blocks only threads of
    /// its own.
    ///
    /// - Throws: ``SchemaError`` when the tables are those of another product or of a newer release, which no waiting helps.
    static func checked(_ settings: DatabaseSettings, logger: Logger) async throws -> DatabaseConfiguration {
        guard let conninfo = settings.conninfo else { throw DatabaseAccessError.noDatabase }
        let configuration = settings.configuration(conninfo)
        var pause = Duration.milliseconds(250)
        while true {
            do {
                try check(configuration)
                return configuration
            } catch let error as SchemaError where !error.mayPass {
                throw error
            } catch {
                logger.limited(
                    .warning, "the database is not ready yet", ["error": .string(String(describing: error))])
                try await Task.sleep(for: pause + .milliseconds(Int.random(in: 0...250)))
                pause = min(pause * 2, .seconds(5))
            }
        }
    }

    private static func check(_ configuration: DatabaseConfiguration) throws {
        let connection = try configuration.connect()
        defer { connection.close() }
        try SchemaInstaller.check(on: connection)
    }

    static func make(
        _ configuration: DatabaseConfiguration, loops: [EventLoop], runtime: ServiceRuntime
    ) -> Database {
        let database = Database(
            configuration: configuration, loops: loops, logger: runtime.logger.labelled("database"),
            metrics: runtime.metrics)
        runtime.health.add(HealthCheck("database") { (try? await database.query("SELECT 1")) != nil })
        return database
    }
}

extension SchemaError {
    /// An installation or upgrade may be on its way.
    fileprivate var mayPass: Bool {
        switch self {
        case .databaseNewer, .foreignSchema: false
        default: true
        }
    }
}
