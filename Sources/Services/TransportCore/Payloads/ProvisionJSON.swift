import JSON
public import Messages
import Protobuf

/// A device that asks to be registered, and what it is told (`device-api.md` 8.1, 8.2), in JSON.
public enum ProvisionJSON {
    /// - Throws: ``DevicePayloadError/invalid`` for what is no JSON, ``DevicePayloadError/unacceptable`` for a request
    ///   without a required member or with an unknown type of credentials.
    public static func request(_ payload: Span<UInt8>) throws(DevicePayloadError) -> ProvisionRequest {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue.parse(payload, removingNullCharacters: true)
        } catch {
            throw .invalid
        }
        guard case .object(let object) = value else { throw .unacceptable }
        guard let key = try text(object["provisionDeviceKey"]), let secret = try text(object["provisionDeviceSecret"])
        else { throw .unacceptable }
        var request = ProvisionRequest(provisionDeviceKey: key, provisionDeviceSecret: secret)
        if let name = try text(object["credentialsType"]) {
            guard let type = CredentialsType(name: name) else { throw .unacceptable }
            request.credentialsType = type
        }
        request.deviceName = try text(object["deviceName"])
        request.token = try text(object["token"])
        request.x509Hash = try text(object["hash"])
        request.clientID = try text(object["clientId"])
        request.userName = try text(object["username"])
        request.password = try text(object["password"])
        switch object["gateway"] {
        case nil, .null: break
        case .bool(let isGateway): request.isGateway = isGateway
        case .string(let text): request.isGateway = text.lowercased() == "true"
        default: throw .unacceptable
        }
        return request
    }

    private static func text(_ value: JSONValue?) throws(DevicePayloadError) -> String? {
        switch value {
        case nil, .null: return nil
        case .string(let text): return text
        case .integer(let number): return String(number)
        case .number(let text): return text
        case .bool, .double, .array, .object: throw .unacceptable
        }
    }

    /// `nil` when there is no answer to tell.
    public static func response(_ response: ProvisionResponse) -> [UInt8]? {
        switch response {
        case .success(let type, let value):
            JSONWriter.bytes { writer in
                writer.object { writer in
                    switch type {
                    case .accessToken, .x509Certificate: writer.member("credentialsValue", value)
                    case .mqttBasic:
                        writer.key("credentialsValue")
                        writer.raw(value)
                    case .lwm2m: break
                    }
                    writer.member("credentialsType", type.name)
                    writer.member("status", "SUCCESS")
                }
            }
        case .notFound: refusal("Provision data was not found!", "NOT_FOUND")
        case .failure: refusal("Failed to provision device!", "FAILURE")
        case .unavailable: nil
        }
    }

    private static func refusal(_ message: String, _ status: String) -> [UInt8] {
        JSONWriter.bytes { writer in
            writer.object { writer in
                writer.member("errorMsg", message)
                writer.member("status", status)
            }
        }
    }
}

/// The same in protobuf (`device-api.md` 10.2), for what is no JSON.
public enum ProvisionProtobuf {
    public static func request(_ payload: Span<UInt8>) throws(DevicePayloadError) -> ProvisionRequest {
        guard let json = ProtobufPayloads.platform.json(payload, as: "ProvisionDeviceRequestMsg") else {
            throw .invalid
        }
        let object = try DeviceRequestJSON.object(json.span)
        let keys = object["provisionDeviceCredentialsMsg"]
        guard let key = keys?["provisionDeviceKey"]?.stringValue,
            let secret = keys?["provisionDeviceSecret"]?.stringValue
        else { throw .invalid }
        var request = ProvisionRequest(provisionDeviceKey: key, provisionDeviceSecret: secret)
        guard let type = object["credentialsType"]?.stringValue.flatMap({ CredentialsType(name: $0) }) else {
            throw .unacceptable
        }
        func text(_ value: JSONValue?) -> String? {
            guard let text = value?.stringValue, !text.isEmpty else { return nil }
            return text
        }
        let data = object["credentialsDataProto"]
        request.credentialsType = type
        request.deviceName = text(object["deviceName"])
        request.token = text(data?["validateDeviceTokenRequestMsg"]?["token"])
        request.x509Hash = text(data?["validateDeviceX509CertRequestMsg"]?["hash"])
        let basic = data?["validateBasicMqttCredRequestMsg"]
        request.clientID = text(basic?["clientId"])
        request.userName = text(basic?["userName"])
        request.password = text(basic?["password"])
        request.isGateway = object["gateway"]?.boolValue ?? false
        return request
    }

    /// `nil` when there is no answer to tell.
    public static func response(_ response: ProvisionResponse) -> [UInt8]? {
        let (status, type, value): (String, CredentialsType, String)
        switch response {
        case .success(let given, let text): (status, type, value) = ("SUCCESS", given, text)
        case .notFound: (status, type, value) = ("NOT_FOUND", .accessToken, "")
        case .failure: (status, type, value) = ("FAILURE", .accessToken, "")
        case .unavailable: return nil
        }
        let json = JSONWriter.bytes { writer in
            writer.object { writer in
                writer.member("status", status)
                writer.member("credentialsType", type.name)
                writer.member("credentialsValue", value)
            }
        }
        return ProtobufPayloads.platform.encode(json: json, as: "ProvisionDeviceResponseMsg")
    }
}
