import AlarmRules
import JSON
import Telemetry

/// A value of a device that rules look at.
struct RuleKey: Hashable, Sendable {
    enum Kind: String, Sendable {
        /// Of any scope.
        case attribute = "ATTRIBUTE"
        case timeSeries = "TIME_SERIES"
        case entityField = "ENTITY_FIELD"
        /// Not of the device: written in the rule.
        case constant = "CONSTANT"
    }

    var kind: Kind
    var name: String

    init(_ kind: Kind, _ name: String) {
        self.kind = kind
        self.name = name
    }
}

/// An attribute in place of a value that is written in a rule.
struct DynamicValue: Sendable, Equatable {
    enum Source: String, Sendable {
        /// Any value of the device that rules know by that name as an attribute.
        case device = "CURRENT_DEVICE"
        /// Attributes of the server's scope.
        case customer = "CURRENT_CUSTOMER"
        case tenant = "CURRENT_TENANT"
    }

    var source: Source
    var attribute: String
    /// Whether the customer has it where the device has none, and the tenant where that has none.
    var inherits: Bool

    /// - Returns: `nil` for none, and for sources that rules do not have.
    init?(_ json: JSONValue?) {
        guard let json, let source = json["sourceType"]?.stringValue.flatMap(Source.init),
            let attribute = json["sourceAttribute"]?.stringValue, !attribute.isEmpty
        else { return nil }
        self.source = source
        self.attribute = attribute
        inherits = json["inherit"]?.boolValue ?? false
    }
}

/// What a value is compared with.
struct ProfileOperand: Sendable {
    /// Counts where there is no dynamic value.
    var fallback: TelemetryValue?
    var dynamic: DynamicValue?

    init(_ json: JSONValue) {
        fallback = json["defaultValue"].flatMap { TelemetryValue(ruleConstant: $0) }
        dynamic = DynamicValue(json["dynamicValue"])
    }
}

/// When an alarm is raised or cleared, and what it says then (`rule-engine.md` 7.1).
struct ProfileRule: Sendable {
    enum Kind: Sendable {
        case simple
        /// The condition held for longer than that.
        case duration(DurationUnit, ProfileOperand)
        /// The condition held so many times.
        case repeating(ProfileOperand)
    }

    struct Filter: Sendable {
        var key: RuleKey
        /// Of a constant key.
        var constant: TelemetryValue?
        var predicate: ValuePredicate<ProfileOperand>
    }

    /// All must hold.
    var filters: [Filter]
    var kind: Kind
    var schedule: AlarmSchedule?
    /// An attribute with a schedule in place of that one.
    var dynamicSchedule: DynamicValue?
    var details: String?
    var dashboardID: String?
    /// Values whose change makes it worth looking at the rule.
    var keys: Set<RuleKey> = []

    init(_ json: JSONValue) throws(AlarmRuleError) {
        filters = []
        for filter in json["condition"]?["condition"]?.arrayValue ?? [] { filters.append(try Filter(filter)) }
        let spec = json["condition"]?["spec"] ?? .null
        let operand = ProfileOperand(spec["predicate"] ?? .null)
        switch spec["type"]?.stringValue {
        case nil, "SIMPLE": kind = .simple
        case "DURATION":
            guard let unit = spec["unit"]?.stringValue.flatMap(DurationUnit.init) else {
                throw AlarmRuleError("A duration has no unit")
            }
            kind = .duration(unit, operand)
        case "REPEATING": kind = .repeating(operand)
        case let type?: throw AlarmRuleError("Unknown type of a condition: \(type)")
        }
        if let schedule = json["schedule"], !schedule.isNull {
            self.schedule = try AlarmSchedule(schedule)
            dynamicSchedule = DynamicValue(schedule["dynamicValue"])
        }
        details = json["alarmDetails"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        dashboardID = json["dashboardId"]?["id"]?.stringValue ?? json["dashboardId"]?.stringValue
        for filter in filters {
            keys.insert(filter.key)
            for dynamic in filter.predicate.operands.compactMap(\.dynamic) {
                keys.insert(RuleKey(.attribute, dynamic.attribute))
            }
        }
    }

    /// All attributes that stand in place of values.
    var dynamicValues: [DynamicValue] {
        var operands = filters.flatMap(\.predicate.operands)
        switch kind {
        case .simple: break
        case .duration(_, let operand), .repeating(let operand): operands.append(operand)
        }
        return operands.compactMap(\.dynamic) + (dynamicSchedule.map { [$0] } ?? [])
    }
}

extension ProfileRule.Filter {
    init(_ json: JSONValue) throws(AlarmRuleError) {
        let type = json["key"]?["type"]?.stringValue ?? ""
        guard let kind = RuleKey.Kind(rawValue: type) else { throw AlarmRuleError("Unknown type of a key: \(type)") }
        key = RuleKey(kind, json["key"]?["key"]?.stringValue ?? "")
        predicate = try ValuePredicate(json["predicate"] ?? .null) { ProfileOperand($0) }
        guard kind == .constant, let value = json["value"].flatMap({ TelemetryValue(ruleConstant: $0) }) else { return }
        switch json["valueType"]?.stringValue {
        case "STRING": constant = .string(value.ruleText)
        case "NUMERIC": constant = value.ruleNumber.map { .double($0) }
        case "BOOLEAN": constant = .boolean(value.ruleBoolean)
        case "DATE_TIME": constant = Int64(value.ruleText).map { .long($0) }
        case let type: throw AlarmRuleError("Unknown type of a value: \(type ?? "")")
        }
    }
}
