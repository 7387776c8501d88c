import JSON
import Messages

/// "acknowledge" (`rule-engine.md` 3.4): the message is done for its queue, and goes on.
final class AcknowledgeNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.flow.TbAckNode"
    static let order: NodeOrder = .free

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        try NodeConfiguration(configuration).end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        .acknowledgeAndNext(message, .success)
    }
}

/// "checkpoint" (`rule-engine.md` 3.4): the message goes on through the queue that the node names.
final class CheckpointNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.flow.TbCheckpointNode"
    static let order: NodeOrder = .givesWay
    static let configurationVersion = 1

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        try NodeConfiguration(configuration).end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        .moveAndNext(message, .success)
    }
}
