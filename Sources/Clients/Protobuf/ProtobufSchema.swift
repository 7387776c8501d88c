import CProtobuf
import Glibc

/// Why a text is no schema.
public struct ProtobufSchemaError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
}

/// A protobuf schema compiled at run time: proto3, one file, without imports. Safe from any thread.
public final class ProtobufSchema: @unchecked Sendable {
    // @unchecked: the compiled schema does not change; libprotobuf lets several threads make messages of it.

    /// Bytes of a schema's text, at most.
    public static let maximumTextLength = 65_536

    private let schema: OpaquePointer

    public init(_ text: String) throws(ProtobufSchemaError) {
        guard text.utf8.count <= Self.maximumTextLength else {
            throw ProtobufSchemaError(description: "longer than \(Self.maximumTextLength) bytes")
        }
        var text = text
        var reason = ""
        let compiled = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { error in
                    error.initialize(repeating: 0)
                    let made = needletail_protobuf_compile(
                        characters.baseAddress, characters.count, error.baseAddress, error.count)
                    if made == nil { reason = String(cString: error.baseAddress!) }
                    return made
                }
            }
        }
        guard let compiled else { throw ProtobufSchemaError(description: reason) }
        schema = compiled
    }

    deinit { needletail_protobuf_destroy(schema) }

    /// A message as JSON by proto3's mapping: lowerCamelCase names, 64-bit numbers as text, defaults of fields without
    /// presence printed. `nil` when the bytes are no such message.
    ///
    /// - Parameter message: Its name; `nil` for the last one of the schema.
    public func json(_ bytes: Span<UInt8>, as message: String? = nil) -> [UInt8]? {
        convert(bytes, message, needletail_protobuf_to_json)
    }

    /// A message from JSON; unknown members are left out. `nil` when it does not fit.
    public func encode(json: [UInt8], as message: String? = nil) -> [UInt8]? {
        convert(json.span, message, needletail_protobuf_from_json)
    }

    private typealias Conversion = (
        OpaquePointer?, UnsafePointer<CChar>?, UnsafePointer<UInt8>?, Int,
        UnsafeMutablePointer<needletail_protobuf_bytes>?
    ) -> Int32

    private func convert(_ input: Span<UInt8>, _ message: String?, _ conversion: Conversion) -> [UInt8]? {
        var result = needletail_protobuf_bytes()
        let code = input.withUnsafeBufferPointer { bytes in
            if let message { return conversion(schema, message, bytes.baseAddress, bytes.count, &result) }
            return conversion(schema, nil, bytes.baseAddress, bytes.count, &result)
        }
        guard code == 1 else { return nil }
        defer { free(result.bytes) }
        return [UInt8](UnsafeBufferPointer(start: result.bytes, count: result.length))
    }
}
