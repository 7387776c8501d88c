import Configuration
import Glibc

/// The platform in one executable, and the operator's tool.
@main
enum Needletail {
    static func main() async {
        let environment = ProcessEnvironment.read()
        let parser = ArgumentParser(
            program: "needletail",
            summary: "An IoT platform: devices over MQTT and HTTP, rule chains, telemetry in PostgreSQL.",
            commands: [
                StandaloneCommand.command, InstallCommand.install, InstallCommand.upgrade,
                PsqlCommand.command, LoadTestCommand.command, BenchTransportCommand.command,
                VersionCommand.command,
            ])
        let arguments = parser.parseOrExit(CommandLine.arguments, environment: environment)
        let status: Int32
        switch arguments.command.name {
        case "standalone": status = await StandaloneCommand.run(arguments, environment: environment)
        case "install", "upgrade": status = InstallCommand.run(arguments, environment: environment)
        case "psql": status = PsqlCommand.run(arguments)
        case "loadtest": status = await LoadTestCommand.run(arguments)
        case "bench-transport": status = await BenchTransportCommand.run(arguments, environment: environment)
        case "version": status = VersionCommand.run()
        case let name: preconditionFailure("command \(name) is declared but not run")
        }
        exit(status)
    }
}
