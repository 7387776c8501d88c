import CalculatedFields
import JSON
import Messages
import Model
import Queue
import Telemetry

/// What the platform itself writes of devices: their connectivity, which is stored before the rule engine is told of it
/// (`rule-engine.md` 9.1).
extension RuleEngineShard {
    /// Computes the fields that the connectivity of a device concerns beside the way of the message that tells of it.
    ///
    /// - Returns: The duty of the message from here.
    func feedConnectivity(_ message: RuleMessage, _ duty: MessageDuty, _ fields: TenantFields) -> MessageDuty {
        guard fields.mayConcern(message.originator, profile: nil), let change = FieldEvent.Change(connectivity: message)
        else { return duty }
        let event = FieldEvent(
            tenant: message.tenantID, entity: message.originator, change: change, messageID: message.id,
            messageType: message.type.name)
        let shared = MessageDuty.copy(FanOut(copies: 2, of: duty))
        let number = fieldDuties.insert(shared)
        let bound = ShardReference(shard: self)
        Task(executorPreference: loop) {
            let results = await bound.shard.fields.process(event)
            bound.shard.finishEvent(number, of: event.tenant, results)
        }
        return shared
    }
}

extension RuleMessage {
    /// Whether the owner of a device tells of its connectivity.
    var isOfConnectivity: Bool {
        switch type {
        case .known(.activityEvent), .known(.inactivityEvent), .known(.connectEvent), .known(.disconnectEvent):
            ruleNodeID == nil
        default: false
        }
    }
}

extension FieldEvent.Change {
    /// The values that were stored before the message.
    init?(connectivity message: RuleMessage) {
        let names: [(member: String, key: String)]
        switch message.type {
        case .known(.activityEvent): names = [("active", "active"), ("lastActivityTime", "lastActivityTime")]
        case .known(.inactivityEvent):
            names = [("active", "active"), ("lastInactivityAlarmTime", "inactivityAlarmTime")]
        case .known(.connectEvent): names = [("lastConnectTime", "lastConnectTime")]
        case .known(.disconnectEvent): names = [("lastDisconnectTime", "lastDisconnectTime")]
        default: return nil
        }
        guard let data = try? JSONValue.parse(message.payload.text) else { return nil }
        let values = names.compactMap { name in
            data[name.member].flatMap { TelemetryValue(ofState: $0) }
                .map { FieldEvent.Value(key: name.key, value: $0, time: message.timestamp) }
        }
        if values.isEmpty { return nil }
        // Without a scope it is stored as telemetry.
        if let scope = message.metadata["scope"].flatMap({ AttributeScope(name: $0) }) {
            self = .attributes(scope, values)
        } else {
            self = .timeseries(values)
        }
    }
}

extension TelemetryValue {
    fileprivate init?(ofState value: JSONValue) {
        if let flag = value.boolValue {
            self = .boolean(flag)
        } else if let number = value.integerValue {
            self = .long(number)
        } else {
            return nil
        }
    }
}
