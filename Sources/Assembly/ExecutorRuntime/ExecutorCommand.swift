import Configuration
import Logging
import ProcessRuntime

/// The service `js-executor`: reads the configuration, wires, runs.
public enum ExecutorCommand {
    static let name = "js-executor"

    /// Runs the process to its end; returns the exit status.
    public static func run() async -> Int32 {
        let environment = MountedSettings.laid(over: ProcessEnvironment.read(), file: "tb-js-executor.conf")
        let command = Command(
            name, summary: "the executor of scripts of a cluster: requests from Kafka, run in processes of their own",
            discussion: """
                Settings are environment variables (docs/operations.md), or stand in a file like those in config/.

                As `js-executor --worker` it is one of those processes; services and executors start them by themselves.
                """,
            options: ServiceCommand.options)
        let arguments = ArgumentParser(program: command).parseOrExit(CommandLine.arguments, environment: environment)
        guard let source = ServiceCommand.source(arguments, environment: environment) else { return 2 }
        let settings = ExecutorSettings(source)
        if let status = ServiceCommand.finish(settings.reader, arguments, source: source) { return status }
        // Before any thread: all of them inherit the mask.
        let signals = TerminationSignals()
        let logger = Logger(label: name, sink: settings.runtime.log)
        return await ExecutorProcess(settings: settings, logger: logger).run(until: signals, logger: logger)
    }
}
