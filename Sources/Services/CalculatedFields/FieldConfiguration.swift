public import JSON
public import Model

/// The configuration of a field, read and checked (`rule-engine.md` 7.3, 7.4).
public struct FieldConfiguration: Sendable {
    public var type: FieldType
    /// In the order of their names.
    public var arguments: [FieldArgument]
    public var formula: Formula
    /// As it is stored: what was given, with what is implied.
    public var document: JSONValue

    public enum Formula: Sendable {
        /// An arithmetic expression, whose text need not be one.
        case simple(expression: String, usesLatestTime: Bool, FieldOutput)
        /// The body of a function in TBEL.
        case script(String, FieldOutput)
        case alarm(AlarmFieldRules)
    }

    /// Entities that arguments name.
    public var referencedEntities: Set<EntityID> { Set(arguments.compactMap(\.entity)) }

    /// `nil` of alarm rules, which give alarms.
    public var output: FieldOutput? {
        switch formula {
        case .simple(_, _, let output), .script(_, let output): output
        case .alarm: nil
        }
    }

    /// - Parameters:
    ///   - type: Of the field; the configuration must be of the same.
    public init(_ document: JSONValue, type: FieldType) throws(FieldError) {
        let reader = try FieldReader(document, "configuration")
        guard let own = try reader.word("type", FieldType.self) else {
            throw .malformed("a type is expected in 'configuration'")
        }
        guard own == type else {
            throw .invalid("Configuration type '\(own.rawValue)' is not that of the field: '\(type.rawValue)'!")
        }
        guard type.isSupported else {
            throw .invalid("Calculated fields of type '\(type.rawValue)' are not supported!")
        }
        self.type = type
        self.document = document
        arguments = try Self.arguments(reader, type)
        if type == .alarm {
            if arguments.isEmpty { throw .violations(["arguments must not be empty"]) }
            if arguments.contains(where: \.isRolling) { throw .invalid("Only single value arguments supported") }
            formula = .alarm(try AlarmFieldRules(reader, arguments))
            return
        }
        var violations: [String] = []
        if arguments.isEmpty { violations.append("arguments must not be empty") }
        let output = try reader.object("output").map(Self.output)
        if output == nil { violations.append("output must not be null") }
        guard violations.isEmpty, let output else { throw .violations(violations.sorted()) }
        let expression = try reader.text("expression") ?? ""
        if expression.allSatisfy(\.isWhitespace) { throw .invalid("Expression should be specified!") }
        if expression.utf8.count > Self.maximumExpression { throw .invalid("The expression is too long!") }
        if type == .script {
            formula = .script(expression, output)
        } else {
            let usesLatestTime = try reader.boolean("useLatestTs") ?? false
            formula = .simple(expression: expression, usesLatestTime: usesLatestTime, output)
            self.document["useLatestTs"] = .bool(usesLatestTime)
            if arguments.contains(where: \.isRolling) {
                throw .invalid("Rolling argument entry is not supported for simple calculated fields.")
            }
        }
        if self.document["output"]?["strategy"] ?? .null == .null {
            self.document["output"]?["strategy"] = ["type": "RULE_CHAIN"]
        }
    }

    private static let maximumExpression = 100_000
    /// Whatever the tenant profile says.
    private static let maximumArguments = 100

    // MARK: - Arguments

    private static func arguments(_ reader: FieldReader, _ type: FieldType) throws(FieldError) -> [FieldArgument] {
        guard let given = try reader.object("arguments") else { return [] }
        if given.members.count > maximumArguments { throw .invalid("Calculated field arguments limit reached!") }
        var arguments: [FieldArgument] = []
        for (name, _) in given.members {
            if name == "ctx" { throw .invalid("Argument name 'ctx' is reserved and cannot be used.") }
            guard isName(name) else { throw .invalid("Argument name '\(name)' is not a name!") }
            guard let argument = try given.object(name) else {
                throw .violations(["argument must not be null"])
            }
            arguments.append(try Self.argument(name, argument, type))
        }
        return arguments.sorted { $0.name < $1.name }
    }

    /// What expressions and scripts can call a value.
    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first), name.utf8.count <= 255 else { return false }
        return name.unicodeScalars.allSatisfy { $0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "_" }
    }

    private enum SourceWord: String { case latest = "TS_LATEST", attribute = "ATTRIBUTE", rolling = "TS_ROLLING" }
    private enum DynamicWord: String { case owner = "CURRENT_OWNER", relations = "RELATION_PATH_QUERY" }

    private static func argument(
        _ name: String, _ reader: FieldReader, _ type: FieldType
    ) throws(FieldError) -> FieldArgument {
        if let dynamic = try reader.object("refDynamicSourceConfiguration") {
            let word = try dynamic.word("type", DynamicWord.self)
            if word == .relations {
                throw .invalid(
                    "Calculated field with type: '\(type.rawValue)' doesn't support relation query configuration!")
            }
            throw .invalid("Arguments of the current owner are not supported!")
        }
        guard let key = try reader.object("refEntityKey") else {
            throw .invalid("Argument '\(name)' has no refEntityKey!")
        }
        guard let text = try key.text("key"), !text.isEmpty else {
            throw .invalid("Argument '\(name)' has no key!")
        }
        let source: FieldArgument.Source
        switch try key.word("type", SourceWord.self) {
        case .latest: source = .latest
        case .attribute: source = .attribute(try key.scope("scope") ?? .server)
        case .rolling:
            let limit = try reader.integer("limit") ?? 0
            let window = try reader.integer("timeWindow") ?? 0
            guard limit >= 0, window >= 0 else { throw .invalid("Argument '\(name)' has a negative limit!") }
            source = .rolling(limit: Int(clamping: limit), window: window)
        case nil: throw .invalid("Argument '\(name)' has no type!")
        }
        let entity = try reader.entity("refEntityId")
        if let kind = entity?.type, ![.device, .asset, .customer, .tenant].contains(kind) {
            throw .invalid("Unsupported referenced entity type: '\(kind.name)'.")
        }
        return FieldArgument(
            name: name, entity: entity, key: text, source: source, defaultValue: try reader.text("defaultValue"))
    }

    // MARK: - Output

    private enum TargetWord: String { case timeSeries = "TIME_SERIES", attributes = "ATTRIBUTES" }
    private enum StrategyWord: String { case ruleChain = "RULE_CHAIN", immediate = "IMMEDIATE" }

    private static func output(_ reader: FieldReader) throws(FieldError) -> FieldOutput {
        guard let word = try reader.word("type", TargetWord.self) else {
            throw .malformed("a type is expected in 'configuration.output'")
        }
        let target: FieldOutput.Target =
            word == .timeSeries ? .timeSeries : .attributes(try reader.scope("scope") ?? .server)
        let decimals = try reader.integer("decimalsByDefault")
        if let decimals, !(0...20).contains(decimals) {
            throw .invalid("decimalsByDefault is \(decimals); expected 0 to 20")
        }
        var output = FieldOutput(target: target, name: try reader.text("name") ?? "", decimals: decimals.map(Int.init))
        guard let strategy = try reader.object("strategy"),
            try strategy.word("type", StrategyWord.self) == .immediate
        else { return output }
        func flag(_ name: String) throws(FieldError) -> Bool { try strategy.boolean(name) ?? false }
        if word == .timeSeries {
            output.strategy = .saveTimeSeries(
                .init(
                    savesHistory: try flag("saveTimeSeries"), savesLatest: try flag("saveLatest"),
                    tellsSockets: try flag("sendWsUpdate"), feedsFields: try flag("processCfs")))
        } else {
            output.strategy = .saveAttributes(
                .init(
                    isSaved: try flag("saveAttribute"), onlyChanged: try flag("updateAttributesOnlyOnValueChange"),
                    notifies: try flag("sendAttributesUpdatedNotification"), tellsSockets: try flag("sendWsUpdate"),
                    feedsFields: try flag("processCfs")))
        }
        return output
    }
}
