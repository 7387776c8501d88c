import JSON
import Messages
import Model
import Queue

/// "rest call reply" (`rule-engine.md` 3.7, 8.2): the message is the answer to the REST call that waits for it.
final class RESTCallReplyNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.rest.TbSendRestApiCallReplyNode"

    private let serviceKey: String
    private let requestKey: String

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        func key(_ name: String, _ fallback: String) throws(RuleNodeConfigurationError) -> String {
            guard let key = try fields.string(name), !key.isEmpty else { return fallback }
            return key
        }
        requestKey = try key("requestIdMetaDataAttribute", "requestUUID")
        serviceKey = try key("serviceIdMetaDataAttribute", "serviceId")
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        guard let request = message.metadata[requestKey], !request.isEmpty else {
            return .failure(message, "Request id is not present in the metadata!")
        }
        guard let service = message.metadata[serviceKey], !service.isEmpty else {
            return .failure(message, "Service id is not present in the metadata!")
        }
        if message.payload.text.isEmpty { return .failure(message, "Request body is empty!") }
        guard let id = UUID128(request) else { return .failure(message, "Request id is not a UUID: \(request)") }
        context.outlets.nodes?.send(.ruleEngineResponse(requestID: id, message), to: service)
        return .next(message, .success)
    }
}
