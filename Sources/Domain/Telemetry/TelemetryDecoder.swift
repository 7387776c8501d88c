import JSON

/// Reads telemetry and attribute payloads (`device-api.md` 1.3 to 1.5) into packed points.
///
/// Keep one per event loop; not safe for several threads. A payload of the usual size costs no allocation once the
/// buffers of decoder and arena have grown. U+0000 is left out of keys and texts (`persistence.md` 2).
public final class TelemetryDecoder {
    public let options: TelemetryDecodingOptions
    private let parser = JSONParser(removingNullCharacters: true)

    public init(options: TelemetryDecodingOptions = TelemetryDecodingOptions()) {
        precondition((1...21_845).contains(options.maximumKeyLength), "keys of \(options.maximumKeyLength)")
        self.options = options
    }

    /// Reads a telemetry payload: an object of keys and values, one with `ts` and `values`, or an array of both.
    ///
    /// Adds one record per object to `records`, in order, and its points to `arena`. `{}` is a record without points,
    /// `[]` no record at all.
    ///
    /// - Parameter receivedAt: The time of records that bring none, in milliseconds since 1970.
    /// - Throws: Leaves `arena` and `records` as they were.
    public func decodeTelemetry(
        _ payload: Span<UInt8>, receivedAt: Int64, into arena: inout PointArena, records: inout [TelemetryRecord]
    ) throws(TelemetryError) {
        let mark = (arena.points.count, arena.bytes.count, records.count)
        try parse(payload)
        do throws(TelemetryError) {
            try parser.withTape { tape throws(TelemetryError) in
                let reader = PointReader(options: options, tape: tape, arena: &arena)
                switch tape[0].kind {
                case .objectStart:
                    records.append(try reader.record(tape, at: 0, receivedAt: receivedAt, into: &arena))
                case .arrayStart:
                    var index = 1
                    while tape[index].kind != .arrayEnd {
                        guard tape[index].kind == .objectStart else { throw .notAnObject }
                        records.append(try reader.record(tape, at: index, receivedAt: receivedAt, into: &arena))
                        index = tape.behindValue(at: index)
                    }
                default: throw .notAnObject
                }
            }
        } catch {
            arena.truncate(points: mark.0, bytes: mark.1)
            records.removeLast(records.count - mark.2)
            throw error
        }
    }

    /// Reads an attributes payload: one object of keys and values.
    ///
    /// - Returns: Which points of `arena` they are.
    /// - Throws: Leaves `arena` as it was.
    public func decodeAttributes(
        _ payload: Span<UInt8>, into arena: inout PointArena
    ) throws(TelemetryError) -> Range<Int> {
        let mark = (arena.points.count, arena.bytes.count)
        try parse(payload)
        do throws(TelemetryError) {
            return try parser.withTape { tape throws(TelemetryError) in
                guard tape[0].kind == .objectStart else { throw .notAnObject }
                let reader = PointReader(options: options, tape: tape, arena: &arena)
                return try reader.members(tape, at: 0, into: &arena)
            }
        } catch {
            arena.truncate(points: mark.0, bytes: mark.1)
            throw error
        }
    }

    private func parse(_ payload: Span<UInt8>) throws(TelemetryError) {
        do throws(JSONError) {
            try parser.parse(payload, maximumDepth: options.maximumDepth)
        } catch {
            throw .notJSON(error)
        }
    }
}
