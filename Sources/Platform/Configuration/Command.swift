/// One option of a subcommand: `--name`.
public struct CommandOption: Sendable {
    public enum Kind: Sendable {
        /// Given or not.
        case flag
        case string(placeholder: String)
        case integer(placeholder: String, range: ClosedRange<Int>)
        case choice([String])
    }

    /// Without the dashes.
    public let name: String
    public let kind: Kind
    /// In the option's own notation; `nil` when there is none.
    public let defaultValue: String?
    /// The variable that sets the same; a given option wins over it.
    public let environmentName: String?
    /// One or two sentences.
    public let help: String

    private init(_ name: String, _ kind: Kind, _ defaultValue: String?, _ environmentName: String?, _ help: String) {
        precondition(!name.isEmpty && !name.hasPrefix("-") && !name.contains("="), "option name \"\(name)\"")
        self.name = name
        self.kind = kind
        self.defaultValue = defaultValue
        self.environmentName = environmentName
        self.help = help
    }

    public static func flag(_ name: String, environment: String? = nil, help: String) -> CommandOption {
        CommandOption(name, .flag, nil, environment, help)
    }

    public static func string(
        _ name: String, placeholder: String, default defaultValue: String? = nil, environment: String? = nil,
        help: String
    ) -> CommandOption {
        CommandOption(name, .string(placeholder: placeholder), defaultValue, environment, help)
    }

    public static func integer(
        _ name: String, placeholder: String = "N", default defaultValue: Int? = nil,
        in range: ClosedRange<Int> = 0...Int.max, environment: String? = nil, help: String
    ) -> CommandOption {
        CommandOption(
            name, .integer(placeholder: placeholder, range: range), defaultValue.map(String.init), environment, help)
    }

    public static func choice(
        _ name: String, of choices: [String], default defaultValue: String? = nil, environment: String? = nil,
        help: String
    ) -> CommandOption {
        CommandOption(name, .choice(choices), defaultValue, environment, help)
    }

    var isFlag: Bool {
        if case .flag = kind { return true }
        return false
    }

    /// As it stands in help: `--http-port PORT`.
    var usage: String {
        switch kind {
        case .flag: "--\(name)"
        case .string(let placeholder), .integer(let placeholder, _): "--\(name) \(placeholder)"
        case .choice(let choices): "--\(name) \(choices.joined(separator: "|"))"
        }
    }

    /// What is wrong with `value`, or `nil`.
    func complaint(about value: String) -> String? {
        switch kind {
        case .string: return nil
        case .flag: return ["true", "false"].contains(value.lowercased()) ? nil : "true or false"
        case .integer(_, let range):
            if let number = Int(value), range.contains(number) { return nil }
            return SettingsReader.describe(range)
        case .choice(let choices):
            if choices.contains(where: { $0.lowercased() == value.lowercased() }) { return nil }
            return "one of \(choices.joined(separator: ", "))"
        }
    }
}

/// One subcommand of a program.
public struct Command: Sendable {
    public let name: String
    /// One line, for the list of subcommands.
    public let summary: String
    /// Paragraphs for the subcommand's own help; may be empty.
    public let discussion: String
    public let options: [CommandOption]
    /// What may stand behind `--` (or without a dash), for help: `ARGS`. `nil`: nothing may.
    public let operands: String?

    public init(
        _ name: String, summary: String, discussion: String = "", options: [CommandOption] = [], operands: String? = nil
    ) {
        precondition(Set(options.map(\.name)).count == options.count, "\(name) declares an option twice")
        self.name = name
        self.summary = summary
        self.discussion = discussion
        self.options = options
        self.operands = operands
    }
}
