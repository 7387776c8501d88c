/// A command line that was understood: the subcommand, and its options' values from the command line, the environment or
/// their defaults, in this order. Reading an option that the subcommand does not declare stops the process.
public struct ParsedArguments: Sendable {
    public let command: Command
    /// What stood behind `--`, or without a dash.
    public let operands: [String]
    /// Values from the command line, by option name; the last one wins.
    let given: [String: String]
    /// Values from the environment, by option name.
    let inherited: [String: String]

    private func option(_ name: String) -> CommandOption {
        guard let option = command.options.first(where: { $0.name == name }) else {
            preconditionFailure("\(command.name) has no option --\(name)")
        }
        return option
    }

    private func value(_ name: String) -> String? {
        let option = option(name)
        return given[name] ?? inherited[name] ?? option.defaultValue
    }

    /// Whether the option stood on the command line.
    public func isGiven(_ name: String) -> Bool {
        given[option(name).name] != nil
    }

    public func flag(_ name: String) -> Bool {
        value(name)?.lowercased() == "true"
    }

    public func string(_ name: String) -> String? {
        guard let value = value(name) else { return nil }
        if case .choice(let choices) = option(name).kind {
            return choices.first { $0.lowercased() == value.lowercased() } ?? value
        }
        return value
    }

    public func integer(_ name: String) -> Int? {
        value(name).flatMap(Int.init)
    }

    /// `environment` with the values of given options under their environment names, so that a ``SettingsReader`` of the
    /// result sees one set of settings.
    public func overlaid(on environment: [String: String]) -> [String: String] {
        var merged = environment
        for option in command.options {
            guard let name = option.environmentName, let value = given[option.name] else { continue }
            merged[name] = value
        }
        return merged
    }
}
