public import JSON
public import Messages
import Model
import Protobuf
public import Telemetry

/// The gateway API in protobuf (`device-api.md` 3, 10.2): the platform's messages, by proto3's mapping to JSON.
public enum GatewayProtobuf {
    /// What a gateway sent, as the JSON of that message.
    public static func object(_ payload: Span<UInt8>, as message: String) throws(DevicePayloadError) -> JSONObject {
        guard let json = ProtobufPayloads.platform.json(payload, as: message) else { throw .invalid }
        return try DeviceRequestJSON.object(json.span)
    }

    // MARK: - Values

    /// The records of a `PostTelemetryMsg`; `nil` when one of them is wrong, or there is none.
    public static func records(_ message: JSONValue?, options: TelemetryDecodingOptions) -> [TypedRecord]? {
        guard let lists = message?["tsKvList"]?.arrayValue, !lists.isEmpty else { return nil }
        var records: [TypedRecord] = []
        for list in lists {
            guard let timestamp = integer(list["ts"]), let entries = entries(list["kv"], options) else { return nil }
            records.append(TypedRecord(timestamp: timestamp, entries))
        }
        return records
    }

    /// The attributes of a `PostAttributeMsg`; `nil` when one of them is wrong, or there is none.
    public static func attributes(_ message: JSONValue?, options: TelemetryDecodingOptions) -> TypedRecord? {
        entries(message?["kv"], options).map { TypedRecord(timestamp: 0, $0) }
    }

    private static func entries(_ list: JSONValue?, _ options: TelemetryDecodingOptions) -> [TypedRecord.Entry]? {
        guard let list = list?.arrayValue, !list.isEmpty else { return nil }
        var entries: [TypedRecord.Entry] = []
        for one in list {
            guard let key = one["key"]?.stringValue, !key.utf8.allSatisfy({ $0 <= 0x20 }),
                key.utf16.count <= options.maximumKeyLength, let value = value(one, options)
            else { return nil }
            entries.append(.init(key: key, value: value))
        }
        return entries
    }

    private static func value(_ entry: JSONValue, _ options: TelemetryDecodingOptions) -> TelemetryValue? {
        switch entry["type"]?.stringValue {
        case "BOOLEAN_V": return entry["boolV"]?.boolValue.map { .boolean($0) }
        case "LONG_V": return integer(entry["longV"]).map { .long($0) }
        case "DOUBLE_V":
            // What is no number is text there.
            guard let number = entry["doubleV"]?.doubleValue, number.isFinite else { return nil }
            return .double(number == 0 ? 0 : number)
        case "STRING_V":
            guard let text = entry["stringV"]?.stringValue,
                options.maximumStringLength == 0 || text.utf16.count <= options.maximumStringLength
            else { return nil }
            return .string(text)
        case "JSON_V":
            guard let text = entry["jsonV"]?.stringValue, let json = try? JSONValue.parse(text) else { return nil }
            return .json(json.serializedString)
        default: return nil
        }
    }

    /// 64-bit numbers are text in proto3's JSON.
    private static func integer(_ value: JSONValue?) -> Int64? {
        value?.stringValue.flatMap { Int64($0) } ?? value?.integerValue
    }

    // MARK: - Downlinks

    public static func attributes(_ response: AttributesResponse, device: String) -> [UInt8] {
        wrap(device, "responseMsg", DeviceResponseJSON.attributesForProtobuf(response), "GatewayAttributeResponseMsg")
    }

    public static func attributesUpdate(_ update: AttributesUpdate, device: String) -> [UInt8] {
        wrap(
            device, "notificationMsg", DeviceResponseJSON.attributesUpdateForProtobuf(update),
            "GatewayAttributeUpdateNotificationMsg")
    }

    public static func rpcRequest(_ request: ToDeviceRPCRequest, device: String) -> [UInt8] {
        let json = JSONWriter.bytes { writer in
            writer.object { writer in
                writer.member("requestId", Int(request.requestID))
                writer.member("methodName", request.method)
                writer.member("params", request.params)
                writer.member("expirationTime", request.expirationTime)
                writer.member("requestIdMSB", Int64(bitPattern: request.rpcID.high))
                writer.member("requestIdLSB", Int64(bitPattern: request.rpcID.low))
                writer.member("oneway", request.isOneWay)
                writer.member("persisted", request.isPersisted)
                if let retries = request.retries { writer.member("retries", Int(retries)) }
                if let info = request.additionalInfo { writer.member("additionalInfo", info) }
            }
        }
        return wrap(device, "rpcRequestMsg", json, "GatewayDeviceRpcRequestMsg")
    }

    public static func disconnect(device: String, reason: Int) -> [UInt8] {
        encode(
            JSONWriter.bytes { writer in
                writer.object { writer in
                    writer.member("deviceName", device)
                    writer.member("reasonCode", reason)
                }
            }, "GatewayDisconnectDeviceMsg")
    }

    private static func wrap(_ device: String, _ name: StaticString, _ json: [UInt8], _ message: String) -> [UInt8] {
        encode(
            JSONWriter.bytes { writer in
                writer.object { writer in
                    writer.member("deviceName", device)
                    writer.key(name)
                    writer.raw(String(decoding: json, as: UTF8.self))
                }
            }, message)
    }

    private static func encode(_ json: [UInt8], _ message: String) -> [UInt8] {
        guard let bytes = ProtobufPayloads.platform.encode(json: json, as: message) else {
            preconditionFailure("\(message) does not take what was made for it")
        }
        return bytes
    }
}
