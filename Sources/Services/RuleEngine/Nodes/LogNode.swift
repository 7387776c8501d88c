import JSON
import Logging
import Messages
import ScriptEngine

/// "log" (`rule-engine.md` 3.7): writes what a script makes of the message to the log, then goes on along `Success`. What
/// the default script does, the node does by itself.
final class LogNode: ScriptedRuleNode {
    static let type = "org.thingsboard.rule.engine.action.TbLogNode"
    static let order: NodeOrder = .free

    private static let defaultScript =
        "return '\\nIncoming message:\\n' + JSON.stringify(msg) + '\\nIncoming metadata:\\n' + JSON.stringify(metadata);"

    /// `nil` for the default one.
    private let script: Script?

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        let wanted = try Self.script(of: configuration)
        script = wanted == nil ? nil : try context.takeScript(wanted)
    }

    static func script(of configuration: JSONValue) throws(RuleNodeConfigurationError) -> NodeScript? {
        var fields = try NodeConfiguration(configuration)
        let script = try NodeScript(&fields)
        try fields.end()
        return script.body == defaultScript ? nil : script
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        let logger = context.logger
        guard logger.isEnabled(.info) else { return .pass(.success) }
        guard let script else {
            logger.limited(
                .info, "rule chain log node",
                [
                    "message": .string(message.payload.text),
                    "metadata": .string(JavaScriptText.metadata(message.metadata.dictionary)),
                ])
            return .next(message, .success)
        }
        let results = ScriptResults(script.language)
        return context.run(script, for: message) { message, value throws(ScriptError) in
            let text = try results.text(value)
            logger.limited(.info, "rule chain log node", ["text": .string(text)])
            return .next(message, .success)
        }
    }
}
