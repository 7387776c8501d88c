/// Where settings come from: the environment, with a configuration file and command line options laid over it.
public struct SettingsSource: Sendable {
    /// By environment name.
    public internal(set) var values: [String: String]
    /// Where a value stands, for messages: `mqtt-transport.yml:12`. By environment name; nothing for what only the
    /// environment says.
    public internal(set) var origins: [String: String]
    /// Key paths of the file that no setting has.
    public internal(set) var ignored: [String]

    public init(environment: [String: String]) {
        values = environment
        origins = [:]
        ignored = []
    }

    /// The same with the values of options that were given, which win over everything.
    public func overlaid(by arguments: ParsedArguments) -> SettingsSource {
        var result = self
        result.values = arguments.overlaid(on: values)
        for option in arguments.command.options {
            if let name = option.environmentName, arguments.isGiven(option.name) {
                result.origins[name] = "--\(option.name)"
            }
        }
        return result
    }

    /// The same with one value set by the program itself.
    public func setting(_ name: String, to value: String) -> SettingsSource {
        var result = self
        result.values[name] = value
        return result
    }
}
