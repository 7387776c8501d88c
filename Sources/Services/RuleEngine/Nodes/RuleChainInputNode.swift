import JSON
import Messages
import Model

/// "rule chain" (`rule-engine.md` 3.4): sends a message into another chain; what the outputs of that chain let out goes on
/// along the connections with their names.
final class RuleChainInputNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.flow.TbRuleChainInputNode"
    static let order: NodeOrder = .free
    static let configurationVersion = 1

    private let target: RuleChainID
    private let prefersDefault: Bool

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        guard let text = try fields.string("ruleChainId"), !text.isEmpty else {
            throw RuleNodeConfigurationError("Rule chain must be set!")
        }
        guard let id = UUID128(text) else {
            throw RuleNodeConfigurationError("Failed to parse rule chain id: \(text)")
        }
        target = RuleChainID(id)
        prefersDefault = try fields.bool("forwardMsgToDefaultRuleChain", default: false)
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        .enter(message, target, prefersDefault: prefersDefault)
    }
}

/// "output" (`rule-engine.md` 3.4): lets a message out of a chain into which another has sent it, under the node's name.
final class RuleChainOutputNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.flow.TbRuleChainOutputNode"
    static let order: NodeOrder = .free

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        try NodeConfiguration(configuration).end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome { .leave(message) }
}
