import JSON
public import Messages
import Protobuf
import Synchronization

/// Payloads in protobuf (`device-api.md` 10). Everything goes through JSON by proto3's mapping, so that values are typed by
/// the same rules. Safe from any thread.
public struct ProtobufPayloads: Sendable {
    private let schemas: ProtobufSchemas

    /// - Parameter profile: Without schemas what needs them is invalid.
    public init(_ profile: DeviceProfileInfo) {
        schemas = profile.mqtt.protobuf ?? ProtobufSchemas()
        hasSchemas = profile.mqtt.protobuf != nil
    }

    private let hasSchemas: Bool

    // MARK: - By the profile's schemas

    /// Telemetry as JSON.
    public func telemetry(_ payload: Span<UInt8>) throws(DevicePayloadError) -> [UInt8] {
        try json(payload, schemas.telemetry)
    }

    /// Attributes as JSON.
    public func attributes(_ payload: Span<UInt8>) throws(DevicePayloadError) -> [UInt8] {
        try json(payload, schemas.attributes)
    }

    /// The answer to a call, as JSON text.
    public func rpcResponse(_ payload: Span<UInt8>) throws(DevicePayloadError) -> String {
        guard hasSchemas else { throw .invalid }
        let text = schemas.rpcResponse.isEmpty ? Self.defaultResponse : schemas.rpcResponse
        return String(decoding: try json(payload, text), as: UTF8.self)
    }

    /// A call, by the profile's schema of requests.
    public func rpcRequest(_ request: ToDeviceRPCRequest) throws(DevicePayloadError) -> [UInt8] {
        guard hasSchemas else { throw .invalid }
        let text = schemas.rpcRequest.isEmpty ? Self.defaultRequest : schemas.rpcRequest
        guard let schema = ProtobufSchemaCache.shared.schema(text),
            let bytes = schema.encode(json: DeviceResponseJSON.rpcRequestForSchema(request))
        else { throw .invalid }
        return bytes
    }

    private func json(_ payload: Span<UInt8>, _ text: String) throws(DevicePayloadError) -> [UInt8] {
        guard !text.isEmpty, let schema = ProtobufSchemaCache.shared.schema(text), let json = schema.json(payload)
        else {
            throw .invalid
        }
        return json
    }

    // MARK: - By the platform's schemas

    public func attributesRequest(
        _ payload: Span<UInt8>, requestID: Int32
    ) throws(DevicePayloadError) -> AttributesRequest {
        let json = try fixed(payload, "AttributesRequest")
        let object = try DeviceRequestJSON.object(json.span)
        func keys(_ name: String) throws(DevicePayloadError) -> [String]? {
            guard let text = object[name]?.stringValue, !text.isEmpty else { return nil }
            return try DeviceRequestJSON.keys(commaSeparated: text)
        }
        return AttributesRequest(
            requestID: requestID, clientKeys: try keys("clientKeys"), sharedKeys: try keys("sharedKeys"))
    }

    public func rpcRequest(_ payload: Span<UInt8>, requestID: Int32) throws(DevicePayloadError) -> ToServerRPCRequest {
        let json = try fixed(payload, "RpcRequest")
        let object = try DeviceRequestJSON.object(json.span)
        guard let method = object["method"]?.stringValue else { throw .invalid }
        let params = object["params"]?.stringValue ?? ""
        return ToServerRPCRequest(requestID: requestID, method: method, params: try DeviceRequestJSON.jsonText(params))
    }

    public func claim(_ payload: Span<UInt8>) throws(DevicePayloadError) -> ClaimRequest {
        let json = try fixed(payload, "ClaimDevice")
        return try DeviceRequestJSON.claim(json.span)
    }

    public func attributes(_ response: AttributesResponse) -> [UInt8] {
        encode(DeviceResponseJSON.attributesForProtobuf(response), "GetAttributeResponseMsg")
    }

    public func attributesUpdate(_ update: AttributesUpdate) -> [UInt8] {
        encode(DeviceResponseJSON.attributesUpdateForProtobuf(update), "AttributeUpdateNotificationMsg")
    }

    public func rpcResponse(_ response: ToServerRPCResponse) -> [UInt8] {
        encode(DeviceResponseJSON.rpcResponseForProtobuf(response), "ToServerRpcResponseMsg")
    }

    private func fixed(_ payload: Span<UInt8>, _ message: String) throws(DevicePayloadError) -> [UInt8] {
        guard let json = Self.platform.json(payload, as: message) else { throw .invalid }
        return json
    }

    private func encode(_ json: [UInt8], _ message: String) -> [UInt8] {
        guard let bytes = Self.platform.encode(json: json, as: message) else {
            preconditionFailure("\(message) does not take what was made for it")
        }
        return bytes
    }

    // MARK: - Schemas

    static let defaultRequest = """
        syntax = "proto3";
        message RpcRequestMsg {
          optional string method = 1;
          optional int32 requestId = 2;
          optional string params = 3;
        }
        """

    static let defaultResponse = """
        syntax = "proto3";
        message RpcResponseMsg {
          optional string payload = 1;
        }
        """

    /// Messages that no profile changes (`device-api.md` 10.1, 10.2).
    static let platform: ProtobufSchema = {
        do throws(ProtobufSchemaError) {
            return try ProtobufSchema(platformText)
        } catch {
            preconditionFailure("the platform's own schema: \(error)")
        }
    }()

    private static let platformText = """
        syntax = "proto3";
        enum KeyValueType { BOOLEAN_V = 0; LONG_V = 1; DOUBLE_V = 2; STRING_V = 3; JSON_V = 4; }
        message KeyValueProto {
          string key = 1; KeyValueType type = 2; bool bool_v = 3; int64 long_v = 4; double double_v = 5;
          string string_v = 6; string json_v = 7;
        }
        message TsKvProto { int64 ts = 1; KeyValueProto kv = 2; optional int64 version = 3; }
        message AttributesRequest { string clientKeys = 1; string sharedKeys = 2; }
        message GetAttributeResponseMsg {
          int32 requestId = 1; repeated TsKvProto clientAttributeList = 2; repeated TsKvProto sharedAttributeList = 3;
          bool isMultipleAttributesRequest = 4; string error = 5; bool sharedStateMsg = 6;
        }
        message AttributeUpdateNotificationMsg {
          repeated TsKvProto sharedUpdated = 1; repeated string sharedDeleted = 2;
        }
        message TsKvListProto { int64 ts = 1; repeated KeyValueProto kv = 2; }
        message PostTelemetryMsg { repeated TsKvListProto tsKvList = 1; }
        message PostAttributeMsg { repeated KeyValueProto kv = 1; bool shared = 2; }
        message ToDeviceRpcRequestMsg {
          int32 requestId = 1; string methodName = 2; string params = 3; int64 expirationTime = 4;
          int64 requestIdMSB = 5; int64 requestIdLSB = 6; bool oneway = 7; bool persisted = 8;
          optional int32 retries = 9; optional string additionalInfo = 10;
        }
        message ConnectMsg { string deviceName = 1; string deviceType = 2; }
        message DisconnectMsg { string deviceName = 1; }
        message TelemetryMsg { string deviceName = 1; PostTelemetryMsg msg = 3; }
        message GatewayTelemetryMsg { repeated TelemetryMsg msg = 1; }
        message AttributesMsg { string deviceName = 1; PostAttributeMsg msg = 2; }
        message GatewayAttributesMsg { repeated AttributesMsg msg = 1; }
        message ClaimDeviceMsg { string deviceName = 1; ClaimDevice claimRequest = 2; }
        message GatewayClaimMsg { repeated ClaimDeviceMsg msg = 1; }
        message GatewayRpcResponseMsg { string deviceName = 1; int32 id = 2; string data = 3; }
        message GatewayDeviceRpcRequestMsg { string deviceName = 1; ToDeviceRpcRequestMsg rpcRequestMsg = 2; }
        message GatewayAttributesRequestMsg {
          int32 id = 1; string deviceName = 2; bool client = 3; repeated string keys = 4;
        }
        message GatewayAttributeResponseMsg { string deviceName = 1; GetAttributeResponseMsg responseMsg = 2; }
        message GatewayAttributeUpdateNotificationMsg {
          string deviceName = 1; AttributeUpdateNotificationMsg notificationMsg = 2;
        }
        message GatewayDisconnectDeviceMsg { string deviceName = 1; int32 reasonCode = 2; }
        message RpcRequest { string method = 1; string params = 2; }
        message ToServerRpcResponseMsg { int32 requestId = 1; string payload = 2; string error = 3; }
        message ClaimDevice { string secretKey = 1; int64 durationMs = 2; }
        message ValidateDeviceTokenRequestMsg { string token = 1; }
        message ValidateDeviceX509CertRequestMsg { string hash = 1; }
        message ValidateBasicMqttCredRequestMsg { string clientId = 1; string userName = 2; string password = 3; }
        message CredentialsDataProto {
          ValidateDeviceTokenRequestMsg validateDeviceTokenRequestMsg = 1;
          ValidateDeviceX509CertRequestMsg validateDeviceX509CertRequestMsg = 2;
          ValidateBasicMqttCredRequestMsg validateBasicMqttCredRequestMsg = 3;
        }
        message ProvisionDeviceCredentialsMsg { string provisionDeviceKey = 1; string provisionDeviceSecret = 2; }
        enum CredentialsType { ACCESS_TOKEN = 0; X509_CERTIFICATE = 1; MQTT_BASIC = 2; LWM2M_CREDENTIALS = 3; }
        message ProvisionDeviceRequestMsg {
          string deviceName = 1; CredentialsType credentialsType = 2;
          ProvisionDeviceCredentialsMsg provisionDeviceCredentialsMsg = 3;
          CredentialsDataProto credentialsDataProto = 4; bool gateway = 5;
        }
        enum ResponseStatus { UNKNOWN = 0; SUCCESS = 1; NOT_FOUND = 2; FAILURE = 3; }
        message ProvisionDeviceResponseMsg {
          ResponseStatus status = 1; CredentialsType credentialsType = 2; string credentialsValue = 3;
        }
        """
}

/// Compiled schemas by their text, the last ones used. Safe from any thread.
final class ProtobufSchemaCache: Sendable {
    static let shared = ProtobufSchemaCache()
    /// More push the others out.
    private static let capacity = 1_000

    /// `nil` for a text that is no schema.
    private let known = Mutex<[String: ProtobufSchema?]>([:])

    func schema(_ text: String) -> ProtobufSchema? {
        if let found = known.withLock({ $0[text] }) { return found }
        let made = try? ProtobufSchema(text)
        known.withLock { known in
            if known.count >= Self.capacity { known.removeAll() }
            known[text] = .some(made)
        }
        return made
    }
}
