import JSON
import Messages
import Model
import Queue
import Reactor

/// "rpc call request" (`rule-engine.md` 8.1): calls a method of the originator device; its answer goes on as a new message.
final class RPCRequestNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.rpc.TbSendRPCRequestNode"

    private let timeoutMilliseconds: Int64

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        let seconds = try fields.integer("timeoutInSeconds", default: 60)
        guard (0...Int(Int32.max)).contains(seconds) else {
            throw RuleNodeConfigurationError("timeoutInSeconds is \(seconds); expected 0 to \(Int32.max)")
        }
        timeoutMilliseconds = Int64(seconds) * 1000
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
        let request = request(
            method, params, object["additionalInfo"], message, now: context.loop.wallClockMilliseconds)
        let tenant = message.tenantID
        let device = DeviceID(message.originator.uuid)
        // Only a call of the REST API has somebody waiting for it.
        let origin =
            message.type == .known(.rpcCallFromServerToDevice) ? message.metadata["originServiceId"] : nil
        context.answer(message) { [calls = context.outlets.calls] in
            let outcome =
                await calls?.call(request, tenant: tenant, device: device, origin: origin)
                ?? .failed(.noActiveConnection)
            switch outcome {
            case .answered(let text): return (text?.isEmpty ?? true ? "{}" : text ?? "{}", .success)
            case .failed(let error): return ("{\"error\":\"\(error.name)\"}", .failure)
            }
        }
        // The message itself is done: what follows belongs to the answer.
        return .acknowledge(message)
    }

    private func request(
        _ method: String, _ params: JSONValue, _ additionalInfo: JSONValue?, _ message: RuleMessage, now: Int64
    ) -> ToDeviceRPCRequest {
        let metadata = message.metadata
        let info: String? = additionalInfo.flatMap { $0 == .null ? nil : $0.stringValue ?? $0.serializedString }
        return ToDeviceRPCRequest(
            method: method, params: params.stringValue ?? params.serializedString,
            expirationTime: metadata["expirationTime"].flatMap { Int64($0) } ?? now + timeoutMilliseconds,
            rpcID: metadata["requestUUID"].flatMap { UUID128($0) } ?? .random(),
            isOneWay: metadata["oneway"] == "true", isPersisted: metadata["persistent"] == "true",
            retries: metadata["retries"].flatMap { Int32($0) }, additionalInfo: info)
    }
}
