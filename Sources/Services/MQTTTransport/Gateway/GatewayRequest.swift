import JSON
import Messages
import TransportCore

/// What one message of a gateway asks for (`device-api.md` 3.2): something for each device that it names.
enum GatewayAction {
    case connect(type: String)
    case disconnect
    /// An array of telemetry records, as JSON.
    case telemetry([UInt8])
    /// An object of attributes, as JSON.
    case attributes([UInt8])
    case typedTelemetry([TypedRecord])
    case typedAttributes(TypedRecord, isShared: Bool)
    case attributesRequest(AttributesRequest)
    case claim(ClaimRequest)
    case rpcResponse(ToDeviceRPCResponse)
    /// What was said about the device cannot be used.
    case invalid

    /// Bytes that it keeps while it waits.
    var byteCount: Int {
        switch self {
        case .telemetry(let payload), .attributes(let payload): payload.count + 64
        case .typedTelemetry(let records): records.reduce(64) { $0 + $1.byteCount }
        case .typedAttributes(let record, _): record.byteCount + 64
        case .rpcResponse(let response): (response.payload?.utf8.count ?? 0) + 64
        default: 64
        }
    }
}

/// The topics of the gateway API.
enum GatewayTopic: String, CaseIterable {
    case connect = "v1/gateway/connect"
    case disconnect = "v1/gateway/disconnect"
    case telemetry = "v1/gateway/telemetry"
    case attributes = "v1/gateway/attributes"
    case attributesRequest = "v1/gateway/attributes/request"
    case claim = "v1/gateway/claim"
    case rpc = "v1/gateway/rpc"

    init?(_ topic: Span<UInt8>) {
        let found = topic.withUnsafeBytes { bytes in
            // The commonest first.
            bytes.elementsEqual(Self.telemetry.rawValue.utf8)
                ? Self.telemetry : Self.allCases.first { bytes.elementsEqual($0.rawValue.utf8) }
        }
        guard let found else { return nil }
        self = found
    }
}

/// Why a message of a gateway cannot be served at all (`device-api.md` 3.6).
enum GatewayPayloadError: Error, Equatable {
    /// No JSON: an invalid payload.
    case invalid
    /// JSON of another form: answered, then closed.
    case structural
}

/// Reads the messages of gateways in JSON.
struct GatewayRequestReader {
    typealias Part = (device: String, action: GatewayAction)

    private let parser = JSONParser(removingNullCharacters: true)
    private static let maximumDepth = 66
    /// The most characters that a device's name may have.
    static let maximumNameLength = 255

    /// - Parameter latencies: Takes what records say about the connectors of the gateway.
    func parts(
        of payload: Span<UInt8>, on topic: GatewayTopic, latencies: (GatewayLatency) -> Void
    ) throws(GatewayPayloadError) -> [Part] {
        do throws(JSONError) {
            try parser.parse(payload, maximumDepth: Self.maximumDepth)
        } catch {
            throw .invalid
        }
        return try parser.withTape { tape throws(GatewayPayloadError) in
            guard tape[0].kind == .objectStart else { throw .structural }
            switch topic {
            case .telemetry: return try Self.telemetry(tape, latencies)
            case .attributes:
                return try Self.each(tape, .objectStart) { tape, index in
                    var bytes: [UInt8] = []
                    tape.appendCompact(valueAt: index, to: &bytes)
                    return .attributes(bytes)
                }
            case .claim:
                return try Self.each(tape, .objectStart) { tape, index in
                    guard case .object(let object) = JSONValue(tape, at: index),
                        let claim = try? DeviceRequestJSON.claim(object)
                    else { return .invalid }
                    return .claim(claim)
                }
            case .connect, .disconnect, .attributesRequest, .rpc:
                guard case .object(let object) = JSONValue(tape, at: 0) else { throw .structural }
                return [try Self.single(object, topic)]
            }
        }
    }

    /// One part for each member of the document whose value is of that kind; others are left out.
    private static func each(
        _ tape: borrowing JSONTape, _ kind: JSONToken.Kind, _ read: (borrowing JSONTape, Int) -> GatewayAction
    ) throws(GatewayPayloadError) -> [Part] {
        var parts: [Part] = []
        var index = 1
        while tape[index].kind == .key {
            let key = tape[index]
            let value = index + 1
            index = tape.behindValue(at: value)
            guard !key.isShadowed, tape[value].kind == kind, let name = name(tape.string(of: key)) else { continue }
            parts.append((name, read(tape, value)))
        }
        guard !parts.isEmpty else { throw .structural }
        return parts
    }

    /// A name that a device can have.
    static func name(_ text: String) -> String? {
        text.isEmpty || text.utf8.allSatisfy { $0 == UInt8(ascii: " ") } || text.utf16.count > maximumNameLength
            ? nil : text
    }

    // MARK: - Telemetry

    private static func telemetry(
        _ tape: borrowing JSONTape, _ latencies: (GatewayLatency) -> Void
    ) throws(GatewayPayloadError) -> [Part] {
        try each(tape, .arrayStart) { tape, index in
            var bytes: [UInt8] = []
            guard appendRecords(tape, at: index, to: &bytes, latencies) else { return .invalid }
            return .telemetry(bytes)
        }
    }

    /// Copies an array of records without their `metadata`; `false` when a record is none, or its metadata is not whole.
    private static func appendRecords(
        _ tape: borrowing JSONTape, at start: Int, to bytes: inout [UInt8], _ latencies: (GatewayLatency) -> Void
    ) -> Bool {
        bytes.append(UInt8(ascii: "["))
        var index = start + 1
        while tape[index].kind != .arrayEnd {
            guard tape[index].kind == .objectStart else { return false }
            if index > start + 1 { bytes.append(UInt8(ascii: ",")) }
            if let metadata = metadata(tape, ofRecordAt: index) {
                guard let latency = GatewayLatency(JSONValue(tape, at: metadata)) else { return false }
                latencies(latency)
                guard case .object(var record) = JSONValue(tape, at: index) else { return false }
                record.removeValue(forKey: "metadata")
                bytes += record.serialized()
            } else {
                tape.appendCompact(valueAt: index, to: &bytes)
            }
            index = tape.behindValue(at: index)
        }
        bytes.append(UInt8(ascii: "]"))
        return true
    }

    private static func metadata(_ tape: borrowing JSONTape, ofRecordAt index: Int) -> Int? {
        var index = index + 1
        var found: Int?
        while tape[index].kind == .key {
            if tape[index].length == 8, tape.text(of: tape[index], equals: "metadata") { found = index + 1 }
            index = tape.behindValue(at: index + 1)
        }
        return found
    }

    // MARK: - Messages about one device

    private static func single(_ object: JSONObject, _ topic: GatewayTopic) throws(GatewayPayloadError) -> Part {
        guard let text = object["device"]?.stringValue, let name = name(text) else { throw .structural }
        switch topic {
        case .connect:
            switch object["type"] {
            case nil, .null: return (name, .connect(type: "default"))
            case .string(let type): return (name, .connect(type: type.isEmpty ? "default" : type))
            default: throw .structural
            }
        case .disconnect: return (name, .disconnect)
        case .rpc:
            guard let id = requestID(object["id"]), let data = object["data"] else { throw .structural }
            return (name, .rpcResponse(ToDeviceRPCResponse(requestID: id, payload: data.serializedString)))
        case .attributesRequest: return (name, .attributesRequest(try attributesRequest(object)))
        case .telemetry, .attributes, .claim: preconditionFailure("\(topic) is about several devices")
        }
    }

    private static func attributesRequest(_ object: JSONObject) throws(GatewayPayloadError) -> AttributesRequest {
        guard let id = requestID(object["id"]), let isClient = object["client"]?.boolValue else { throw .structural }
        var keys: [String] = []
        if let key = object["key"]?.stringValue {
            keys = [key]
        } else if let list = object["keys"]?.arrayValue, list.count <= DeviceRequestJSON.maximumKeys {
            keys = list.compactMap(\.stringValue)
            guard keys.count == list.count else { throw .structural }
        }
        guard !keys.isEmpty else { throw .structural }
        return AttributesRequest(
            requestID: id, clientKeys: isClient ? keys : nil, sharedKeys: isClient ? nil : keys,
            onlyShared: !isClient)
    }

    private static func requestID(_ value: JSONValue?) -> Int32? {
        switch value {
        case .string(let text): Int32(text)
        case .some(let value): value.integerValue.flatMap { Int32(exactly: $0) }
        case nil: nil
        }
    }
}
