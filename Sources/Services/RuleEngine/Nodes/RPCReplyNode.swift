import JSON
import Messages
import Model
import Queue

/// "rpc call reply" (`rule-engine.md` 8.1): sends the data of a message to the session whose call the message answers.
final class RPCReplyNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.rpc.TbSendRPCReplyNode"

    private let serviceKey: String
    private let sessionKey: String
    private let requestKey: String

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        func key(_ name: String, _ fallback: String) throws(RuleNodeConfigurationError) -> String {
            guard let key = try fields.string(name), !key.isEmpty else { return fallback }
            return key
        }
        serviceKey = try key("serviceIdMetaDataAttribute", "serviceId")
        sessionKey = try key("sessionIdMetaDataAttribute", "sessionId")
        requestKey = try key("requestIdMetaDataAttribute", "requestId")
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        guard message.originator.type == .device else {
            return .failure(message, "Message originator is not a device entity!")
        }
        guard let request = message.metadata[requestKey], !request.isEmpty else {
            return .failure(message, "Request id is not present in the metadata!")
        }
        guard let service = message.metadata[serviceKey], !service.isEmpty else {
            return .failure(message, "Service id is not present in the metadata!")
        }
        guard let session = message.metadata[sessionKey], !session.isEmpty else {
            return .failure(message, "Session id is not present in the metadata!")
        }
        let data = message.payload.text
        guard !data.isEmpty else { return .failure(message, "Request body is empty!") }
        guard let number = Int32(request) else { return .failure(message, "Request id is not a number: \(request)") }
        guard let id = UUID128(session) else { return .failure(message, "Session id is not a UUID: \(session)") }
        context.outlets.transports?.send(
            .rpcResponse(id, ToServerRPCResponse(requestID: number, payload: data)), to: service)
        return .next(message, .success)
    }
}
