import JSON
import Messages

/// "json path" (`rule-engine.md` 3.5): the data becomes what a path in it leads to.
final class JSONPathNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.transform.TbJsonPathNode"
    static let order: NodeOrder = .free

    /// `nil` for the data itself.
    private let path: JSONPath?

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        let text = try fields.string("jsonPath") ?? ""
        try fields.end()
        path = text == "$" ? nil : try JSONPath(text)
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        guard let path else { return .pass(.success) }
        guard let data = message.payload.json else { return .failure(message, "Message body is not JSON!") }
        do throws(RuleNodeError) {
            return .next(message.with(data: try path.value(in: data)), .success)
        } catch {
            return .failure(message, error.message)
        }
    }
}
