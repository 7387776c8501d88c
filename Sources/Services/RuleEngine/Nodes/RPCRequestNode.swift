import JSON
import Messages
import Model
import Reactor

/// "rpc call request" (`rule-engine.md` 8.1): calls a method of the originator device; its answer goes on as a new message.
final class RPCRequestNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.rpc.TbSendRPCRequestNode"

    private let timeoutMilliseconds: Int64

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        timeoutMilliseconds = Int64(try fields.integer("timeoutInSeconds", default: 60)) * 1000
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        guard message.originator.type == .device else {
            return .failure(message, "Message originator is not a device entity!")
        }
        guard let data = try? JSONValue.parse(Array(message.payload.text.utf8)), let object = data.objectValue else {
            return .failure(message, "Message data is not an object!")
        }
        guard let method = object["method"]?.stringValue else {
            return .failure(message, "Method is not present in the message!")
        }
        guard let params = object["params"] else {
            return .failure(message, "Params are not present in the message!")
        }
        let request = DeviceRPCRequest(
            tenantID: message.tenantID, deviceID: DeviceID(message.originator.uuid), method: method,
            params: params.stringValue ?? String(decoding: params.serialized(), as: UTF8.self),
            isOneWay: message.metadata["oneway"] == "true",
            expirationTime: message.metadata["expirationTime"].flatMap { Int64($0) }
                ?? context.loop.wallClockMilliseconds + timeoutMilliseconds)
        context.answer(message) { [rpc = context.rpc] in
            do throws(DeviceRPCError) {
                let answer = try await rpc.call(request)
                return (answer.isEmpty ? "{}" : answer, .success)
            } catch {
                return ("{\"error\":\"\(error.rawValue)\"}", .failure)
            }
        }
        // The message itself is done: what follows belongs to the answer.
        return .acknowledge
    }
}
