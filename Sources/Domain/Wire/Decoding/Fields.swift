import CMessages
import Model
import Telemetry

/// Reading of protobuf-c's fields.
enum Fields {
    static func uuid(_ msb: Int64, _ lsb: Int64) -> UUID128 {
        UUID128(high: UInt64(bitPattern: msb), low: UInt64(bitPattern: lsb))
    }

    /// Zero in both halves: none.
    static func optional(_ msb: Int64, _ lsb: Int64) -> UUID128? {
        msb == 0 && lsb == 0 ? nil : uuid(msb, lsb)
    }

    static func text(
        _ field: UnsafeMutablePointer<CChar>?, _ name: @autoclosure () -> String
    ) throws(WireError) -> String {
        guard let field, field.pointee != 0 else { return "" }
        guard let text = String(validatingCString: field) else { throw .invalid(name()) }
        return text
    }

    /// An empty text stands for none.
    static func optionalText(
        _ field: UnsafeMutablePointer<CChar>?, _ name: @autoclosure () -> String
    ) throws(WireError) -> String? {
        let text = try text(field, name())
        return text.isEmpty ? nil : text
    }

    static func texts(
        _ field: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int, _ name: @autoclosure () -> String
    ) throws(WireError) -> [String] {
        var texts: [String] = []
        for index in 0..<count { texts.append(try text(field?[index], name())) }
        return texts
    }

    /// UTF-8 in a field of type `bytes`.
    static func text(_ field: ProtobufCBinaryData, _ name: @autoclosure () -> String) throws(WireError) -> String {
        guard let text = String(validating: UnsafeBufferPointer(start: field.data, count: field.len), as: UTF8.self)
        else {
            throw .invalid(name())
        }
        return text
    }

    /// KeyValueProto.
    static func keyValue(
        _ field: UnsafeMutablePointer<Needletail__KeyValueProto>?
    ) throws(WireError) -> (key: String, value: TelemetryValue) {
        guard let field = field?.pointee else { throw .missing("kv") }
        let key = try text(field.key, "key")
        guard let kind = ValueKind(rawValue: UInt8(truncatingIfNeeded: field.type.rawValue)), field.type.rawValue < 5
        else { throw .invalid("type") }
        switch kind {
        case .boolean: return (key, .boolean(field.bool_v != 0))
        case .long: return (key, .long(field.long_v))
        case .double: return (key, .double(field.double_v))
        case .string: return (key, .string(try text(field.string_v, "string_v")))
        case .json: return (key, .json(try text(field.json_v, "json_v")))
        }
    }

    /// Whether `text` is UTF-8; quick for ASCII.
    static func isValid(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let base = text.baseAddress else { return true }
        let raw = UnsafeRawPointer(base)
        var index = 0
        while index + 8 <= text.count {
            guard raw.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 else { break }
            index += 8
        }
        while index < text.count {
            guard text[index] < 0x80 else {
                return String(validating: UnsafeBufferPointer(rebasing: text[index...]), as: UTF8.self) != nil
            }
            index += 1
        }
        return true
    }
}
