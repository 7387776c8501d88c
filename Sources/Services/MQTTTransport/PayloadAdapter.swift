import JSON
import Messages
import TransportCore

/// How the payloads of one topic family are encoded under a device profile (`device-api.md` 2.11, last table).
struct PayloadAdapter {
    enum Format: Equatable {
        case json
        case protobuf
        /// Protobuf, and JSON for what is none.
        case protobufOrJSON
    }

    let format: Format

    /// For what devices send.
    init(uplink family: TopicFamily, _ profile: DeviceProfileInfo) {
        switch family {
        case .long, .short:
            guard profile.mqtt.usesProtobuf else {
                format = .json
                return
            }
            format = profile.mqtt.acceptsJSONBesideProtobuf ? .protobufOrJSON : .protobuf
        case .shortJSON: format = .json
        case .shortProtobuf: format = .protobuf
        }
    }

    /// For what devices get.
    init(downlink family: TopicFamily, _ profile: DeviceProfileInfo) {
        let usesProtobuf: Bool
        switch family {
        case .long:
            let isJSON = profile.mqtt.acceptsJSONBesideProtobuf && profile.mqtt.usesJSONForDefaultDownlinks
            usesProtobuf = profile.mqtt.usesProtobuf && !isJSON
        case .short: usesProtobuf = profile.mqtt.usesProtobuf
        case .shortJSON: usesProtobuf = false
        case .shortProtobuf: usesProtobuf = true
        }
        format = usesProtobuf ? .protobuf : .json
    }

    // MARK: - Uplinks

    func attributesRequest(
        _ payload: Span<UInt8>, requestID: Int32
    ) throws(DevicePayloadError) -> AttributesRequest {
        guard format == .json else { throw .invalid }
        return try DeviceRequestJSON.attributesRequest(payload, requestID: requestID)
    }

    /// The answer to a call, as text; with JSON any text will do.
    func rpcResponse(_ payload: Span<UInt8>) throws(DevicePayloadError) -> String {
        guard format == .json else { throw .invalid }
        return payload.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    func rpcRequest(_ payload: Span<UInt8>, requestID: Int32) throws(DevicePayloadError) -> ToServerRPCRequest {
        guard format == .json else { throw .invalid }
        return try DeviceRequestJSON.rpcRequest(payload, requestID: requestID)
    }

    func claim(_ payload: Span<UInt8>) throws(DevicePayloadError) -> ClaimRequest {
        guard format == .json else { throw .invalid }
        return try DeviceRequestJSON.claim(payload)
    }

    // MARK: - Downlinks

    func attributes(_ response: AttributesResponse) -> [UInt8] {
        DeviceResponseJSON.attributes(response)
    }

    func attributesUpdate(_ update: AttributesUpdate) -> [UInt8] {
        DeviceResponseJSON.attributesUpdate(update)
    }

    func rpcRequest(_ request: ToDeviceRPCRequest) throws(DevicePayloadError) -> [UInt8] {
        DeviceResponseJSON.rpcRequest(request)
    }

    func rpcResponse(_ response: ToServerRPCResponse) -> [UInt8] {
        DeviceResponseJSON.rpcResponse(response)
    }
}
