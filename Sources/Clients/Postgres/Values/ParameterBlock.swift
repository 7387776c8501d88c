/// The parameters of one statement in the form that libpq takes: all bytes in one buffer, and where each begins.
///
/// Reused by its connection from call to call, so that a statement costs no allocation once the buffer has grown.
struct ParameterBlock {
    private(set) var types: [UInt32] = []
    private var bytes: [UInt8] = []
    private var offsets: [Int] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []
    private var pointers: [UnsafePointer<CChar>?] = []

    /// Above this the buffer is given back after use: one huge batch must not be kept for ever.
    private static let keptCapacity = 4 << 20

    mutating func encode(_ parameters: [PostgresParameter]) {
        types.removeAll(keepingCapacity: true)
        offsets.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptCapacity)
        for parameter in parameters {
            types.append(parameter.type.rawValue)
            if case .null = parameter {
                offsets.append(-1)
                lengths.append(0)
                continue
            }
            let start = bytes.count
            append(parameter)
            offsets.append(start)
            lengths.append(Int32(bytes.count - start))
        }
        // A length of zero still needs an address that is not NULL.
        bytes.append(0)
        while formats.count < parameters.count { formats.append(1) }
    }

    private mutating func append(_ parameter: PostgresParameter) {
        switch parameter {
        case .null: break
        case .boolean(let value): bytes.append(value ? 1 : 0)
        case .int4(let value): bytes.appendBigEndian(value)
        case .int8(let value): bytes.appendBigEndian(value)
        case .double(let value): bytes.appendBigEndian(value.bitPattern)
        case .text(let value), .json(let value): bytes.append(contentsOf: value.utf8)
        case .jsonb(let value):
            bytes.append(jsonbVersion)
            bytes.append(contentsOf: value.utf8)
        case .uuid(let high, let low):
            bytes.appendBigEndian(high)
            bytes.appendBigEndian(low)
        case .bytes(let value): bytes.append(contentsOf: value)
        case .array(let array):
            bytes.reserveCapacity(bytes.count + array.encodedLength)
            array.encode(into: &bytes)
        }
    }

    /// What libpq wants of the parameters; valid for the duration of `body`.
    struct Arguments {
        var count: Int32
        var values: UnsafePointer<UnsafePointer<CChar>?>?
        var lengths: UnsafePointer<Int32>?
        var formats: UnsafePointer<Int32>?
    }

    mutating func withArguments<R>(_ body: (Arguments) -> R) -> R {
        pointers.removeAll(keepingCapacity: true)
        return bytes.withUnsafeBytes { raw in
            for offset in offsets {
                pointers.append(
                    offset < 0 ? nil : raw.baseAddress?.advanced(by: offset).assumingMemoryBound(to: CChar.self))
            }
            return pointers.withUnsafeBufferPointer { values in
                lengths.withUnsafeBufferPointer { lengths in
                    formats.withUnsafeBufferPointer { formats in
                        body(
                            Arguments(
                                count: Int32(values.count), values: values.baseAddress,
                                lengths: lengths.baseAddress, formats: formats.baseAddress))
                    }
                }
            }
        }
    }
}
