import JSON

/// Turns the members of JSON objects into points of an arena.
///
/// The whole text of the document is copied into the arena once, so that keys and texts are where their tokens say, at
/// a distance of `base`: one copy instead of one for every key.
struct PointReader {
    private let options: TelemetryDecodingOptions
    private let base: UInt32

    init(options: TelemetryDecodingOptions, tape: borrowing JSONTape, arena: inout PointArena) {
        self.options = options
        base = arena.place(tape.text)
    }

    /// Reads one element of a telemetry payload, the object at `index`.
    func record(
        _ tape: borrowing JSONTape, at index: Int, receivedAt: Int64, into arena: inout PointArena
    ) throws(TelemetryError) -> TelemetryRecord {
        guard let (time, values) = timestamped(tape, at: index) else {
            return TelemetryRecord(timestamp: receivedAt, points: try members(tape, at: index, into: &arena))
        }
        guard let timestamp = timestamp(tape, time) else { throw .invalidTimestamp }
        guard tape[values].kind == .objectStart else { throw .valuesNotAnObject }
        return TelemetryRecord(timestamp: timestamp, points: try members(tape, at: values, into: &arena))
    }

    /// Indexes of the values of `ts` and `values` when the object at `index` has both.
    private func timestamped(_ tape: borrowing JSONTape, at index: Int) -> (time: Int, values: Int)? {
        guard tape[index].memberCount >= 2 else { return nil }
        var time: Int?
        var values: Int?
        var index = index + 1
        while true {
            let key = tape[index]
            guard key.kind == .key else { break }
            if key.length == 2, tape.text(of: key, equals: "ts") {
                time = index + 1
            } else if key.length == 6, tape.text(of: key, equals: "values") {
                values = index + 1
            }
            index = tape.behindValue(at: index + 1)
        }
        guard let time, let values else { return nil }
        return (time, values)
    }

    /// A number, or text that is one; a fraction is cut off.
    private func timestamp(_ tape: borrowing JSONTape, _ index: Int) -> Int64? {
        var token = tape[index]
        if token.kind == .string {
            guard let number = JSONNumber.plainDecimal(tape.text(of: token)) else { return nil }
            token = number
        }
        switch token.kind {
        case .integer: return token.integer
        case .number: return Int64(exactly: token.double.rounded(.towardZero))
        default: return nil
        }
    }

    /// Reads the members of the object at `index`; the last of several values of a key counts.
    func members(
        _ tape: borrowing JSONTape, at index: Int, into arena: inout PointArena
    ) throws(TelemetryError) -> Range<Int> {
        let first = arena.points.count
        var index = index + 1
        while true {
            let key = tape[index]
            guard key.kind == .key else { break }
            let value = index + 1
            index = tape.behindValue(at: value)
            if key.isShadowed { continue }
            try check(key, tape)
            try append(key, tape, valueAt: value, to: &arena)
        }
        return first..<arena.points.count
    }

    private func check(_ key: JSONToken, _ tape: borrowing JSONTape) throws(TelemetryError) {
        let text = tape.text(of: key)
        if text.count > options.maximumKeyLength, utf16Length(text) > options.maximumKeyLength { throw .keyTooLong }
        guard let first = text.first else { throw .blankKey }
        if first <= 0x20, text.allSatisfy({ $0 <= 0x20 }) { throw .blankKey }
    }

    private func append(
        _ key: JSONToken, _ tape: borrowing JSONTape, valueAt index: Int, to arena: inout PointArena
    ) throws(TelemetryError) {
        let token = tape[index]
        switch token.kind {
        case .true: append(key, .boolean, 1, to: &arena)
        case .false: append(key, .boolean, 0, to: &arena)
        case .integer: append(key, .long, UInt64(bitPattern: token.integer), to: &arena)
        case .number: try append(key, number: token, tape.text(of: token), to: &arena)
        case .string: try append(key, string: token, tape.text(of: token), to: &arena)
        case .objectStart, .arrayStart:
            let offset = arena.bytes.count
            tape.appendCompact(valueAt: index, to: &arena.bytes)
            append(key, .json, textFrom: offset, to: &arena)
        case .null:
            if options.nulls == .reject { throw .nullValue }
        case .key, .objectEnd, .arrayEnd:
            preconditionFailure("a \(token.kind) where a value is expected")
        }
    }

    private func append(
        _ key: JSONToken, string token: JSONToken, _ text: UnsafeBufferPointer<UInt8>, to arena: inout PointArena
    ) throws(TelemetryError) {
        let maximum = options.maximumStringLength
        if maximum > 0, text.count > maximum, utf16Length(text) > maximum { throw .stringTooLong(maximum: maximum) }
        if options.typeCast, let number = JSONNumber.plainDecimal(text) {
            return try append(key, number: number, text, to: &arena)
        }
        append(key, .string, UInt64(base + token.offset) << 32 | UInt64(token.length), to: &arena)
    }

    /// The numeric rows of `device-api.md` 1.5.
    private func append(
        _ key: JSONToken, number token: JSONToken, _ text: UnsafeBufferPointer<UInt8>, to arena: inout PointArena
    ) throws(TelemetryError) {
        if token.kind == .integer { return append(key, .long, UInt64(bitPattern: token.integer), to: &arena) }
        let simple = !token.flags.contains(.hasExponent)
        if simple, token.flags.contains(.hasFraction), token.fractionDigits <= 16, token.double.isFinite {
            return append(key, double: token.double, to: &arena)
        }
        let offset = arena.bytes.count
        switch DecimalNumber.classify(text, isSimple: simple, appendingTo: &arena.bytes) {
        case .long(let value): append(key, .long, UInt64(bitPattern: value), to: &arena)
        case .double: append(key, double: token.double, to: &arena)
        case .digits:
            guard options.typeCast else { throw .numberOutOfRange }
            append(key, .string, textFrom: offset, to: &arena)
        case .absurd: throw .numberOutOfRange
        }
    }

    // MARK: - Points

    /// There is no negative zero among values.
    private func append(_ key: JSONToken, double: Double, to arena: inout PointArena) {
        append(key, .double, double == 0 ? 0 : double.bitPattern, to: &arena)
    }

    private func append(_ key: JSONToken, _ kind: ValueKind, textFrom offset: Int, to arena: inout PointArena) {
        precondition(arena.bytes.count <= Int(UInt32.max), "an arena holds at most 4 GiB")
        append(key, kind, UInt64(offset) << 32 | UInt64(arena.bytes.count - offset), to: &arena)
    }

    @inline(__always)
    private func append(_ key: JSONToken, _ kind: ValueKind, _ bits: UInt64, to arena: inout PointArena) {
        arena.points.append(
            PackedPoint(
                keyOffset: base + key.offset, keyLength: UInt16(truncatingIfNeeded: key.length), kind: kind, bits: bits)
        )
    }
}

/// How many UTF-16 units the UTF-8 `text` has, which is how the platform counts characters.
func utf16Length(_ text: UnsafeBufferPointer<UInt8>) -> Int {
    var count = 0
    for byte in text {
        if byte & 0xC0 != 0x80 { count += 1 }
        if byte >= 0xF0 { count += 1 }
    }
    return count
}
