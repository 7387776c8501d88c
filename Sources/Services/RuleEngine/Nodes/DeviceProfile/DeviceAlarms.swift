import AlarmRules
import JSON
import Messages
import Model
import Storage
import Telemetry

/// What a device profile node knows of one device: its values, and how far its rules have come. Owned by the shard's loop.
final class DeviceAlarms {
    /// Of one alarm of the profile.
    struct Progress {
        /// By the places of the create rules.
        var create: [RuleCounters]
        var clear = RuleCounters()
        /// The alarm that is active.
        var active: (id: AlarmID, severity: AlarmSeverity)?
    }

    let device: DeviceID
    let profileID: DeviceProfileID
    let profile: ProfileAlarms
    /// When the device's messages began to come here.
    let ownership: UInt32?
    var customer: CustomerID?
    var values = ProfileValues()
    /// By the places of the profile's alarms.
    var progress: [Progress]
    /// Of the last message that rules looked at.
    var lastMetadata = MessageMetadata()
    var lastQueue: String?
    /// Whether its profile may be another one by now.
    var needsCheck = false
    /// Whether counters changed since they were stored.
    var hasChanged = false

    init(
        device: DeviceID, profileID: DeviceProfileID, profile: ProfileAlarms, ownership: UInt32?, customer: CustomerID?
    ) {
        self.device = device
        self.profileID = profileID
        self.profile = profile
        self.ownership = ownership
        self.customer = customer
        progress = profile.alarms.map {
            Progress(create: .init(repeating: RuleCounters(), count: $0.createRules.count))
        }
    }

    /// Whether time alone may decide something.
    var waitsForTime: Bool {
        progress.contains { $0.clear.lastEventTs > 0 || $0.create.contains { $0.lastEventTs > 0 } }
    }

    // MARK: - Values

    /// Takes values; gives the keys whose value or time is another than before.
    func take(_ values: some Sequence<(RuleKey, TelemetryValue)>, at time: Int64) -> Set<RuleKey> {
        var changed: Set<RuleKey> = []
        for (key, value) in values where profile.keys.contains(key) {
            let old = self.values.values.updateValue(value, forKey: key)
            if self.values.timestamp != time || old != value { changed.insert(key) }
        }
        self.values.timestamp = time
        return changed
    }

    func remove(_ keys: Set<RuleKey>) {
        for key in keys { values.values[key] = nil }
    }

    // MARK: - Rules

    /// What is to be done with an alarm.
    enum Action {
        case raise(alarm: Int, rule: Int)
        case clear(alarm: Int)
    }

    /// What the rules look at.
    enum Occasion {
        /// These values of the device changed.
        case changed(Set<RuleKey>)
        /// A minute has passed.
        case time(Int64)
    }

    /// Looks at the rules of one alarm. A rule that is not met starts anew.
    func evaluate(_ alarm: Int, _ occasion: Occasion, now: Int64) throws(AlarmRuleError) -> Action? {
        let rules = profile.alarms[alarm]
        for place in rules.createRules.indices {
            let verdict = try verdict(rules.createRules[place].rule, &progress[alarm].create[place], occasion, now: now)
            switch verdict {
            case .holds?:
                reset(&progress[alarm].clear)
                return .raise(alarm: alarm, rule: place)
            case .fails?: reset(&progress[alarm].create[place])
            case .notYet?, nil: break
            }
        }
        guard progress[alarm].active != nil, let rule = rules.clearRule else { return nil }
        switch try verdict(rule, &progress[alarm].clear, occasion, now: now) {
        case .holds?:
            resetAll(alarm)
            return .clear(alarm: alarm)
        case .fails?: reset(&progress[alarm].clear)
        case .notYet?, nil: break
        }
        return nil
    }

    /// - Returns: `nil` where the occasion does not concern the rule.
    private func verdict(
        _ rule: ProfileRule, _ counters: inout RuleCounters, _ occasion: Occasion, now: Int64
    ) throws(AlarmRuleError) -> ProfileRule.Verdict? {
        switch occasion {
        case .changed(let keys):
            guard !rule.keys.isDisjoint(with: keys) else { return nil }
            let before = counters
            let verdict = try rule.evaluate(values, &counters, now: now)
            if counters != before { hasChanged = true }
            return verdict
        case .time(let time): return try rule.evaluate(values, counters, at: time)
        }
    }

    private func reset(_ counters: inout RuleCounters) {
        guard counters != RuleCounters() else { return }
        counters = RuleCounters()
        hasChanged = true
    }

    /// Begins all rules of an alarm anew.
    func resetAll(_ alarm: Int) {
        reset(&progress[alarm].clear)
        for place in progress[alarm].create.indices { reset(&progress[alarm].create[place]) }
    }

    /// Forgets an alarm that somebody cleared; its rules begin anew.
    func forget(cleared id: AlarmID) {
        for alarm in progress.indices where progress[alarm].active?.id == id {
            progress[alarm].active = nil
            for place in progress[alarm].create.indices { reset(&progress[alarm].create[place]) }
        }
    }

    /// Forgets an alarm that somebody deleted.
    func forget(deleted id: AlarmID) {
        for alarm in progress.indices where progress[alarm].active?.id == id {
            progress[alarm].active = nil
            resetAll(alarm)
        }
    }

    // MARK: - The stored form

    /// `{"alarmStates": {…}}`, as far as rules have come.
    var stored: JSONValue {
        var states: JSONObject = [:]
        for (alarm, progress) in zip(profile.alarms, progress) {
            var create: JSONObject = [:]
            for (rule, counters) in zip(alarm.createRules, progress.create) {
                create[rule.severity.rawValue] = counters.stored
            }
            states[alarm.id] = [
                "createRuleStates": .object(create),
                "clearRuleState": alarm.clearRule == nil ? .null : progress.clear.stored,
            ]
        }
        return ["alarmStates": .object(states)]
    }

    /// Goes on where what was stored ends.
    func restore(_ stored: JSONValue) {
        for (index, alarm) in profile.alarms.enumerated() {
            guard let state = stored["alarmStates"]?[alarm.id] else { continue }
            for (place, rule) in alarm.createRules.enumerated() {
                progress[index].create[place] = RuleCounters(state["createRuleStates"]?[rule.severity.rawValue])
            }
            progress[index].clear = RuleCounters(state["clearRuleState"])
        }
    }

    /// Goes on where another state of the device ends, whose profile was changed.
    func restore(_ before: DeviceAlarms) {
        restore(before.stored)
        (lastMetadata, lastQueue) = (before.lastMetadata, before.lastQueue)
        values.timestamp = before.values.timestamp
    }
}

extension RuleCounters {
    fileprivate init(_ stored: JSONValue?) {
        lastEventTs = stored?["lastEventTs"]?.integerValue ?? 0
        duration = stored?["duration"]?.integerValue ?? 0
        eventCount = stored?["eventCount"]?.integerValue ?? 0
    }

    fileprivate var stored: JSONValue {
        ["lastEventTs": .integer(lastEventTs), "duration": .integer(duration), "eventCount": .integer(eventCount)]
    }
}
