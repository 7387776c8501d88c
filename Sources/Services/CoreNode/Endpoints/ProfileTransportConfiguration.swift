internal import JSON
internal import Protobuf

/// The transport's part of a device profile, with what the client left out (`rest-api.md` 3.2, `device-api.md` 5).
struct ProfileTransportConfiguration {
    private let given: RequestObject
    private let type: String

    /// - Parameter transport: Transport type of the profile, for a configuration without one.
    init(_ given: RequestObject?, _ transport: String) throws(APIError) {
        self.given = given ?? RequestObject([:])
        type = try given?.text("type") ?? transport
    }

    func completed() throws(APIError) -> JSONValue {
        switch type {
        case "MQTT": return .object(try mqtt())
        case "COAP": return .object(try coap())
        case "SNMP": return .object(try snmp())
        case "DEFAULT": return ["type": "DEFAULT"]
        default:
            var object = given.members
            object["type"] = .string(type)
            return .object(object)
        }
    }

    // MARK: - MQTT

    private static let telemetryTopic = "v1/devices/me/telemetry"
    private static let attributesTopic = "v1/devices/me/attributes"

    private func mqtt() throws(APIError) -> JSONObject {
        let names: JSONValue = given.value("sparkplugAttributesMetricNames") ?? .null
        return [
            "type": "MQTT",
            "deviceTelemetryTopic": .string(try topic("deviceTelemetryTopic", Self.telemetryTopic)),
            "deviceAttributesTopic": .string(try topic("deviceAttributesTopic", Self.attributesTopic)),
            "deviceAttributesSubscribeTopic":
                .string(try topic("deviceAttributesSubscribeTopic", Self.attributesTopic)),
            "transportPayloadTypeConfiguration":
                try Self.payload(try given.object("transportPayloadTypeConfiguration")),
            "sparkplug": .bool(try given.boolean("sparkplug") ?? false),
            "sparkplugAttributesMetricNames": names,
            "sendAckOnValidationException": .bool(try given.boolean("sendAckOnValidationException") ?? false),
        ]
    }

    private func topic(_ key: String, _ standard: String) throws(APIError) -> String {
        guard let text = try given.storedText(key), text.contains(where: { !$0.isWhitespace }) else { return standard }
        if Validation.isMalformed(text) { throw .invalid("Validation error: \(key) is malformed") }
        return text
    }

    // MARK: - Payloads

    /// Compiled when a profile is saved, so that whoever writes a wrong schema is told, and not the devices.
    private static func payload(_ given: RequestObject?) throws(APIError) -> JSONValue {
        let type = try given?.text("transportPayloadType") ?? "JSON"
        switch type {
        case "JSON": return ["transportPayloadType": "JSON"]
        case "PROTOBUF":
            guard let given else { return .null }
            return [
                "transportPayloadType": "PROTOBUF",
                "deviceTelemetryProtoSchema": try schema(given, "deviceTelemetryProtoSchema", "telemetry", nil),
                "deviceAttributesProtoSchema": try schema(given, "deviceAttributesProtoSchema", "attributes", nil),
                "deviceRpcRequestProtoSchema":
                    try schema(given, "deviceRpcRequestProtoSchema", "rpc request", standardRequest),
                "deviceRpcResponseProtoSchema":
                    try schema(given, "deviceRpcResponseProtoSchema", "rpc response", standardResponse),
                "enableCompatibilityWithJsonPayloadFormat":
                    .bool(try given.boolean("enableCompatibilityWithJsonPayloadFormat") ?? false),
                "useJsonPayloadFormatForDefaultDownlinkTopics":
                    .bool(try given.boolean("useJsonPayloadFormatForDefaultDownlinkTopics") ?? false),
            ]
        default: throw .malformedBody("unknown transportPayloadType '\(type)'")
        }
    }

    private static func schema(
        _ given: RequestObject, _ key: String, _ name: StaticString, _ standard: String?
    ) throws(APIError) -> JSONValue {
        guard let text = try given.storedText(key), !text.isEmpty else {
            return standard.map { .string($0) } ?? .null
        }
        do {
            _ = try ProtobufSchema(text)
        } catch {
            throw .invalid(
                "[Transport Configuration] failed to parse \(name) proto schema due to: \(error.description)")
        }
        return .string(text)
    }

    private static let standardRequest = """
        syntax ="proto3";
        package rpc;

        message RpcRequestMsg {
          optional string method = 1;
          optional int32 requestId = 2;
          optional string params = 3;
        }
        """

    private static let standardResponse = """
        syntax ="proto3";
        package rpc;

        message RpcResponseMsg {
          optional string payload = 1;
        }
        """

    // MARK: - CoAP, SNMP

    private func coap() throws(APIError) -> JSONObject {
        let device = try given.object("coapDeviceTypeConfiguration")
        let kind = try device?.text("coapDeviceType") ?? "DEFAULT"
        var configuration: JSONObject = ["coapDeviceType": .string(kind)]
        switch kind {
        case "DEFAULT":
            configuration["transportPayloadTypeConfiguration"] = try Self.payload(
                try device?.object("transportPayloadTypeConfiguration"))
        case "EFENTO": break
        default: throw .malformedBody("unknown coapDeviceType '\(kind)'")
        }
        let settings: JSONValue = try given.object("clientSettings").map { .object(PowerSaving.completed($0)) } ?? .null
        return ["type": "COAP", "coapDeviceTypeConfiguration": .object(configuration), "clientSettings": settings]
    }

    private func snmp() throws(APIError) -> JSONObject {
        guard let timeout = try given.integer("timeoutMs"), timeout >= 0, let retries = try given.integer("retries"),
            retries >= 0, given.value("communicationConfigs")?.arrayValue != nil
        else { throw .invalid("SNMP transport configuration is not valid") }
        var object = given.members
        object["type"] = "SNMP"
        return object
    }
}

/// How devices sleep.
enum PowerSaving {
    private static let members = ["powerMode", "psmActivityTimer", "edrxCycle", "pagingTransmissionWindow"]

    /// All members, null where nothing is said.
    static func completed(_ given: RequestObject?) -> JSONObject {
        var object: JSONObject = [:]
        for member in members { object[member] = given?.value(member) ?? .null }
        return object
    }
}

/// The transport's part of a device whose profile just got another transport.
enum DeviceTransportDefaults {
    static func device(_ transport: String) -> JSONValue {
        var object: JSONObject = ["type": .string(transport)]
        switch transport {
        case "COAP", "LWM2M": object.merge(PowerSaving.completed(nil))
        case "SNMP":
            object.merge(["host": "localhost", "port": 161, "protocolVersion": "V2C", "community": "public"])
            for member in [
                "username", "securityName", "contextName", "authenticationProtocol", "authenticationPassphrase",
                "privacyProtocol", "privacyPassphrase", "engineId",
            ] { object[member] = .null }
        default: break
        }
        return .object(object)
    }
}
