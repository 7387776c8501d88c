import JSON
import Messages

/// "message type switch" (`rule-engine.md` 3.2): a message leaves through the label of its type.
final class MessageTypeSwitchNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.filter.TbMsgTypeSwitchNode"
    static let order: NodeOrder = .free

    private static let labels = KnownMessageType.allCases.map { RelationLabel($0.label) }

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        try NodeConfiguration(configuration).end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        switch message.type {
        case .known(let type): .pass(Self.labels[Int(type.rawValue)])
        case .custom: .pass(.other)
        }
    }
}
