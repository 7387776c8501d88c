import Configuration
import Logging
import Postgres
import ProcessRuntime
import ServiceRuntime
import Storage

/// `needletail install` and `needletail upgrade`: schema and system data, then the end.
enum InstallCommand {
    static let install = Command(
        "install", summary: "make the tables and the system data",
        discussion: """
            Harmless when repeated: an up-to-date database is left alone, an older one is upgraded. With SPRING_DATASOURCE_URL \
            that database is used, else the private one in the data folder.
            """,
        options: options + [.flag("demo", environment: "LOAD_DEMO", help: "load demo data as well")])

    static let upgrade = Command(
        "upgrade", summary: "bring the tables of an earlier version up to date", options: options)

    private static let options: [CommandOption] =
        [
            .string(
                "data", placeholder: "DIR", default: "./data", environment: "NEEDLETAIL_DATA",
                help: "where the private database lives")
        ] + ServiceCommand.options

    static func run(_ arguments: ParsedArguments, environment: [String: String]) -> Int32 {
        guard let source = ServiceCommand.source(arguments, environment: environment) else { return 2 }
        let settings = StandaloneSettings(source)
        if let status = ServiceCommand.finish(settings.reader, arguments, source: source) { return status }
        let logger = Logger(label: "install", sink: settings.runtime.log)
        let access = DatabaseAccess(settings: settings.database, dataDirectory: settings.dataDirectory, logger: logger)
        do {
            let conninfo = try access.open(existing: arguments.command.name == "upgrade")
            defer { access.close() }
            let connection = try PostgresConnection(connecting: conninfo)
            if arguments.command.name == "install" {
                try access.install(on: connection, demo: settings.isDemo)
            } else {
                try access.upgrade(on: connection)
            }
            connection.close()
            return 0
        } catch {
            Output.error("\(error)")
            return 1
        }
    }
}
