import Configuration
import Glibc
import Logging
import Postgres
import ProcessRuntime
import ServiceRuntime
import Storage

/// What the executables of a cluster do: read the configuration, wire, run.
public enum ClusterCommand {
    /// Runs the process of the service that it was called by, else of `service`, to its end; returns the exit status.
    public static func run(_ service: ClusterService) async -> Int32 {
        let service = CommandLine.arguments.first.flatMap(ClusterService.init(calledAs:)) ?? service
        let environment = MountedSettings.laid(over: ProcessEnvironment.read(), file: service.mountedFile)
        let command = Command(
            service.rawValue, summary: service.summary,
            discussion:
                "Settings are environment variables (docs/operations.md), or stand in a file like those in config/.",
            options: ServiceCommand.options)
        let arguments = ArgumentParser(program: command).parseOrExit(CommandLine.arguments, environment: environment)
        guard let source = ServiceCommand.source(arguments, environment: environment) else { return 2 }
        let settings = ClusterSettings(service, source)
        if let status = ServiceCommand.finish(settings.reader, arguments, source: source) { return status }
        // Before any thread: all of them inherit the mask.
        let signals = TerminationSignals()
        let logger = Logger(label: service.rawValue, sink: settings.runtime.log)
        if service.usesDatabase {
            switch settings.task {
            case .install(let isDemo): return Installation.run(settings.database, logger, isDemo: isDemo)
            case .upgrade: return Installation.run(settings.database, logger, isDemo: nil)
            case .serve: break
            }
        }
        return await process(service, settings, logger).run(until: signals, logger: logger)
    }

    private static func process(
        _ service: ClusterService, _ settings: ClusterSettings, _ logger: Logger
    ) -> any RunnableService {
        switch service {
        case .mqttTransport, .httpTransport: TransportProcess(service, settings: settings, logger: logger)
        case .coreNode: CoreProcess(settings: settings, logger: logger)
        case .ruleEngine: RuleEngineProcess(settings: settings, logger: logger)
        }
    }
}

/// The database's tables, made or upgraded (`cluster.md` 10).
enum Installation {
    /// - Parameter isDemo: `nil` to upgrade only.
    static func run(_ settings: DatabaseSettings, _ logger: Logger, isDemo: Bool?) -> Int32 {
        let access = DatabaseAccess(settings: settings, dataDirectory: nil, logger: logger)
        do {
            let connection = try settings.configuration(try access.open()).connect()
            defer { connection.close() }
            if let isDemo {
                try access.install(on: connection, demo: isDemo)
            } else {
                try access.upgrade(on: connection)
            }
            return 0
        } catch {
            Output.error("\(error)")
            return 1
        }
    }
}
