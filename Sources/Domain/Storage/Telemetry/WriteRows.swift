import Model
import Postgres
import Telemetry

/// A row on its way into the tables, with its key's number. Telemetry has a timestamp as part of its key, attributes a scope.
struct WriteRow: BitwiseCopyable {
    var entity: UUID128
    var key: Int32
    var scope: Int32
    var timestamp: Int64
    var bits: UInt64
    /// Which batch holds the text.
    var batch: Int32
    var kind: ValueKind
    var streams: TelemetryStreams.RawValue
    var onlyChanged: Bool
    /// Order of arrival: among rows of one primary key the last one counts.
    var sequence: UInt32
}

/// The rows of the batches that one transaction takes, save by save. Owned by one writer thread; keeps its memory.
struct WriteRows {
    private(set) var batches: [WriteBatch] = []
    private(set) var telemetry: [WriteRow] = []
    private(set) var attributes: [WriteRow] = []
    /// For each save: where its rows begin in `telemetry` and `attributes`; one more entry ends the last.
    private(set) var telemetryStarts: [Int] = []
    private(set) var attributeStarts: [Int] = []

    /// Saves with a key that the database refuses; they have no rows here.
    private(set) var refusedSaves: [Int] = []

    var saveCount: Int { max(0, telemetryStarts.count - 1) }

    /// Takes the batches' rows over and looks the keys' numbers up. Blocks when the database must be asked.
    mutating func fill(
        from batches: [WriteBatch], keys: inout KeyDictionary, on connection: PostgresConnection
    ) throws(PostgresError) {
        removeAll()
        self.batches = batches
        telemetry.reserveCapacity(batches.reduce(0) { $0 + $1.telemetry.count })
        for (number, batch) in batches.enumerated() {
            try add(batch, number: Int32(number), keys: &keys, on: connection)
        }
        telemetryStarts.append(telemetry.count)
        attributeStarts.append(attributes.count)
    }

    private mutating func add(
        _ batch: WriteBatch, number: Int32, keys: inout KeyDictionary, on connection: PostgresConnection
    ) throws(PostgresError) {
        var nextTelemetry = 0
        var nextAttribute = 0
        for save in 0..<UInt32(batch.tokens.count) {
            let (firstTelemetry, firstAttribute) = (telemetry.count, attributes.count)
            telemetryStarts.append(firstTelemetry)
            attributeStarts.append(firstAttribute)
            var end = nextTelemetry
            while end < batch.telemetry.count, batch.telemetry[end].request == save { end += 1 }
            let telemetryRows = nextTelemetry..<end
            nextTelemetry = end
            end = nextAttribute
            while end < batch.attributes.count, batch.attributes[end].request == save { end += 1 }
            let attributeRows = nextAttribute..<end
            nextAttribute = end
            do throws(PostgresError) {
                try addTelemetry(telemetryRows, of: batch, number: number, keys: &keys, on: connection)
                try addAttributes(attributeRows, of: batch, number: number, keys: &keys, on: connection)
            } catch {
                guard TelemetryWriterThread.isRefusal(error) else { throw error }
                telemetry.removeSubrange(firstTelemetry...)
                attributes.removeSubrange(firstAttribute...)
                refusedSaves.append(telemetryStarts.count - 1)
            }
        }
    }

    private mutating func addTelemetry(
        _ range: Range<Int>, of batch: WriteBatch, number: Int32, keys: inout KeyDictionary,
        on connection: PostgresConnection
    ) throws(PostgresError) {
        for index in range {
            let row = batch.telemetry[index]
            let key = try Self.keyNumber(of: row.value, in: batch, keys: &keys, on: connection)
            telemetry.append(
                WriteRow(
                    entity: row.entity, key: key, scope: 0, timestamp: row.timestamp, bits: row.value.bits,
                    batch: number, kind: row.value.kind, streams: row.streams, onlyChanged: false,
                    sequence: UInt32(truncatingIfNeeded: telemetry.count)))
        }
    }

    private mutating func addAttributes(
        _ range: Range<Int>, of batch: WriteBatch, number: Int32, keys: inout KeyDictionary,
        on connection: PostgresConnection
    ) throws(PostgresError) {
        for index in range {
            let row = batch.attributes[index]
            let key = try Self.keyNumber(of: row.value, in: batch, keys: &keys, on: connection)
            attributes.append(
                WriteRow(
                    entity: row.entity, key: key, scope: row.scope, timestamp: row.timestamp, bits: row.value.bits,
                    batch: number, kind: row.value.kind, streams: 0, onlyChanged: row.onlyChanged,
                    sequence: UInt32(truncatingIfNeeded: attributes.count)))
        }
    }

    private static func keyNumber(
        of value: WriteValue, in batch: WriteBatch, keys: inout KeyDictionary, on connection: PostgresConnection
    ) throws(PostgresError) -> Int32 {
        // The outcome leaves the closure as a value, because closures over raw bytes only rethrow untyped errors.
        let outcome = batch.bytes.withUnsafeBytes { bytes -> Result<Int32, PostgresError> in
            let start = Int(value.keyOffset)
            let name = UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(value.keyLength)])
            do throws(PostgresError) {
                return .success(try keys.number(of: name, on: connection))
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    /// Lends the text of a row, `nil` when its value is not text.
    func withText<R>(of row: WriteRow, _ body: (UnsafeRawBufferPointer?) -> R) -> R {
        switch row.kind {
        case .boolean, .long, .double:
            return body(nil)
        case .string, .json:
            return batches[Int(row.batch)].bytes.withUnsafeBytes { bytes in
                let offset = Int(row.bits >> 32)
                return body(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + Int(row.bits & 0xFFFF_FFFF)]))
            }
        }
    }

    mutating func removeAll() {
        batches = []
        refusedSaves.removeAll(keepingCapacity: true)
        telemetry.removeAll(keepingCapacity: true)
        attributes.removeAll(keepingCapacity: true)
        telemetryStarts.removeAll(keepingCapacity: true)
        attributeStarts.removeAll(keepingCapacity: true)
    }
}
