import JSON
import Messages
import Model

/// "message type filter" (`rule-engine.md` 3.2): whether the type, as a text, is in a list.
final class MessageTypeFilterNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.filter.TbMsgTypeFilterNode"
    static let order: NodeOrder = .free

    private let types: Set<String>

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        types = Set(try fields.strings("messageTypes"))
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        .pass(.of(types.contains(message.type.name)))
    }
}

/// "entity type filter" (`rule-engine.md` 3.2): whether the originator's type is in a list.
final class EntityTypeFilterNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.filter.TbOriginatorTypeFilterNode"
    static let order: NodeOrder = .free

    private let types: Set<EntityType>

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        types = try fields.entityTypes("originatorTypes")
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        .pass(.of(types.contains(message.originator.type)))
    }
}

/// "entity type switch" (`rule-engine.md` 3.2): a message leaves through the name of its originator's type.
final class EntityTypeSwitchNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.filter.TbOriginatorTypeSwitchNode"
    static let order: NodeOrder = .free

    private static let labels = Dictionary(
        uniqueKeysWithValues: EntityType.allCases.map { ($0, RelationLabel($0.normalName)) })

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        try NodeConfiguration(configuration).end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        .pass(Self.labels[message.originator.type] ?? .other)
    }
}

/// "check fields presence" (`rule-engine.md` 3.2): whether data and metadata have certain members.
final class FieldsPresenceNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.filter.TbCheckMessageNode"
    static let order: NodeOrder = .free

    private let names: [String]
    private let metadataNames: [String]
    private let checksAll: Bool

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        names = try fields.strings("messageNames")
        metadataNames = try fields.strings("metadataNames")
        checksAll = try fields.bool("checkAllKeys", default: false)
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        var isInData = checksAll
        if !names.isEmpty {
            guard let object = message.payload.object else {
                return .failure(message, "Message body is not an object!")
            }
            isInData =
                checksAll
                ? names.allSatisfy { object.contains(key: $0) } : names.contains { object.contains(key: $0) }
        }
        var isInMetadata = checksAll
        if !metadataNames.isEmpty {
            isInMetadata =
                checksAll
                ? metadataNames.allSatisfy { message.metadata[$0] != nil }
                : metadataNames.contains { message.metadata[$0] != nil }
        }
        return .pass(.of(checksAll ? isInData && isInMetadata : isInData || isInMetadata))
    }
}
