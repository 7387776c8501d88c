public import JSON
public import Messages

/// What devices ask in JSON (`device-api.md` 2.8, 8.5).
public enum DeviceRequestJSON {
    /// The most keys that one attribute request may name.
    public static let maximumKeys = 1_000
    /// The time that claiming is possible for when the device does not say, in milliseconds; the platform decides.
    public static let unspecifiedDuration: Int64 = 0

    /// An attribute request: an object with the comma-separated lists `clientKeys` and `sharedKeys`, both optional.
    public static func attributesRequest(
        _ payload: Span<UInt8>, requestID: Int32
    ) throws(DevicePayloadError) -> AttributesRequest {
        let object = try object(payload)
        return AttributesRequest(
            requestID: requestID, clientKeys: try keys(object["clientKeys"]),
            sharedKeys: try keys(object["sharedKeys"]),
            onlyShared: false)
    }

    private static func keys(_ value: JSONValue?) throws(DevicePayloadError) -> [String]? {
        guard let value else { return nil }
        let text: String
        switch value {
        case .string(let string): text = string
        case .integer, .double, .number: text = value.serializedString
        case .bool(let flag): text = flag ? "true" : "false"
        case .null, .array, .object: throw .invalid
        }
        return try keys(commaSeparated: text)
    }

    /// The keys of a comma-separated list.
    public static func keys(commaSeparated text: String) throws(DevicePayloadError) -> [String] {
        let keys = text.utf8.split(
            separator: UInt8(ascii: ","), maxSplits: maximumKeys, omittingEmptySubsequences: false
        ).map { String(decoding: $0, as: UTF8.self) }
        guard keys.count <= maximumKeys else { throw .invalid }
        return keys
    }

    /// A client-side RPC: `{"method":"m","params":...}`; missing parameters count as `null`.
    ///
    /// - Throws: ``DevicePayloadError/unacceptable`` for an object without `method`.
    public static func rpcRequest(
        _ payload: Span<UInt8>, requestID: Int32
    ) throws(DevicePayloadError) -> ToServerRPCRequest {
        let object = try object(payload)
        let method: String
        switch object["method"] {
        case .string(let text): method = text
        case .some(let value) where value.integerValue != nil || value.boolValue != nil: method = value.serializedString
        default: throw .unacceptable
        }
        return ToServerRPCRequest(
            requestID: requestID, method: method, params: (object["params"] ?? .null).serializedString)
    }

    /// What a device says about being claimed; an empty payload is all defaults.
    public static func claim(_ payload: Span<UInt8>) throws(DevicePayloadError) -> ClaimRequest {
        guard !payload.isEmpty else { return ClaimRequest(secretKey: "", durationMilliseconds: unspecifiedDuration) }
        return try claim(object(payload))
    }

    public static func claim(_ object: JSONObject) throws(DevicePayloadError) -> ClaimRequest {
        let secretKey: String
        switch object["secretKey"] {
        case nil, .null: secretKey = ""
        case .string(let text): secretKey = text
        case .some(let value) where value.doubleValue != nil: secretKey = value.serializedString
        default: throw .invalid
        }
        var duration = unspecifiedDuration
        switch object["durationMs"] {
        case nil, .null: break
        case .string(let text):
            guard let number = Int64(text) else { throw .invalid }
            duration = number
        case .some(let value):
            guard let number = value.integerValue else { throw .invalid }
            duration = number
        }
        return ClaimRequest(secretKey: secretKey, durationMilliseconds: max(0, duration))
    }

    /// Text that is JSON already as it is, and other text as a JSON string; nothing is `null`.
    static func jsonText(_ text: String) throws(DevicePayloadError) -> String {
        guard !text.isEmpty else { return "null" }
        do throws(JSONError) {
            return try JSONValue.parse(text).serializedString
        } catch {
            return JSONValue.string(text).serializedString
        }
    }

    /// The payload, which must be an object.
    public static func object(_ payload: Span<UInt8>) throws(DevicePayloadError) -> JSONObject {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue.parse(payload, removingNullCharacters: true)
        } catch {
            throw .invalid
        }
        guard case .object(let object) = value else { throw .invalid }
        return object
    }
}

/// What a device says about being claimed (`device-api.md` 8.5).
public struct ClaimRequest: Equatable, Sendable {
    public var secretKey: String
    /// 0: the platform's default.
    public var durationMilliseconds: Int64

    public init(secretKey: String, durationMilliseconds: Int64) {
        self.secretKey = secretKey
        self.durationMilliseconds = durationMilliseconds
    }
}
