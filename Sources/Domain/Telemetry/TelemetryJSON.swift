public import JSON

/// Points and values as JSON text.
public enum TelemetryJSON {
    /// Appends the points as one flat object: the data of a rule-engine message.
    ///
    /// Doubles are written with all digits and a fraction, so that reading the text again gives the same types.
    public static func write(_ points: Range<Int>, of arena: PointArena, into bytes: inout [UInt8]) {
        JSONWriter.append(to: &bytes) { writer in
            writer.beginObject()
            for point in arena.points[points] {
                arena.withKey(of: point) { writer.key(utf8: $0) }
                write(point, of: arena, doubles: .plain, to: &writer)
            }
            writer.endObject()
        }
    }

    /// Writes the value of one point with its type.
    public static func write(
        _ point: PackedPoint, of arena: PointArena, doubles: JSONNumber.DoubleForm, to writer: inout JSONWriter
    ) {
        switch point.kind {
        case .boolean: writer.value(point.boolean)
        case .long: writer.value(point.long)
        case .double: writer.value(point.double, as: doubles)
        case .string: arena.withText(of: point) { writer.value(utf8: $0) }
        case .json: arena.withText(of: point) { writer.raw($0) }
        }
    }
}

extension TelemetryValue {
    /// The value as text, as REST shows it when types are not asked for (`rest-api.md` 4.9).
    public var text: String {
        switch self {
        case .boolean(let value): return value ? "true" : "false"
        case .long(let value): return String(value)
        case .double(let value):
            guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity" }
            var bytes: [UInt8] = []
            JSONNumber.append(value, as: .scientific, to: &bytes)
            return String(decoding: bytes, as: UTF8.self)
        case .string(let value), .json(let value): return value
        }
    }

    /// The value with its type, in memory.
    public var jsonValue: JSONValue {
        switch self {
        case .boolean(let value): .bool(value)
        case .long(let value): .integer(value)
        case .double(let value): value.isFinite ? .double(value) : .null
        case .string(let value): .string(value)
        // Text that did not come through a decoder may be anything.
        case .json(let text): (try? JSONValue.parse(text)) ?? .string(text)
        }
    }
}

extension JSONWriter {
    /// Writes the value with its type; JSON texts are embedded as they are.
    public mutating func value(_ value: TelemetryValue) {
        switch value {
        case .boolean(let value): self.value(value)
        case .long(let value): self.value(value)
        case .double(let value): self.value(value)
        case .string(let value): self.value(value)
        case .json(let text): raw(text)
        }
    }
}
