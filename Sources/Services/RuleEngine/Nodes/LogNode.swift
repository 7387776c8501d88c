import JSON
import Logging
import Messages

/// "log" (`rule-engine.md` 3.7): writes the message to the log, then goes on along `Success`.
///
/// The default script is what the node does by itself. Another script needs the script engine.
final class LogNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.action.TbLogNode"

    private static let defaultScript =
        "return '\\nIncoming message:\\n' + JSON.stringify(msg) + '\\nIncoming metadata:\\n' + JSON.stringify(metadata);"

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        let language = try fields.string("scriptLang") ?? "JS"
        let javaScript = try fields.string("jsScript") ?? ""
        let tbel = try fields.string("tbelScript") ?? ""
        try fields.end()
        let script = language == "TBEL" ? tbel : javaScript
        guard script == Self.defaultScript else {
            throw RuleNodeConfigurationError(
                "the log node's own script needs the script engine, which is not available")
        }
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        context.logger.limited(
            .info, "rule chain log node",
            [
                "message": .string(message.payload.text),
                "metadata": .string(MetadataJSON.text(of: message.metadata.dictionary)),
            ])
        return .next(message, .success)
    }
}

/// Metadata as a JSON object, keys in order.
enum MetadataJSON {
    static func text(of metadata: [String: String]) -> String {
        var object = JSONObject()
        for key in metadata.keys.sorted() { object[key] = .string(metadata[key] ?? "") }
        return String(decoding: JSONValue.object(object).serialized(), as: UTF8.self)
    }
}
