import Model
import Telemetry

/// The key and value of a row; text lies in the bytes of the batch.
struct WriteValue: BitwiseCopyable, Sendable {
    var keyOffset: UInt32
    var keyLength: UInt16
    var kind: ValueKind
    /// Boolean, `Int64` or `Double` bit patterns; of text: offset in the upper, length in the lower half.
    var bits: UInt64
}

/// A row for `ts_kv` and `ts_kv_latest`.
struct TelemetryRow: BitwiseCopyable, Sendable {
    var entity: UUID128
    var timestamp: Int64
    var value: WriteValue
    var streams: TelemetryStreams.RawValue
    /// Position of its save in the batch.
    var request: UInt32
}

/// A row for `attribute_kv`.
struct AttributeRow: BitwiseCopyable, Sendable {
    var entity: UUID128
    var timestamp: Int64
    var value: WriteValue
    var scope: Int32
    var onlyChanged: Bool
    var request: UInt32
}

/// What one client saved in one tick for one writer. Filled by the client; the writer's alone once it was submitted.
final class WriteBatch: @unchecked Sendable {
    // @unchecked: handed over by `submit`, after which the client does not touch it.
    let client: any WriteClient
    var telemetry: [TelemetryRow] = []
    var attributes: [AttributeRow] = []
    var bytes: [UInt8] = []
    /// The token of each save.
    var tokens: [UInt32] = []
    /// Whose values each save writes.
    var origins: [SaveOrigin] = []

    init(client: any WriteClient) {
        self.client = client
    }

    var rowCount: Int { telemetry.count + attributes.count }

    func addTelemetry(
        entity: UUID128, timestamp: Int64, arena: borrowing PointArena, points: Range<Int>, streams: TelemetryStreams,
        origin: SaveOrigin, token: UInt32
    ) {
        let request = UInt32(tokens.count)
        tokens.append(token)
        origins.append(origin)
        for index in points {
            let row = TelemetryRow(
                entity: entity, timestamp: timestamp, value: copy(arena.points[index], of: arena),
                streams: streams.rawValue, request: request)
            telemetry.append(row)
        }
    }

    func addAttributes(
        entity: UUID128, scope: AttributeScope, timestamp: Int64, arena: borrowing PointArena, points: Range<Int>,
        onlyChanged: Bool, origin: SaveOrigin, token: UInt32
    ) {
        let request = UInt32(tokens.count)
        tokens.append(token)
        origins.append(origin)
        for index in points {
            let row = AttributeRow(
                entity: entity, timestamp: timestamp, value: copy(arena.points[index], of: arena),
                scope: scope.rawValue,
                onlyChanged: onlyChanged, request: request)
            attributes.append(row)
        }
    }

    private func copy(_ point: PackedPoint, of arena: borrowing PointArena) -> WriteValue {
        var value = WriteValue(
            keyOffset: UInt32(bytes.count), keyLength: point.keyLength, kind: point.kind, bits: point.bits)
        let key = Int(point.keyOffset)..<Int(point.keyOffset) + Int(point.keyLength)
        bytes.append(contentsOf: arena.bytes[key])
        switch point.kind {
        case .boolean, .long, .double: break
        case .string, .json:
            let offset = Int(point.bits >> 32)
            let length = Int(point.bits & 0xFFFF_FFFF)
            value.bits = UInt64(bytes.count) << 32 | UInt64(length)
            bytes.append(contentsOf: arena.bytes[offset..<offset + length])
        }
        return value
    }
}

/// Whoever is told how the saves of a batch ended. Safe from any thread.
protocol WriteClient: AnyObject, Sendable {
    func finish(_ completions: [SaveCompletion])
}
