import JSON
import Messages
import Model
import Reactor
import Storage

/// "clear alarm" (`rule-engine.md` 3.7): clears the originator's active alarm of a type; an alarm that is the originator
/// itself.
final class ClearAlarmNode: ScriptedRuleNode {
    static let type = "org.thingsboard.rule.engine.action.TbClearAlarmNode"
    static let order: NodeOrder = .inTurn(.alarms)

    private let alarmType: MessageTemplate
    private let details: AlarmDetails

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        alarmType = MessageTemplate(try fields.string("alarmType") ?? "")
        details = try AlarmDetails(&fields, context)
        try fields.end()
    }

    static func script(of configuration: JSONValue) throws(RuleNodeConfigurationError) -> NodeScript? {
        var fields = try NodeConfiguration(configuration)
        return try AlarmDetails.script(&fields)
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        let (now, sender) = (context.loop.wallClockMilliseconds, context.sending)
        let note = context.sideMessage(.alarmClear, of: message)
        let bound = ShardReference(shard: context.shard)
        return context.later(message) { [alarmType, details] database, _ in
            let type = try alarmType.filled(message)
            let alarms = AlarmRepository(database)
            let found: Alarm?
            if message.originator.type == .alarm {
                found = try await alarms.find(AlarmID(message.originator.uuid))?.alarm
            } else {
                found = try await alarms.active(of: message.originator, type: type, tenant: message.tenantID)
            }
            guard let alarm = found, alarm.tenantID == message.tenantID, !alarm.isCleared else {
                return .next(message, .isFalse)
            }
            let built = try await details.make(message, previous: alarm.details, bound)
            guard try await alarms.clear(alarm.id, tenant: message.tenantID, at: now, details: built),
                let cleared = try await alarms.find(alarm.id)
            else { return .next(message, .success) }
            var told = note
            told.originator = alarm.originator
            told.customerID = alarm.customerID
            told.payload = .text(cleared.document.serializedString)
            try await sender.send(told, database)
            return .next(message.telling(cleared, as: "isClearedAlarm"), "Cleared")
        }
    }
}
