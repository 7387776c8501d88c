import JSON
import Messages
import Model
import Reactor
import Storage

/// "create alarm" (`rule-engine.md` 3.7): raises the originator's alarm of a type, or updates the one that is active: of one
/// message that comes again there is one alarm.
final class CreateAlarmNode: ScriptedRuleNode {
    static let type = "org.thingsboard.rule.engine.action.TbCreateAlarmNode"
    static let order: NodeOrder = .inTurn(.alarms)

    /// What does not change from message to message.
    private struct Settings: Sendable {
        var alarmType: MessageTemplate
        var severity: MessageTemplate
        /// `nil`: each message has its own.
        var fixedSeverity: AlarmSeverity?
        var propagation: AlarmPropagation
        var takesMessageData: Bool
        var overwritesDetails: Bool
        var details: AlarmDetails

        var buildsDetails: Bool { !takesMessageData || overwritesDetails }
    }

    private let settings: Settings

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        let severity = try fields.string("severity") ?? ""
        let isDynamic = try fields.bool("dynamicSeverity", default: false)
        let fixed = AlarmSeverity(rawValue: severity)
        guard isDynamic || fixed != nil else {
            throw RuleNodeConfigurationError("Incorrect Alarm Severity value: \(severity)")
        }
        settings = Settings(
            alarmType: MessageTemplate(try fields.string("alarmType") ?? ""), severity: MessageTemplate(severity),
            fixedSeverity: isDynamic ? nil : fixed,
            propagation: AlarmPropagation(
                isOn: try fields.bool("propagate", default: false),
                toOwner: try fields.bool("propagateToOwner", default: false),
                toTenant: try fields.bool("propagateToTenant", default: false),
                relationTypes: try fields.strings("relationTypes")),
            takesMessageData: try fields.bool("useMessageAlarmData", default: false),
            overwritesDetails: try fields.bool("overwriteAlarmDetails", default: true),
            details: try AlarmDetails(&fields, context))
        try fields.end()
    }

    static func script(of configuration: JSONValue) throws(RuleNodeConfigurationError) -> NodeScript? {
        var fields = try NodeConfiguration(configuration)
        return try AlarmDetails.script(&fields)
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        let (now, sender, settings) = (context.loop.wallClockMilliseconds, context.sending, settings)
        let (created, updated) = (
            context.sideMessage(.entityCreated, of: message), context.sideMessage(.entityUpdated, of: message)
        )
        let bound = ShardReference(shard: context.shard)
        return context.later(message) { database, _ in
            let draft = try await Self.draft(message, settings, database, bound)
            let outcome = try await database.inTransaction { transaction in
                try await AlarmRepository(transaction).createOrUpdateActive(draft, now: now)
            }
            guard outcome.isModified else { return .next(message, .success) }
            var note = outcome.isCreated ? created : updated
            note.originator = outcome.alarm.alarm.originator
            note.customerID = outcome.alarm.alarm.customerID
            note.payload = .text(outcome.alarm.document.serializedString)
            try await sender.send(note, database)
            return .next(
                message.telling(outcome.alarm, as: outcome.isCreated ? "isNewAlarm" : "isExistingAlarm"),
                outcome.isCreated ? "Created" : "Updated")
        }
    }

    /// What the message says of the alarm.
    private static func draft(
        _ message: RuleMessage, _ settings: Settings, _ database: any StatementRunner, _ bound: ShardReference
    ) async throws -> AlarmRepository.Draft {
        var draft: AlarmRepository.Draft
        if settings.takesMessageData {
            draft = try ofData(message)
        } else {
            draft = AlarmRepository.Draft(
                tenantID: message.tenantID, customerID: nil, originator: message.originator,
                type: try settings.alarmType.filled(message), severity: .indeterminate,
                startTime: message.metadataTimestamp, endTime: message.metadataTimestamp,
                propagation: settings.propagation)
        }
        guard !draft.type.isEmpty else { throw RuleNodeError("Alarm type should be specified!") }
        let active = try await AlarmRepository(database).active(
            of: draft.originator, type: draft.type, tenant: message.tenantID)
        if !settings.takesMessageData {
            if let fixed = settings.fixedSeverity {
                draft.severity = fixed
            } else if let severity = AlarmSeverity(rawValue: try settings.severity.filled(message)) {
                draft.severity = severity
            } else {
                throw RuleNodeError("Used incorrect pattern or Alarm Severity not included in message")
            }
        }
        if settings.buildsDetails {
            draft.details = try await settings.details.make(message, previous: active?.details, bound)
        }
        // An alarm keeps its start, and ends now.
        if active != nil { (draft.startTime, draft.endTime) = (nil, nil) }
        guard let owner = try await EntityOwners(database).find(draft.originator), owner.tenant == message.tenantID
        else { throw RuleNodeError("Alarm originator not found") }
        draft.customerID = owner.customer.isNull ? nil : owner.customer
        return draft
    }

    /// The alarm that the data is.
    private static func ofData(_ message: RuleMessage) throws(RuleNodeError) -> AlarmRepository.Draft {
        guard let object = message.payload.object, let type = object["type"]?.stringValue,
            let severity = object["severity"]?.stringValue.flatMap(AlarmSeverity.init)
        else { throw RuleNodeError("Message body is no alarm!") }
        var originator = message.originator
        if let given = object["originator"], !given.isNull {
            guard let type = given["entityType"]?.stringValue.flatMap({ EntityType(name: $0) }),
                let id = given["id"]?.stringValue.flatMap({ UUID128($0) })
            else { throw RuleNodeError("Message body is no alarm!") }
            originator = EntityID(type: type, uuid: id)
        }
        let details = object["details"].flatMap { $0.isNull ? nil : RawJSON($0) }
        return AlarmRepository.Draft(
            tenantID: message.tenantID, customerID: nil, originator: originator, type: type, severity: severity,
            startTime: object["startTs"]?.integerValue, endTime: object["endTs"]?.integerValue, details: details,
            propagation: AlarmPropagation(
                isOn: object["propagate"]?.boolValue ?? false,
                toOwner: object["propagateToOwner"]?.boolValue ?? false,
                toTenant: object["propagateToTenant"]?.boolValue ?? false,
                relationTypes: object["propagateRelationTypes"]?.arrayValue?.compactMap(\.stringValue) ?? []))
    }
}
