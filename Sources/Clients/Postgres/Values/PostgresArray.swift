/// A one-dimensional array in the server's binary form, built element by element.
///
///     Int32 dimensions (0 or 1) | Int32 has NULLs | UInt32 element type
///     Int32 count | Int32 lower bound 1 | per element: Int32 length (-1 for NULL) | bytes
///
/// Appending an element of another kind than the array's type stops the process.
public struct PostgresArray: Sendable {
    public let elementType: PostgresType
    public private(set) var count = 0
    private var hasNulls = false
    private var elements: [UInt8] = []

    /// - Parameter elementType: A type that ``PostgresType/array`` knows.
    public init(of elementType: PostgresType, capacity: Int = 0) {
        precondition(elementType.array != nil, "no array type is known over type \(elementType.rawValue)")
        self.elementType = elementType
        elements.reserveCapacity(capacity * 12)
    }

    /// The array's own type.
    var type: PostgresType { elementType.array ?? .unspecified }

    public var isEmpty: Bool { count == 0 }

    /// Forgets the elements and keeps the memory.
    public mutating func removeAll() {
        count = 0
        hasNulls = false
        elements.removeAll(keepingCapacity: true)
    }

    public mutating func appendNull() {
        hasNulls = true
        elements.appendBigEndian(Int32(-1))
        count += 1
    }

    public mutating func append(_ value: Bool) {
        precondition(elementType == .bool, "a boolean in an array of type \(elementType.rawValue)")
        elements.appendBigEndian(Int32(1))
        elements.append(value ? 1 : 0)
        count += 1
    }

    public mutating func append(_ value: Int32) {
        precondition(elementType == .int4, "an int4 in an array of type \(elementType.rawValue)")
        elements.appendBigEndian(UInt64(4) << 32 | UInt64(UInt32(bitPattern: value)))
        count += 1
    }

    public mutating func append(_ value: Int64) {
        precondition(elementType == .int8, "an int8 in an array of type \(elementType.rawValue)")
        elements.appendBigEndian(Int32(8))
        elements.appendBigEndian(value)
        count += 1
    }

    public mutating func append(_ value: Double) {
        precondition(elementType == .float8, "a double in an array of type \(elementType.rawValue)")
        elements.appendBigEndian(Int32(8))
        elements.appendBigEndian(value.bitPattern)
        count += 1
    }

    public mutating func append(uuidHigh high: UInt64, low: UInt64) {
        precondition(elementType == .uuid, "a uuid in an array of type \(elementType.rawValue)")
        elements.appendBigEndian(Int32(16))
        elements.appendBigEndian(high)
        elements.appendBigEndian(low)
        count += 1
    }

    /// Appends text, or a JSON document to an array of `json` or `jsonb`.
    public mutating func append(text: String) {
        var text = text
        text.withUTF8 { append(utf8: UnsafeRawBufferPointer($0)) }
    }

    /// As ``append(text:)``; `bytes` is valid UTF-8.
    public mutating func append(utf8 bytes: UnsafeRawBufferPointer) {
        switch elementType {
        case .text, .json:
            elements.appendBigEndian(Int32(bytes.count))
        case .jsonb:
            elements.appendBigEndian(Int32(bytes.count + 1))
            elements.append(jsonbVersion)
        default:
            preconditionFailure("text in an array of type \(elementType.rawValue)")
        }
        elements.append(contentsOf: bytes)
        count += 1
    }

    /// Appends to an array of `bytea`.
    public mutating func append(bytes: UnsafeRawBufferPointer) {
        precondition(elementType == .bytea, "bytes in an array of type \(elementType.rawValue)")
        elements.appendBigEndian(Int32(bytes.count))
        elements.append(contentsOf: bytes)
        count += 1
    }

    /// Length of ``encode(into:)``'s output.
    var encodedLength: Int { (count == 0 ? 12 : 20) + elements.count }

    func encode(into output: inout [UInt8]) {
        output.appendBigEndian(Int32(count == 0 ? 0 : 1))
        output.appendBigEndian(Int32(hasNulls ? 1 : 0))
        output.appendBigEndian(elementType.rawValue)
        guard count > 0 else { return }
        output.appendBigEndian(Int32(count))
        output.appendBigEndian(Int32(1))
        output.append(contentsOf: elements)
    }
}

/// The only version of `jsonb`'s binary form; it precedes the text.
let jsonbVersion: UInt8 = 1

extension Array where Element == UInt8 {
    /// Appends in network byte order.
    @inline(__always)
    mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}
