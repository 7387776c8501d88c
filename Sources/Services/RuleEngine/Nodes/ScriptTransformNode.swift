import JSON
import Messages
import ScriptEngine

/// "script" of the transformations (`rule-engine.md` 3.5): the message becomes what the script returns, or several.
final class ScriptTransformNode: ScriptedRuleNode {
    static let type = "org.thingsboard.rule.engine.transform.TbTransformMsgNode"
    static let order: NodeOrder = .free

    private let script: Script

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        script = try context.takeScript(try Self.script(of: configuration))
    }

    static func script(of configuration: JSONValue) throws(RuleNodeConfigurationError) -> NodeScript? {
        try ScriptFilterNode.script(of: configuration)
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        let results = ScriptResults(script.language)
        return context.run(script, for: message) { message, value throws(ScriptError) in
            let messages = try results.messages(value, of: ScriptMessage(message)).map { message.replaced(by: $0) }
            switch messages.count {
            case 0: return .failure(message, "Message or messages list are empty!")
            case 1: return .next(messages[0], .success)
            default: return .split(message, into: messages, .success)
            }
        }
    }
}
