import Configuration
import Logging
import ProcessRuntime
import ServiceRuntime

/// `needletail standalone`: everything in one process.
enum StandaloneCommand {
    static let command = Command(
        "standalone", summary: "run the whole platform in one process",
        discussion: """
            Initialises the data folder at the first start and migrates it at later ones. Without SPRING_DATASOURCE_URL a private \
            PostgreSQL server runs in the data folder, reachable over a Unix socket there only; it starts and stops with the \
            process. Settings are environment variables (docs/operations.md); these options stand for the commonest.
            """,
        options: [
            .string(
                "data", placeholder: "DIR", default: "./data", environment: "NEEDLETAIL_DATA",
                help: "where the private database lives"),
            .integer(
                "http-port", placeholder: "PORT", default: 8080, in: 0...65_535, environment: "HTTP_BIND_PORT",
                help: "port of the REST API and the HTTP device API"),
            .integer(
                "mqtt-port", placeholder: "PORT", default: 1883, in: 0...65_535, environment: "MQTT_BIND_PORT",
                help: "port of the MQTT device API"),
            .string(
                "bind", placeholder: "ADDRESS", help: "address that every port is opened on, instead of 0.0.0.0"),
            .flag("demo", environment: "LOAD_DEMO", help: "load demo data when the database is new"),
        ] + ServiceCommand.options)

    static func run(_ arguments: ParsedArguments, environment: [String: String]) async -> Int32 {
        guard var source = ServiceCommand.source(arguments, environment: environment) else { return 2 }
        if let address = arguments.string("bind") {
            source = source.setting("HTTP_BIND_ADDRESS", to: address).setting("MQTT_BIND_ADDRESS", to: address)
        }
        let settings = StandaloneSettings(source)
        if let status = ServiceCommand.finish(settings.reader, arguments, source: source) { return status }
        // Before any thread: all of them inherit the mask.
        let signals = TerminationSignals()
        let logger = Logger(label: "needletail", sink: settings.runtime.log)
        return await Standalone(settings: settings, logger: logger).run(until: signals, logger: logger)
    }
}
