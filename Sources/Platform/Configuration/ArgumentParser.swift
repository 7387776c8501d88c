import Glibc

/// Parses the command line of a program with subcommands: `program command --name value --name=value --flag -- rest`.
public struct ArgumentParser: Sendable {
    public let program: String
    public let summary: String
    public let commands: [Command]
    /// Whether the program is one command, whose name is not given.
    let isSingle: Bool

    public enum Outcome: Sendable {
        case run(ParsedArguments)
        /// Print it to standard output and exit with 0.
        case help(String)
        /// Print it to standard error and exit with 2.
        case failure(String)
    }

    public init(program: String, summary: String, commands: [Command]) {
        self.program = program
        self.summary = summary
        self.commands = commands
        isSingle = false
    }

    /// A program without subcommands.
    public init(program: Command) {
        self.program = program.name
        summary = program.summary
        commands = [program]
        isSingle = true
    }

    /// Parses, or prints help (exit status 0) or what is wrong (exit status 2) and ends the process.
    ///
    /// - Parameter arguments: with the program's name in front.
    public func parseOrExit(_ arguments: [String], environment: [String: String]) -> ParsedArguments {
        switch parse(Array(arguments.dropFirst()), environment: environment) {
        case .run(let parsed): return parsed
        case .help(let text):
            Self.print(text, to: STDOUT_FILENO)
            exit(0)
        case .failure(let text):
            Self.print("\(program): \(text)\n", to: STDERR_FILENO)
            exit(2)
        }
    }

    private static func print(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    /// - Parameter arguments: without the program's name.
    public func parse(_ arguments: [String], environment: [String: String]) -> Outcome {
        if isSingle { return parse(commands[0], arguments[...], environment) }
        guard let first = arguments.first else { return .failure("no command given\n\n\(help())") }
        switch first {
        case "--help", "-h": return .help(help())
        case "help":
            guard arguments.count > 1 else { return .help(help()) }
            guard let command = command(named: arguments[1]) else { return unknown(command: arguments[1]) }
            return .help(help(for: command))
        case "--version": return parse(["version"] + arguments.dropFirst(), environment: environment)
        default: break
        }
        guard let command = command(named: first) else { return unknown(command: first) }
        return parse(command, arguments.dropFirst(), environment)
    }

    private func command(named name: String) -> Command? {
        commands.first { $0.name == name }
    }

    private func unknown(command name: String) -> Outcome {
        guard !name.hasPrefix("-") else {
            return .failure("the first argument is a command, \"\(name)\" is none; see \(program) --help")
        }
        return .failure("no command \"\(name)\"\(hint(name, among: commands.map(\.name), prefix: ""))")
    }

    // MARK: - One subcommand

    private func parse(
        _ command: Command, _ arguments: ArraySlice<String>, _ environment: [String: String]
    ) -> Outcome {
        var given: [String: String] = [:]
        var operands: [String] = []
        var rest = arguments
        while let argument = rest.popFirst() {
            if argument == "--" {
                operands += rest
                rest = []
            } else if argument == "--help" || argument == "-h" {
                return .help(help(for: command))
            } else if argument.hasPrefix("-"), argument != "-" {
                if let failure = parse(option: argument, of: command, &rest, into: &given) { return .failure(failure) }
            } else {
                operands.append(argument)
            }
        }
        if command.operands == nil, let operand = operands.first {
            return .failure("\(command.name) takes no operands, \"\(operand)\" is one; \(seeHelp(command))")
        }
        let (inherited, problems) = inherit(command, environment, given)
        guard problems.isEmpty else { return .failure(problems.joined(separator: "\n")) }
        return .run(ParsedArguments(command: command, operands: operands, given: given, inherited: inherited))
    }

    /// Takes one option, and its value from `rest` where it needs one. Returns what is wrong, or `nil`.
    private func parse(
        option argument: String, of command: Command, _ rest: inout ArraySlice<String>,
        into given: inout [String: String]
    ) -> String? {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0].drop { $0 == "-" })
        guard argument.hasPrefix("--"), let option = command.options.first(where: { $0.name == name }) else {
            let hint = hint(name, among: command.options.map(\.name), prefix: "--")
            return "\(command.name) has no option \(parts[0])\(hint)\(hint.isEmpty ? "; \(seeHelp(command))" : "")"
        }
        let attached = parts.count > 1 ? String(parts[1]) : nil
        guard let value = attached ?? (option.isFlag ? "true" : rest.popFirst()) else {
            return "--\(name) needs a value; \(seeHelp(command))"
        }
        if let expected = option.complaint(about: value) { return "--\(name) is \"\(value)\"; expected \(expected)" }
        given[name] = value
        return nil
    }

    private func inherit(
        _ command: Command, _ environment: [String: String], _ given: [String: String]
    ) -> (values: [String: String], problems: [String]) {
        var values: [String: String] = [:]
        var problems: [String] = []
        for option in command.options where given[option.name] == nil {
            guard let name = option.environmentName, let value = environment[name], !value.isEmpty else { continue }
            if let expected = option.complaint(about: value) {
                problems.append("\(name) is \"\(value)\"; expected \(expected)")
            } else {
                values[option.name] = value
            }
        }
        return (values, problems)
    }

    private func seeHelp(_ command: Command) -> String {
        isSingle ? "see \(program) --help" : "see \(program) \(command.name) --help"
    }
}
