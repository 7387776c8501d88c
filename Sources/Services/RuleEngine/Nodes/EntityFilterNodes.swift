import JSON
import Messages
import Model
import Storage

/// "device profile switch" (`rule-engine.md` 3.2): a message leaves through the name of its device's profile.
final class DeviceProfileSwitchNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.filter.TbDeviceTypeSwitchNode"
    static let order: NodeOrder = .free

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        try NodeConfiguration(configuration).end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        context.later(message) { database, _ in
            try await profileSwitch(message, of: .device, database)
        }
    }
}

/// "asset profile switch" (`rule-engine.md` 3.2): the same of assets.
final class AssetProfileSwitchNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.filter.TbAssetTypeSwitchNode"
    static let order: NodeOrder = .free

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        try NodeConfiguration(configuration).end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        context.later(message) { database, _ in
            try await profileSwitch(message, of: .asset, database)
        }
    }
}

private func profileSwitch(
    _ message: RuleMessage, of type: EntityType, _ database: any StatementRunner
) async throws -> NodeOutcome {
    guard message.originator.type == type else {
        throw RuleNodeError(
            "Unsupported originator type: \(message.originator.type.normalName)! Only \(type.normalName) type is allowed."
        )
    }
    guard let name = try await EntityFields(database).profileName(of: message.originator, tenant: message.tenantID)
    else {
        throw RuleNodeError(
            "\(type.normalName) profile for entity id: \(message.originator.uuid.text) wasn't found!")
    }
    return .next(message, RelationLabel(name))
}

/// "check relation presence" (`rule-engine.md` 3.2): of the originator with a certain entity, or with any.
final class CheckRelationNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.filter.TbCheckRelationNode"
    static let order: NodeOrder = .free
    static let configurationVersion = 1

    private let direction: RelationDirection
    private let relationType: String
    private let entity: EntityID?

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        direction = try fields.string("direction") == RelationDirection.from.rawValue ? .from : .to
        relationType = try fields.string("relationType") ?? ""
        let isSingle = try fields.bool("checkForSingleEntity", default: false)
        let typeName = try fields.string("entityType") ?? ""
        let id = try fields.string("entityId") ?? ""
        try fields.end()
        guard isSingle else {
            entity = nil
            return
        }
        guard !typeName.isEmpty, !id.isEmpty else { throw RuleNodeConfigurationError("Entity should be specified!") }
        guard let type = EntityType(name: typeName), let uuid = UUID128(id) else {
            throw RuleNodeConfigurationError("\(typeName) \(id) is no entity")
        }
        entity = EntityID(type: type, uuid: uuid)
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        context.later(message) { [direction, relationType, entity] database, _ in
            let relations = RelationRepository(database)
            guard let entity else {
                let found = try await relations.list(
                    of: message.originator, direction, group: .common, type: relationType, limit: 1)
                return .next(message, .of(!found.isEmpty))
            }
            let relation =
                direction == .from
                ? EntityRelation(from: message.originator, to: entity, type: relationType)
                : EntityRelation(from: entity, to: message.originator, type: relationType)
            return .next(message, .of(try await relations.find(relation) != nil))
        }
    }
}

/// "alarm status filter" (`rule-engine.md` 3.2): whether the alarm that the data names has one of some states now.
final class AlarmStatusFilterNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.filter.TbCheckAlarmStatusNode"
    static let order: NodeOrder = .inTurn(.alarms)

    private static let states: Set<String> = ["ACTIVE_UNACK", "ACTIVE_ACK", "CLEARED_UNACK", "CLEARED_ACK"]
    private let states: Set<String>

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        states = Set(try fields.strings("alarmStatusList"))
        try fields.end()
        if let unknown = states.subtracting(Self.states).sorted().first {
            throw RuleNodeConfigurationError("unknown alarm status \(unknown)")
        }
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        guard let text = message.payload.object?["id"]?["id"]?.stringValue, let id = UUID128(text) else {
            return .failure(message, "Message body is no alarm!")
        }
        return context.later(message) { [states] database, _ in
            guard let alarm = try await AlarmRepository(database).find(AlarmID(id))?.alarm,
                alarm.tenantID == message.tenantID
            else { throw RuleNodeError("No such alarm found.") }
            return .next(message, .of(states.contains(alarm.status)))
        }
    }
}
