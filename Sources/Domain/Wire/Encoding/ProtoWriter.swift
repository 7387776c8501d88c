import Model

/// Writes protobuf (proto3) fields into one buffer: the bytes that protobuf-c packs, if fields come in the order of
/// their numbers. Fields with their default value are left out, except where said otherwise.
struct ProtoWriter {
    private(set) var bytes: [UInt8] = []

    private static let varint: UInt8 = 0
    private static let fixed64: UInt8 = 1
    private static let delimited: UInt8 = 2

    /// Forgets what was written and keeps the memory, unless it is more than `largest` bytes.
    mutating func removeAll(keepingAtMost largest: Int = 1 << 20) {
        bytes.removeAll(keepingCapacity: bytes.capacity <= largest)
    }

    // MARK: - Numbers

    @inline(__always)
    private mutating func append(varint value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: value))
    }

    @inline(__always)
    private mutating func tag(_ field: Int, _ type: UInt8) {
        append(varint: UInt64(field) << 3 | UInt64(type))
    }

    mutating func int64(_ field: Int, _ value: Int64) {
        guard value != 0 else { return }
        tag(field, Self.varint)
        append(varint: UInt64(bitPattern: value))
    }

    mutating func int32(_ field: Int, _ value: Int32) { int64(field, Int64(value)) }

    /// Of a `oneof`: written even when it is 0.
    mutating func presentInt32(_ field: Int, _ value: Int32) {
        tag(field, Self.varint)
        append(varint: UInt64(bitPattern: Int64(value)))
    }

    mutating func sint64(_ field: Int, _ value: Int64) {
        guard value != 0 else { return }
        tag(field, Self.varint)
        append(varint: UInt64(bitPattern: value << 1 ^ value >> 63))
    }

    mutating func bool(_ field: Int, _ value: Bool) {
        guard value else { return }
        tag(field, Self.varint)
        bytes.append(1)
    }

    mutating func fixed64(_ field: Int, _ value: UInt64) {
        guard value != 0 else { return }
        tag(field, Self.fixed64)
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func double(_ field: Int, _ value: Double) {
        guard value != 0 else { return }
        tag(field, Self.fixed64)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Two `sfixed64` fields, the first of that number.
    mutating func uuid(_ field: Int, _ value: UUID128) {
        fixed64(field, value.high)
        fixed64(field + 1, value.low)
    }

    /// Two `int64` fields, as TbMsgProto has them.
    mutating func varintUUID(_ field: Int, _ value: UUID128) {
        int64(field, Int64(bitPattern: value.high))
        int64(field + 1, Int64(bitPattern: value.low))
    }

    // MARK: - Texts and bytes

    mutating func string(_ field: Int, _ value: String) {
        guard !value.utf8.isEmpty else { return }
        presentString(field, value)
    }

    /// Of a `oneof`, or repeated: written even when it is empty.
    mutating func presentString(_ field: Int, _ value: String) {
        var value = value
        value.withUTF8 { presentBytes(field, UnsafeRawBufferPointer($0)) }
    }

    mutating func strings(_ field: Int, _ values: [String]) {
        for value in values { presentString(field, value) }
    }

    mutating func data(_ field: Int, _ value: UnsafeRawBufferPointer) {
        guard !value.isEmpty else { return }
        presentBytes(field, value)
    }

    mutating func presentBytes(_ field: Int, _ value: UnsafeRawBufferPointer) {
        tag(field, Self.delimited)
        append(varint: UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// The 36 characters of an identifier.
    mutating func uuidText(_ field: Int, _ value: UUID128) {
        tag(field, Self.delimited)
        bytes.append(36)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 36) { text in
            value.write(to: text)
            bytes.append(contentsOf: UnsafeBufferPointer(text))
        }
    }

    // MARK: - Messages

    /// A nested message, written even when it is empty.
    @inline(__always)
    mutating func message(_ field: Int, _ body: (inout ProtoWriter) -> Void) {
        tag(field, Self.delimited)
        let start = bytes.count
        bytes.append(0)
        body(&self)
        let length = bytes.count - start - 1
        if length < 0x80 {
            bytes[start] = UInt8(length)
        } else {
            widen(lengthAt: start, length)
        }
    }

    /// Makes room for a length of more than one byte in front of what was written.
    private mutating func widen(lengthAt start: Int, _ length: Int) {
        var size = 1
        while length >> (7 * size) > 0 { size += 1 }
        for _ in 1..<size { bytes.append(0) }
        bytes.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            (base + start + size).copyMemory(from: base + start + 1, byteCount: length)
            for index in 0..<size {
                let part = UInt8(truncatingIfNeeded: length >> (7 * index) & 0x7F)
                buffer[start + index] = index == size - 1 ? part : part | 0x80
            }
        }
    }
}
