public import JSON
public import Telemetry

/// What a rule asks of a value (`rule-engine.md` 7.1, 7.2).
///
/// Alarm rules of device profiles (the rule node) and alarm rules of calculated fields both use this; they differ in the
/// operands: what a value is compared with, and where that comes from.
public indirect enum ValuePredicate<Operand: Sendable>: Sendable {
    case text(TextOperation, Operand, ignoresCase: Bool)
    case number(NumberOperation, Operand)
    case boolean(isEqual: Bool, Operand)
    case all([ValuePredicate])
    case any([ValuePredicate])
    /// Nothing new came for that time; only of calculated fields.
    case noData(DurationUnit, Operand)

    public enum TextOperation: String, Sendable {
        case equal = "EQUAL"
        case notEqual = "NOT_EQUAL"
        case startsWith = "STARTS_WITH"
        case endsWith = "ENDS_WITH"
        case contains = "CONTAINS"
        case notContains = "NOT_CONTAINS"
        case isIn = "IN"
        case isNotIn = "NOT_IN"
    }

    public enum NumberOperation: String, Sendable {
        case equal = "EQUAL"
        case notEqual = "NOT_EQUAL"
        case greater = "GREATER"
        case less = "LESS"
        case greaterOrEqual = "GREATER_OR_EQUAL"
        case lessOrEqual = "LESS_OR_EQUAL"
    }
}

/// Finds the values of operands.
public protocol OperandResolver {
    associatedtype Operand: Sendable

    /// The operand as what `convert` makes of a value.
    ///
    /// - Returns: `nil` when there is none: the predicate does not hold then.
    func resolve<Value>(_ operand: Operand, _ convert: (TelemetryValue) -> Value?) throws(AlarmRuleError) -> Value?
}

extension ValuePredicate {
    /// Whether it holds for a value.
    ///
    /// - Parameter age: Milliseconds since the value came.
    public func holds<Resolver: OperandResolver>(
        for value: TelemetryValue, age: Int64 = 0, _ resolver: Resolver
    ) throws(AlarmRuleError) -> Bool where Resolver.Operand == Operand {
        switch self {
        case .text(let operation, let operand, let ignoresCase):
            guard let wanted = try resolver.resolve(operand, { $0.ruleText }) else { return false }
            return ignoresCase
                ? operation.holds(value.ruleText.lowercased(), wanted.lowercased())
                : operation.holds(value.ruleText, wanted)
        case .number(let operation, let operand):
            guard let number = value.ruleNumber, let wanted = try resolver.resolve(operand, { $0.ruleNumber }) else {
                return false
            }
            return operation.holds(number, wanted)
        case .boolean(let isEqual, let operand):
            guard let wanted = try resolver.resolve(operand, { $0.ruleBoolean }) else { return false }
            return (value.ruleBoolean == wanted) == isEqual
        case .all(let predicates):
            for predicate in predicates where try !predicate.holds(for: value, age: age, resolver) { return false }
            return true
        case .any(let predicates):
            for predicate in predicates where try predicate.holds(for: value, age: age, resolver) { return true }
            return false
        case .noData(let unit, let operand):
            guard let duration = try resolver.resolve(operand, { $0.ruleInteger }), duration > 0 else { return false }
            return age >= unit.milliseconds(duration)
        }
    }

    /// All operands, those inside other predicates included.
    public var operands: [Operand] {
        switch self {
        case .text(_, let operand, _), .number(_, let operand), .boolean(_, let operand), .noData(_, let operand):
            [operand]
        case .all(let predicates), .any(let predicates): predicates.flatMap(\.operands)
        }
    }

    // MARK: - Reading

    /// Reads `{type, operation, value, ignoreCase}`, or `{type: COMPLEX, operation, predicates}`.
    ///
    /// - Parameters:
    ///   - allowsNoData: Whether `NO_DATA` is one of the types.
    ///   - depth: How many may lie inside one another.
    ///   - operand: Reads what is under `value`, or under `duration` of `NO_DATA`.
    public init(
        _ json: JSONValue, allowsNoData: Bool = false, depth: Int = 16,
        operand: (JSONValue) throws(AlarmRuleError) -> Operand
    ) throws(AlarmRuleError) {
        guard depth > 0 else { throw AlarmRuleError("Predicates lie too deep inside one another") }
        let operation = json["operation"]?.stringValue ?? ""
        let unknown = AlarmRuleError("Unknown operation of a predicate: \(operation)")
        let value = json["value"] ?? .null
        switch json["type"]?.stringValue {
        case "STRING":
            guard let operation = TextOperation(rawValue: operation) else { throw unknown }
            self = .text(operation, try operand(value), ignoresCase: json["ignoreCase"]?.boolValue ?? false)
        case "NUMERIC":
            guard let operation = NumberOperation(rawValue: operation) else { throw unknown }
            self = .number(operation, try operand(value))
        case "BOOLEAN":
            guard operation == "EQUAL" || operation == "NOT_EQUAL" else { throw unknown }
            self = .boolean(isEqual: operation == "EQUAL", try operand(value))
        case "COMPLEX":
            guard operation == "AND" || operation == "OR" else { throw unknown }
            var predicates: [ValuePredicate] = []
            for predicate in json["predicates"]?.arrayValue ?? [] {
                predicates.append(
                    try ValuePredicate(predicate, allowsNoData: allowsNoData, depth: depth - 1, operand: operand))
            }
            self = operation == "AND" ? .all(predicates) : .any(predicates)
        case "NO_DATA" where allowsNoData:
            guard let unit = json["unit"]?.stringValue.flatMap(DurationUnit.init) else {
                throw AlarmRuleError("Unknown unit of a predicate")
            }
            self = .noData(unit, try operand(json["duration"] ?? .null))
        case let type: throw AlarmRuleError("Unknown type of a predicate: \(type ?? "")")
        }
    }
}

extension ValuePredicate.NumberOperation {
    func holds(_ value: Double, _ wanted: Double) -> Bool {
        switch self {
        // As objects of Java: NaN is itself, and zeros have signs.
        case .equal: value.isNaN ? wanted.isNaN : value.bitPattern == wanted.bitPattern
        case .notEqual: value.isNaN ? !wanted.isNaN : value.bitPattern != wanted.bitPattern
        case .greater: value > wanted
        case .less: value < wanted
        case .greaterOrEqual: value >= wanted
        case .lessOrEqual: value <= wanted
        }
    }
}

extension ValuePredicate.TextOperation {
    func holds(_ value: String, _ wanted: String) -> Bool {
        switch self {
        case .equal: value == wanted
        case .notEqual: value != wanted
        case .startsWith: value.hasPrefix(wanted)
        case .endsWith: value.hasSuffix(wanted)
        case .contains: Self.contains(value, wanted)
        case .notContains: !Self.contains(value, wanted)
        case .isIn: Self.list(wanted).contains(value)
        case .isNotIn: !Self.list(wanted).contains(value)
        }
    }

    private static func contains(_ value: String, _ part: String) -> Bool { part.isEmpty || value.contains(part) }

    /// The elements of a list with commas, without the quotes that all of them have, or none.
    static func list(_ text: String) -> [String] {
        let elements = text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            var part = part
            while part.first?.isWhitespace ?? false { part.removeFirst() }
            while part.last?.isWhitespace ?? false { part.removeLast() }
            return String(part)
        }
        let quote = elements[0].utf8.first
        guard quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\""),
            elements.allSatisfy({ $0.utf8.count > 1 && $0.utf8.first == quote && $0.utf8.last == quote })
        else { return elements }
        return elements.map { String($0.dropFirst().dropLast()) }
    }
}
