public import AlarmRules
import JSON
public import Telemetry

/// The rules of a field of type `ALARM` (`rule-engine.md` 7.2).
public struct AlarmFieldRules: Sendable {
    /// From the most severe one.
    public static let severities = ["CRITICAL", "MAJOR", "MINOR", "WARNING", "INDETERMINATE"]

    /// A value of a rule: fixed, or that of an argument.
    public enum Operand: Sendable {
        case constant(TelemetryValue)
        /// Index of the argument.
        case argument(Int)
    }

    public struct Filter: Sendable {
        public var argument: Int
        public var isAny: Bool
        public var predicates: [ValuePredicate<Operand>]
    }

    public enum Expression: Sendable {
        case filters([Filter], isAny: Bool)
        /// A script that gives true or false.
        case script(String)
    }

    public enum Schedule: Sendable {
        case fixed(AlarmSchedule)
        case argument(Int)
    }

    public enum Condition: Sendable {
        case simple
        case duration(DurationUnit, Operand)
        case repeating(Operand)
    }

    public struct Rule: Sendable {
        /// `nil` of the rule that clears.
        public var severity: String?
        public var expression: Expression
        public var condition: Condition
        public var schedule: Schedule?
        public var details: String?
        public var dashboard: String?

        /// Whether time alone can change what it says.
        public var isTimed: Bool {
            if case .fixed(.anyTime)? = schedule { return asksForSilence }
            return schedule != nil || asksForSilence
        }

        /// Whether it asks for values that did not come.
        var asksForSilence: Bool {
            guard case .filters(let filters, _) = expression else { return false }
            return filters.contains { $0.predicates.contains(where: Self.isSilence) }
        }

        private static func isSilence(_ predicate: ValuePredicate<Operand>) -> Bool {
            switch predicate {
            case .noData: true
            case .all(let predicates), .any(let predicates): predicates.contains(where: isSilence)
            case .text, .number, .boolean: false
            }
        }

        /// Whether it has a state that is to be kept.
        public var hasState: Bool {
            if case .simple = condition { isTimed } else { true }
        }
    }

    /// From the most severe one.
    public var create: [Rule]
    public var clear: Rule?
    public var propagates: Bool
    public var propagatesToOwner: Bool
    public var propagatesToTenant: Bool
    public var relationTypes: [String]

    public var all: [Rule] { create + (clear.map { [$0] } ?? []) }

    // MARK: - Reading

    init(_ reader: FieldReader, _ arguments: [FieldArgument]) throws(FieldError) {
        let places = Dictionary(uniqueKeysWithValues: arguments.enumerated().map { ($1.name, $0) })
        guard let given = try reader.object("createRules"), !given.members.isEmpty else {
            throw .violations(["createRules must not be empty"])
        }
        for (name, _) in given.members where !Self.severities.contains(name) {
            throw .malformed("unknown value '\(name)' in 'configuration.createRules'")
        }
        create = []
        for severity in Self.severities {
            guard let rule = try given.object(severity) else { continue }
            create.append(try Self.rule(rule, severity, places))
        }
        clear = nil
        if let rule = try reader.object("clearRule") { clear = try Self.rule(rule, nil, places) }
        propagates = try reader.boolean("propagate") ?? false
        propagatesToOwner = try reader.boolean("propagateToOwner") ?? false
        propagatesToTenant = try reader.boolean("propagateToTenant") ?? false
        relationTypes = []
        for type in try reader.elements("propagateRelationTypes") ?? [] {
            guard let text = type.stringValue else {
                throw .malformed("a text is expected in 'propagateRelationTypes'")
            }
            relationTypes.append(text)
        }
    }

    private enum ConditionWord: String { case simple = "SIMPLE", duration = "DURATION", repeating = "REPEATING" }
    private enum ExpressionWord: String { case simple = "SIMPLE", tbel = "TBEL" }
    private enum OperationWord: String { case and = "AND", or = "OR" }
    private static let maximumFilters = 1_000

    private static func rule(
        _ reader: FieldReader, _ severity: String?, _ places: [String: Int]
    ) throws(FieldError) -> Rule {
        guard let given = try reader.object("condition") else { throw .violations(["condition must not be null"]) }
        let condition: Condition
        switch try given.word("type", ConditionWord.self) {
        case .simple: condition = .simple
        case .duration:
            guard let unit = try given.word("unit", DurationUnit.self) else {
                throw .violations(["unit must not be null"])
            }
            condition = .duration(unit, try operand(given, "value", places))
        case .repeating: condition = .repeating(try operand(given, "count", places))
        case nil: throw .malformed("a type is expected in '\(given.path)'")
        }
        guard let expression = try given.object("expression") else {
            throw .violations(["expression must not be null"])
        }
        let rule = Rule(
            severity: severity, expression: try Self.expression(expression, places), condition: condition,
            schedule: try schedule(given, places), details: try reader.text("alarmDetails"),
            dashboard: try reader.object("dashboardId")?.text("id"))
        if case .simple = condition {
        } else if rule.asksForSilence {
            throw .violations([
                "Expressions requiring scheduled reevaluation can only be used with simple alarm conditions"
            ])
        }
        return rule
    }

    private static func expression(
        _ reader: FieldReader, _ places: [String: Int]
    ) throws(FieldError) -> Expression {
        switch try reader.word("type", ExpressionWord.self) {
        case .tbel:
            guard let text = try reader.text("expression"), !text.allSatisfy(\.isWhitespace) else {
                throw .violations(["expression must not be blank"])
            }
            return .script(text)
        case .simple:
            let given = try reader.elements("filters") ?? []
            if given.isEmpty { throw .violations(["filters must not be empty"]) }
            guard given.count <= maximumFilters else { throw .invalid("There are too many filters!") }
            var filters: [Filter] = []
            for filter in given { filters.append(try Self.filter(try FieldReader(filter, "filters"), places)) }
            return .filters(filters, isAny: try reader.word("operation", OperationWord.self) == .or)
        case nil: throw .malformed("a type is expected in '\(reader.path)'")
        }
    }

    private static func filter(_ reader: FieldReader, _ places: [String: Int]) throws(FieldError) -> Filter {
        guard let name = try reader.text("argument"), !name.allSatisfy(\.isWhitespace) else {
            throw .violations(["argument must not be blank"])
        }
        if reader.value("valueType") == nil { throw .violations(["valueType must not be null"]) }
        let given = try reader.elements("predicates") ?? []
        if given.isEmpty { throw .violations(["predicates must not be empty"]) }
        guard given.count <= maximumFilters else { throw .invalid("There are too many predicates!") }
        var predicates: [ValuePredicate<Operand>] = []
        for predicate in given {
            do {
                predicates.append(
                    try ValuePredicate(predicate, allowsNoData: true) { value throws(AlarmRuleError) in
                        do throws(FieldError) {
                            return try Self.operand(value, places)
                        } catch {
                            throw AlarmRuleError(error.text)
                        }
                    })
            } catch {
                throw .invalid(error.message)
            }
        }
        return Filter(
            argument: try Self.place(name, places), isAny: try reader.word("operation", OperationWord.self) == .or,
            predicates: predicates)
    }

    private static func place(_ name: String, _ places: [String: Int]) throws(FieldError) -> Int {
        guard let place = places[name] else { throw .invalid("Argument '\(name)' is missing") }
        return place
    }

    private static func operand(
        _ reader: FieldReader, _ key: String, _ places: [String: Int]
    ) throws(FieldError) -> Operand {
        guard let value = reader.value(key) else { throw .violations(["\(key) must not be null"]) }
        return try operand(value, places)
    }

    private static func operand(_ value: JSONValue, _ places: [String: Int]) throws(FieldError) -> Operand {
        let reader = try FieldReader(value, "value")
        let fixed = reader.value("staticValue").flatMap { TelemetryValue(ruleConstant: $0) }
        let name = try reader.text("dynamicValueArgument")
        guard (fixed == nil) != (name == nil) else {
            throw .violations(["Either staticValue or dynamicValueArgument must be set"])
        }
        if let fixed { return .constant(fixed) }
        return .argument(try place(name ?? "", places))
    }

    private static func schedule(
        _ condition: FieldReader, _ places: [String: Int]
    ) throws(FieldError) -> Schedule? {
        guard let reader = try condition.object("schedule") else { return nil }
        let name = try reader.text("dynamicValueArgument")
        let fixed = reader.value("staticValue")
        guard (fixed == nil) != (name == nil) else {
            throw .violations(["Either staticValue or dynamicValueArgument must be set"])
        }
        if let name { return .argument(try place(name, places)) }
        do {
            let schedule = try AlarmSchedule(fixed ?? .null)
            // A zone that is none shows now.
            _ = try schedule.isActive(at: 0)
            return .fixed(schedule)
        } catch {
            throw .invalid(error.message)
        }
    }
}

extension FieldError {
    /// For the user.
    var text: String {
        switch self {
        case .malformed(let text), .invalid(let text): text
        case .violations(let texts): texts.joined(separator: ", ")
        }
    }
}
