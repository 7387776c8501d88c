import JSON
import Messages
import Telemetry
import TransportCore

/// Reads the messages of gateways whose profile says protobuf (`device-api.md` 10.2).
///
/// Bytes that are no such message are an invalid payload; a message without devices, or without a name, is a structural
/// error; values that are wrong make the part of their device invalid.
struct GatewayProtobufReader {
    let options: TelemetryDecodingOptions

    func parts(
        of payload: Span<UInt8>, on topic: GatewayTopic
    ) throws(GatewayPayloadError) -> [GatewayRequestReader.Part] {
        let object: JSONObject
        do throws(DevicePayloadError) {
            object = try GatewayProtobuf.object(payload, as: topic.message)
        } catch {
            throw .invalid
        }
        switch topic {
        case .telemetry:
            return try each(object) { part in
                GatewayProtobuf.records(part["msg"], options: options).map { .typedTelemetry($0) } ?? .invalid
            }
        case .attributes:
            return try each(object) { part in
                GatewayProtobuf.attributes(part["msg"], options: options).map {
                    .typedAttributes($0, isShared: part["msg"]?["shared"]?.boolValue ?? false)
                } ?? .invalid
            }
        case .claim:
            return try each(object) { part in
                // Without a request all is default.
                let request = part["claimRequest"]?.objectValue ?? JSONObject()
                return (try? DeviceRequestJSON.claim(request)).map { .claim($0) } ?? .invalid
            }
        case .connect:
            let type = object["deviceType"]?.stringValue ?? ""
            return [(try name(object), .connect(type: type.isEmpty ? "default" : type))]
        case .disconnect: return [(try name(object), .disconnect)]
        case .rpc:
            guard let id = object["id"]?.integerValue.flatMap({ Int32(exactly: $0) }) else { throw .structural }
            let data = object["data"]?.stringValue ?? ""
            return [(try name(object), .rpcResponse(ToDeviceRPCResponse(requestID: id, payload: data)))]
        case .attributesRequest: return [(try name(object), .attributesRequest(try attributesRequest(object)))]
        }
    }

    private func each(
        _ object: JSONObject, _ read: (JSONValue) -> GatewayAction
    ) throws(GatewayPayloadError) -> [GatewayRequestReader.Part] {
        guard let list = object["msg"]?.arrayValue, !list.isEmpty else { throw .structural }
        var parts: [GatewayRequestReader.Part] = []
        for one in list {
            guard let part = one.objectValue else { throw .structural }
            parts.append((try name(part), read(one)))
        }
        return parts
    }

    private func name(_ object: JSONObject) throws(GatewayPayloadError) -> String {
        guard let text = object["deviceName"]?.stringValue, let name = GatewayRequestReader.name(text) else {
            throw .structural
        }
        return name
    }

    private func attributesRequest(_ object: JSONObject) throws(GatewayPayloadError) -> AttributesRequest {
        let list = object["keys"]?.arrayValue ?? []
        let keys = list.compactMap(\.stringValue)
        guard let id = object["id"]?.integerValue.flatMap({ Int32(exactly: $0) }), !keys.isEmpty,
            keys.count <= DeviceRequestJSON.maximumKeys
        else { throw .structural }
        let isClient = object["client"]?.boolValue ?? false
        return AttributesRequest(
            requestID: id, clientKeys: isClient ? keys : nil, sharedKeys: isClient ? nil : keys, onlyShared: !isClient)
    }
}

extension GatewayTopic {
    /// The message that is published there.
    fileprivate var message: String {
        switch self {
        case .connect: "ConnectMsg"
        case .disconnect: "DisconnectMsg"
        case .telemetry: "GatewayTelemetryMsg"
        case .attributes: "GatewayAttributesMsg"
        case .attributesRequest: "GatewayAttributesRequestMsg"
        case .claim: "GatewayClaimMsg"
        case .rpc: "GatewayRpcResponseMsg"
        }
    }
}
