extension PointArena {
    /// Adds a point from its parts, copying them.
    ///
    /// - Parameters:
    ///   - key: UTF-8, at most 65 535 bytes.
    ///   - bits: as ``PackedPoint/bits`` of a value without text.
    @inlinable
    public mutating func append(key: UnsafeBufferPointer<UInt8>, kind: ValueKind, bits: UInt64) {
        precondition(key.count <= Int(UInt16.max), "a key of \(key.count) bytes")
        points.append(PackedPoint(keyOffset: place(key), keyLength: UInt16(key.count), kind: kind, bits: bits))
    }

    /// The same for a string or JSON point; `text` is UTF-8.
    @inlinable
    public mutating func append(
        key: UnsafeBufferPointer<UInt8>, kind: ValueKind, text: UnsafeBufferPointer<UInt8>
    ) {
        precondition(kind == .string || kind == .json, "a point without text")
        let offset = place(text)
        append(key: key, kind: kind, bits: UInt64(offset) << 32 | UInt64(text.count))
    }
}
