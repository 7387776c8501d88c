public import Configuration

/// The options that every command with settings has, and what they do.
public enum ServiceCommand {
    public static let options: [CommandOption] = [
        .string(
            "config", placeholder: "FILE", environment: "NEEDLETAIL_CONFIG",
            help: "settings in YAML, like those in config/; variables of the environment fill its placeholders"),
        .flag("print-config", help: "print every setting with the value that holds, and end; secrets are masked"),
    ]

    /// The environment with the file and the options over it; says what is wrong with the file, and returns `nil` then.
    public static func source(_ arguments: ParsedArguments, environment: [String: String]) -> SettingsSource? {
        guard let path = arguments.string("config") else {
            return SettingsSource(environment: environment).overlaid(by: arguments)
        }
        do {
            return try ConfigurationFile(path: path).source(environment: environment).overlaid(by: arguments)
        } catch {
            Output.error("\(error)")
            return nil
        }
    }

    /// Says what is wrong with the settings, or prints them where that was asked for. Returns the exit status with which
    /// the process ends then; `nil` when it goes on.
    public static func finish(_ reader: SettingsReader, _ arguments: ParsedArguments, source: SettingsSource) -> Int32?
    {
        guard reader.problems.isEmpty else {
            for problem in reader.problems { Output.error(problem) }
            return 2
        }
        guard arguments.flag("print-config") else { return nil }
        for line in reader.printed(source) { Output.line(line) }
        return 0
    }
}
