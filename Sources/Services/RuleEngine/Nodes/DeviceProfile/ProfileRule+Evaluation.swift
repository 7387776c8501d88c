import AlarmRules
import JSON
import Telemetry

/// How far a rule has come with a device. Its names are those of the stored form.
struct RuleCounters: Equatable, Sendable {
    /// Of the last data that the condition held for; 0 for none.
    var lastEventTs: Int64 = 0
    /// For how long it held before, milliseconds.
    var duration: Int64 = 0
    /// How many times.
    var eventCount: Int64 = 0
}

/// What rules know of a device.
struct ProfileValues: Sendable {
    /// Of the last data.
    var timestamp: Int64 = 0
    var values: [RuleKey: TelemetryValue] = [:]
    /// Attributes of the device's customer and tenant.
    var customer: [String: TelemetryValue] = [:]
    var tenant: [String: TelemetryValue] = [:]

    func dynamic(_ value: DynamicValue) -> TelemetryValue? {
        switch value.source {
        case .device:
            if let found = values[RuleKey(.attribute, value.attribute)] { return found }
            return value.inherits ? customer[value.attribute] ?? tenant[value.attribute] : nil
        case .customer: return customer[value.attribute] ?? (value.inherits ? tenant[value.attribute] : nil)
        case .tenant: return tenant[value.attribute]
        }
    }

    /// A number of a rule that is no part of a comparison.
    func integer(_ operand: ProfileOperand) throws(AlarmRuleError) -> Int64 {
        if let dynamic = operand.dynamic, let value = self.dynamic(dynamic) {
            guard let integer = value.ruleInteger else {
                throw AlarmRuleError(
                    "Could not convert attribute '\(dynamic.attribute)' with value '\(value.ruleText)' to numeric value!"
                )
            }
            return integer
        }
        return operand.fallback?.ruleInteger ?? 0
    }
}

/// Finds what a filter compares with.
private struct Operands: OperandResolver {
    let values: ProfileValues
    /// Constants are compared with dynamic values only.
    let isOfConstant: Bool

    func resolve<Value>(
        _ operand: ProfileOperand, _ convert: (TelemetryValue) -> Value?
    ) throws(AlarmRuleError) -> Value? {
        if let dynamic = operand.dynamic, let value = values.dynamic(dynamic), let found = convert(value) {
            return found
        }
        return isOfConstant ? nil : operand.fallback.flatMap(convert)
    }
}

extension ProfileRule {
    enum Verdict: Sendable {
        case holds
        case fails
        /// The condition holds, but not for long or often enough.
        case notYet
    }

    /// Looks at new data. Counters that belong to a failing rule are the caller's to clear.
    func evaluate(
        _ values: ProfileValues, _ counters: inout RuleCounters, now: Int64
    ) throws(AlarmRuleError) -> Verdict {
        guard try isActive(values, at: values.timestamp == 0 ? now : values.timestamp), try conditionHolds(values)
        else {
            return .fails
        }
        switch kind {
        case .simple: return .holds
        case .repeating(let required):
            counters.eventCount += 1
            return counters.eventCount >= (try values.integer(required)) ? .holds : .notYet
        case .duration(let unit, let required):
            if counters.lastEventTs > 0 {
                if values.timestamp > counters.lastEventTs {
                    counters.duration += values.timestamp - counters.lastEventTs
                    counters.lastEventTs = values.timestamp
                }
            } else {
                counters.lastEventTs = values.timestamp
                counters.duration = 0
            }
            return counters.duration > unit.milliseconds(try values.integer(required)) ? .holds : .notYet
        }
    }

    /// Looks at the time alone.
    func evaluate(
        _ values: ProfileValues, _ counters: RuleCounters, at time: Int64
    ) throws(AlarmRuleError) -> Verdict {
        guard case .duration(let unit, let operand) = kind else { return .notYet }
        let required = unit.milliseconds(try values.integer(operand))
        guard required > 0, counters.lastEventTs > 0, time > counters.lastEventTs,
            try isActive(values, at: time)
        else { return .fails }
        return counters.duration + (time - counters.lastEventTs) > required ? .holds : .notYet
    }

    private func isActive(_ values: ProfileValues, at time: Int64) throws(AlarmRuleError) -> Bool {
        guard let schedule else { return true }
        if schedule != .anyTime, let dynamicSchedule, let value = values.dynamic(dynamicSchedule),
            let json = try? JSONValue.parse(value.ruleText), let given = try? AlarmSchedule(json, like: schedule)
        {
            return try given.isActive(at: time)
        }
        return try schedule.isActive(at: time)
    }

    private func conditionHolds(_ values: ProfileValues) throws(AlarmRuleError) -> Bool {
        var holds = true
        for filter in filters {
            guard let value = filter.key.kind == .constant ? filter.constant : values.values[filter.key] else {
                return false
            }
            let operands = Operands(values: values, isOfConstant: filter.key.kind == .constant)
            if holds { holds = try filter.predicate.holds(for: value, operands) }
        }
        return holds
    }

    /// The details of an alarm that the rule raises or clears; `nil`: as they were.
    func details(_ values: ProfileValues) -> JSONValue? {
        guard details != nil || dashboardID != nil else { return nil }
        var object: JSONObject = [:]
        if var text = details {
            for filter in filters {
                guard let value = values.values[filter.key] else { continue }
                text = text.split(separator: "${\(filter.key.name)}", omittingEmptySubsequences: false)
                    .joined(separator: value.ruleText)
            }
            object["data"] = .string(text)
        }
        if let dashboardID { object["dashboardId"] = .string(dashboardID) }
        return .object(object)
    }
}

extension AlarmSchedule {
    /// Reads a schedule of the same kind as another.
    fileprivate init(_ json: JSONValue, like other: AlarmSchedule) throws(AlarmRuleError) {
        var json = json
        switch other {
        case .anyTime: json["type"] = "ANY_TIME"
        case .specificTime: json["type"] = "SPECIFIC_TIME"
        case .custom: json["type"] = "CUSTOM"
        }
        self = try AlarmSchedule(json)
    }
}
