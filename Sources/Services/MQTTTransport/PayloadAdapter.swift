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
    private let profile: DeviceProfileInfo

    /// For what devices send.
    init(uplink family: TopicFamily, _ profile: DeviceProfileInfo) {
        self.profile = profile
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
        self.profile = profile
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

    private var protobuf: ProtobufPayloads { ProtobufPayloads(profile) }

    // MARK: - Uplinks

    /// Reads a payload in the form that it has; what may be either is tried as protobuf first.
    private func read<R>(
        protobuf readProtobuf: () throws(DevicePayloadError) -> R, json readJSON: () throws(DevicePayloadError) -> R
    ) throws(DevicePayloadError) -> R {
        switch format {
        case .json: return try readJSON()
        case .protobuf: return try readProtobuf()
        case .protobufOrJSON:
            do throws(DevicePayloadError) {
                return try readProtobuf()
            } catch {
                return try readJSON()
            }
        }
    }

    func attributesRequest(
        _ payload: Span<UInt8>, requestID: Int32
    ) throws(DevicePayloadError) -> AttributesRequest {
        let bytes = Array(payload)
        return try read { () throws(DevicePayloadError) in
            try protobuf.attributesRequest(bytes.span, requestID: requestID)
        } json: { () throws(DevicePayloadError) in
            try DeviceRequestJSON.attributesRequest(bytes.span, requestID: requestID)
        }
    }

    /// The answer to a call, as text; with JSON any text will do.
    func rpcResponse(_ payload: Span<UInt8>) throws(DevicePayloadError) -> String {
        let bytes = Array(payload)
        return try read { () throws(DevicePayloadError) in
            try protobuf.rpcResponse(bytes.span)
        } json: { () throws(DevicePayloadError) in
            String(decoding: bytes, as: UTF8.self)
        }
    }

    func rpcRequest(_ payload: Span<UInt8>, requestID: Int32) throws(DevicePayloadError) -> ToServerRPCRequest {
        let bytes = Array(payload)
        return try read { () throws(DevicePayloadError) in
            try protobuf.rpcRequest(bytes.span, requestID: requestID)
        } json: { () throws(DevicePayloadError) in
            try DeviceRequestJSON.rpcRequest(bytes.span, requestID: requestID)
        }
    }

    func claim(_ payload: Span<UInt8>) throws(DevicePayloadError) -> ClaimRequest {
        let bytes = Array(payload)
        return try read { () throws(DevicePayloadError) in
            try protobuf.claim(bytes.span)
        } json: { () throws(DevicePayloadError) in
            try DeviceRequestJSON.claim(bytes.span)
        }
    }

    // MARK: - Downlinks

    func attributes(_ response: AttributesResponse) -> [UInt8] {
        format == .json ? DeviceResponseJSON.attributes(response) : protobuf.attributes(response)
    }

    func attributesUpdate(_ update: AttributesUpdate) -> [UInt8] {
        format == .json ? DeviceResponseJSON.attributesUpdate(update) : protobuf.attributesUpdate(update)
    }

    func rpcRequest(_ request: ToDeviceRPCRequest) throws(DevicePayloadError) -> [UInt8] {
        format == .json ? DeviceResponseJSON.rpcRequest(request) : try protobuf.rpcRequest(request)
    }

    func rpcResponse(_ response: ToServerRPCResponse) -> [UInt8] {
        format == .json ? DeviceResponseJSON.rpcResponse(response) : protobuf.rpcResponse(response)
    }
}

extension Array<UInt8> {
    init(_ span: Span<UInt8>) {
        self = span.withUnsafeBytes { [UInt8]($0) }
    }
}
