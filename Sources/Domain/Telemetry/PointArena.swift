/// One key and its value. Key and text are in the ``PointArena/bytes`` of the arena that it belongs to. 16 bytes.
@frozen
public struct PackedPoint: BitwiseCopyable, Sendable {
    public var keyOffset: UInt32
    public var keyLength: UInt16
    public var kind: ValueKind
    /// Boolean: 0 or 1. Long, double: their bits. String, JSON: offset of the text `<< 32 |` its length.
    public var bits: UInt64

    @inlinable
    public init(keyOffset: UInt32, keyLength: UInt16, kind: ValueKind, bits: UInt64) {
        self.keyOffset = keyOffset
        self.keyLength = keyLength
        self.kind = kind
        self.bits = bits
    }

    @inlinable public var boolean: Bool { bits != 0 }
    @inlinable public var long: Int64 { Int64(bitPattern: bits) }
    @inlinable public var double: Double { Double(bitPattern: bits) }
    @inlinable public var keyRange: Range<Int> { Int(keyOffset)..<(Int(keyOffset) + Int(keyLength)) }

    /// Of a string or JSON text.
    @inlinable
    public var textRange: Range<Int> {
        precondition(kind == .string || kind == .json, "a point without text")
        let offset = Int(bits >> 32)
        return offset..<(offset + Int(bits & 0xFFFF_FFFF))
    }
}

/// Points and the bytes that they refer to: two arrays that grow together and keep their capacity.
///
/// Holds at most 4 GiB of text. Bytes that no point refers to may lie between those that are.
public struct PointArena: Sendable {
    public var points: [PackedPoint] = []
    public var bytes: [UInt8] = []

    public init() {}

    @inlinable public var isEmpty: Bool { points.isEmpty }
    @inlinable public var count: Int { points.count }

    // MARK: - Reading

    /// Lends the key of `point` as UTF-8.
    @inlinable
    public func withKey<R>(of point: PackedPoint, _ body: (UnsafeBufferPointer<UInt8>) throws -> R) rethrows -> R {
        try bytes.withUnsafeBufferPointer { try body(UnsafeBufferPointer(rebasing: $0[point.keyRange])) }
    }

    /// Lends the text of a string or JSON point as UTF-8.
    @inlinable
    public func withText<R>(of point: PackedPoint, _ body: (UnsafeBufferPointer<UInt8>) throws -> R) rethrows -> R {
        try bytes.withUnsafeBufferPointer { try body(UnsafeBufferPointer(rebasing: $0[point.textRange])) }
    }

    public func key(of point: PackedPoint) -> String {
        withKey(of: point) { String(decoding: $0, as: UTF8.self) }
    }

    public func value(of point: PackedPoint) -> TelemetryValue {
        switch point.kind {
        case .boolean: .boolean(point.boolean)
        case .long: .long(point.long)
        case .double: .double(point.double)
        case .string: .string(withText(of: point) { String(decoding: $0, as: UTF8.self) })
        case .json: .json(withText(of: point) { String(decoding: $0, as: UTF8.self) })
        }
    }

    public func key(at index: Int) -> String { key(of: points[index]) }
    public func value(at index: Int) -> TelemetryValue { value(of: points[index]) }

    /// Copies of the points in `range`.
    public func entries(in range: Range<Int>) -> [(key: String, value: TelemetryValue)] {
        range.map { (key(at: $0), value(at: $0)) }
    }

    public var entries: [(key: String, value: TelemetryValue)] { entries(in: points.indices) }

    // MARK: - Adding and removing

    /// Appends a copy of `text` to the bytes and returns where it is.
    @inlinable
    mutating func place(_ text: UnsafeBufferPointer<UInt8>) -> UInt32 {
        let offset = bytes.count
        precondition(offset + text.count <= Int(UInt32.max), "an arena holds at most 4 GiB")
        bytes.append(contentsOf: text)
        return UInt32(truncatingIfNeeded: offset)
    }

    @usableFromInline
    mutating func place(_ text: String) -> (offset: UInt32, length: Int) {
        var text = text
        return text.withUTF8 { (place($0), $0.count) }
    }

    /// Adds a point. `key` has at most 65 535 bytes.
    public mutating func append(key: String, value: TelemetryValue) {
        let key = place(key)
        precondition(key.length <= Int(UInt16.max), "a key of \(key.length) bytes")
        let bits: UInt64
        switch value {
        case .boolean(let value): bits = value ? 1 : 0
        case .long(let value): bits = UInt64(bitPattern: value)
        case .double(let value): bits = value.bitPattern
        case .string(let value), .json(let value):
            let text = place(value)
            bits = UInt64(text.offset) << 32 | UInt64(text.length)
        }
        points.append(
            PackedPoint(keyOffset: key.offset, keyLength: UInt16(key.length), kind: value.kind, bits: bits))
    }

    /// Adds copies of the points of `other` in `range`; returns where they are here.
    @discardableResult
    public mutating func append(_ range: Range<Int>, of other: PointArena) -> Range<Int> {
        let first = points.count
        points.reserveCapacity(Swift.max(first + range.count, points.capacity))
        other.bytes.withUnsafeBufferPointer { source in
            for point in other.points[range] {
                var copy = point
                copy.keyOffset = place(UnsafeBufferPointer(rebasing: source[point.keyRange]))
                if point.kind == .string || point.kind == .json {
                    let text = place(UnsafeBufferPointer(rebasing: source[point.textRange]))
                    copy.bits = UInt64(text) << 32 | point.bits & 0xFFFF_FFFF
                }
                points.append(copy)
            }
        }
        return first..<points.count
    }

    /// Removes what was added since there were `points` points and `bytes` bytes.
    public mutating func truncate(points pointCount: Int, bytes byteCount: Int) {
        points.removeLast(points.count - pointCount)
        bytes.removeLast(bytes.count - byteCount)
    }

    /// Removes everything; keeps the memory unless it is more than `largest` bytes of text.
    public mutating func removeAll(keepingAtMost largest: Int = 1 << 20) {
        if bytes.capacity > largest {
            self = PointArena()
        } else {
            points.removeAll(keepingCapacity: true)
            bytes.removeAll(keepingCapacity: true)
        }
    }
}

/// The points of one time: one element of a telemetry payload.
@frozen
public struct TelemetryRecord: BitwiseCopyable, Sendable, Hashable {
    /// Milliseconds since 1970.
    public var timestamp: Int64
    /// Index of the first point in the arena.
    public var firstPoint: UInt32
    public var pointCount: UInt32

    @inlinable
    public init(timestamp: Int64, points: Range<Int>) {
        self.timestamp = timestamp
        firstPoint = UInt32(points.lowerBound)
        pointCount = UInt32(points.count)
    }

    @inlinable public var points: Range<Int> { Int(firstPoint)..<(Int(firstPoint) + Int(pointCount)) }
}
