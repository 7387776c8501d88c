import AlarmRules
import JSON
import Storage
import Telemetry

/// An alarm that a device profile describes (`rule-engine.md` 7.1).
struct ProfileAlarm: Sendable {
    var id: String
    var type: String
    /// From the worst severity on.
    var createRules: [(severity: AlarmSeverity, rule: ProfileRule)]
    var clearRule: ProfileRule?
    var propagation: AlarmPropagation

    init(_ json: JSONValue) throws(AlarmRuleError) {
        type = json["alarmType"]?.stringValue ?? ""
        id = json["id"]?.stringValue ?? type
        createRules = []
        let rules = json["createRules"]?.objectValue ?? [:]
        for severity in AlarmSeverity.allCases {
            guard let rule = rules[severity.rawValue], !rule.isNull else { continue }
            createRules.append((severity, try ProfileRule(rule)))
        }
        if let rule = json["clearRule"], !rule.isNull { clearRule = try ProfileRule(rule) }
        propagation = AlarmPropagation(
            isOn: json["propagate"]?.boolValue ?? false, toOwner: json["propagateToOwner"]?.boolValue ?? false,
            toTenant: json["propagateToTenant"]?.boolValue ?? false,
            relationTypes: (json["propagateRelationTypes"]?.arrayValue ?? []).compactMap(\.stringValue))
    }

    var rules: [ProfileRule] { createRules.map(\.rule) + (clearRule.map { [$0] } ?? []) }
}

/// The alarms of a device profile, and what their rules need to know.
final class ProfileAlarms: Sendable {
    let alarms: [ProfileAlarm]
    let keys: Set<RuleKey>
    /// Attributes of the device's customer that rules compare with.
    let customerKeys: Set<String>
    let tenantKeys: Set<String>

    /// - Parameter data: `profileData` of the profile.
    init(_ data: JSONValue) throws(AlarmRuleError) {
        var alarms: [ProfileAlarm] = []
        for alarm in data["alarms"]?.arrayValue ?? [] { alarms.append(try ProfileAlarm(alarm)) }
        self.alarms = alarms
        let rules = alarms.flatMap(\.rules)
        var (keys, customer, tenant): (Set<RuleKey>, Set<String>, Set<String>) = ([], [], [])
        for rule in rules {
            keys.formUnion(rule.keys)
            for dynamic in rule.dynamicValues {
                keys.insert(RuleKey(.attribute, dynamic.attribute))
                if dynamic.source == .customer || dynamic.source == .device && dynamic.inherits {
                    customer.insert(dynamic.attribute)
                }
                if dynamic.source == .tenant || dynamic.inherits { tenant.insert(dynamic.attribute) }
            }
        }
        self.keys = keys
        customerKeys = customer
        tenantKeys = tenant
    }

    var hasShared: Bool { !customerKeys.isEmpty || !tenantKeys.isEmpty }
}
