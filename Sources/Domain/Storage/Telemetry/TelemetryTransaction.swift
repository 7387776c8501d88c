import Model
import Postgres
import Telemetry

/// Writes saves as one transaction each time. Owned by one writer thread.
///
/// Rows are sorted by primary key, so that two nodes that write the same rows cannot deadlock, and of rows with one key
/// only the last is written. History goes by COPY straight into its partition; when the primary key objects, and in small
/// batches, by an upsert.
struct TelemetryTransaction {
    private let updatesLatestByTimestamp: Bool
    private var history: [WriteRow] = []
    private var latest: [WriteRow] = []
    private var entities = PostgresArray(of: .uuid)
    private var keys = PostgresArray(of: .int4)
    private var scopes = PostgresArray(of: .int4)
    private var timestamps = PostgresArray(of: .int8)
    private var values = ValueColumns()

    /// Up to that many rows of history one upsert statement for both tables costs less than COPY's round trips.
    private static let smallBatchRows = 256

    init(updatesLatestByTimestamp: Bool) {
        self.updatesLatestByTimestamp = updatesLatestByTimestamp
    }

    /// What a transaction wrote.
    struct Summary {
        var historyRows = 0
        var latestRows = 0
        var attributeRows = 0
        var usedCopy = false
        /// COPY met a row that is there already, so the rows went by upsert.
        var repeatedRows = false
    }

    /// Writes the saves of that range and commits. Blocks.
    ///
    /// - Throws: When nothing of it is stored, or, when the connection failed at the commit, perhaps all of it; writing it
    ///   again is harmless.
    mutating func write(
        saves: Range<Int>, of rows: borrowing WriteRows, partitions: PartitionManager, now: Int64,
        on connection: PostgresConnection
    ) throws(PostgresError) -> Summary {
        let telemetry = rows.telemetryStarts[saves.lowerBound]..<rows.telemetryStarts[saves.upperBound]
        let attributes = rows.attributeStarts[saves.lowerBound]..<rows.attributeStarts[saves.upperBound]
        sort(rows.telemetry[telemetry])
        var summary = Summary(historyRows: history.count, latestRows: latest.count, attributeRows: attributes.count)
        let table = try prepareTable(partitions, now: now, on: connection)
        if history.count <= Self.smallBatchRows {
            try writeSmall(rows, attributes: attributes, on: connection)
            return summary
        }
        do throws(PostgresError) {
            try connection.execute("BEGIN")
            try copyHistory(rows, into: table, on: connection)
            try finish(rows, attributes: attributes, on: connection)
            summary.usedCopy = true
            return summary
        } catch {
            if !error.isConnectionFailure { try connection.execute("ROLLBACK") }
            guard error.isUniqueViolation else { throw error }
            summary.repeatedRows = true
        }
        try inTransaction(connection) { (self, connection) throws(PostgresError) in
            try self.upsertHistory(rows, on: connection)
            try self.upsertLatestAndAttributes(rows, attributes: attributes, on: connection)
        }
        return summary
    }

    // MARK: - Order

    /// Fills `history` and `latest`: sorted by primary key, one row a key.
    private mutating func sort(_ rows: ArraySlice<WriteRow>) {
        history.removeAll(keepingCapacity: true)
        latest.removeAll(keepingCapacity: true)
        var sorted = Array(rows)
        sorted.sort { a, b in
            if a.entity.high != b.entity.high { return a.entity.high < b.entity.high }
            if a.entity.low != b.entity.low { return a.entity.low < b.entity.low }
            if a.key != b.key { return a.key < b.key }
            if a.timestamp != b.timestamp { return a.timestamp < b.timestamp }
            return a.sequence < b.sequence
        }
        for row in sorted {
            if row.streams & TelemetryStreams.history.rawValue != 0 {
                if let last = history.last, last.entity == row.entity, last.key == row.key,
                    last.timestamp == row.timestamp
                {
                    history[history.count - 1] = row
                } else {
                    history.append(row)
                }
            }
            if row.streams & TelemetryStreams.latest.rawValue != 0 {
                if let last = latest.last, last.entity == row.entity, last.key == row.key {
                    latest[latest.count - 1] = row
                } else {
                    latest.append(row)
                }
            }
        }
    }

    /// Makes sure that the partitions of the rows exist; the table to COPY into: the partition, where all rows share one.
    private func prepareTable(
        _ partitions: PartitionManager, now: Int64, on connection: PostgresConnection
    ) throws(PostgresError) -> String {
        guard let first = history.first else { return partitions.table }
        try partitions.prepare(for: history.lazy.map(\.timestamp), now: now, on: connection)
        guard let (name, range) = partitions.partition(for: first.timestamp, now: now),
            history.allSatisfy({ $0.timestamp >= range.start && $0.timestamp < range.end })
        else { return partitions.table }
        return name
    }

    // MARK: - Statements

    private func copyHistory(
        _ rows: borrowing WriteRows, into table: String, on connection: PostgresConnection
    ) throws(PostgresError) {
        let batch = copy rows
        let history = history
        try connection.copyIn(TelemetryStatements.copyHistory(into: table)) { (writer) throws(PostgresError) in
            for row in history {
                writer.beginRow(columns: 8)
                writer.append(uuidHigh: row.entity.high, low: row.entity.low)
                writer.append(row.key)
                writer.append(row.timestamp)
                switch row.kind {
                case .boolean, .long, .double:
                    writer.append(kind: row.kind, bits: row.bits, text: nil)
                case .string, .json:
                    let bytes = batch.batches[Int(row.batch)].bytes
                    let offset = Int(row.bits >> 32)
                    let length = Int(row.bits & 0xFFFF_FFFF)
                    bytes.withUnsafeBytes {
                        writer.append(
                            kind: row.kind, bits: row.bits,
                            text: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + length]))
                    }
                }
            }
        }
    }

    private mutating func finish(
        _ rows: borrowing WriteRows, attributes: Range<Int>, on connection: PostgresConnection
    ) throws(PostgresError) {
        try upsertLatestAndAttributes(rows, attributes: attributes, on: connection)
        try connection.execute("COMMIT")
    }

    private mutating func writeSmall(
        _ rows: borrowing WriteRows, attributes: Range<Int>, on connection: PostgresConnection
    ) throws(PostgresError) {
        if attributes.isEmpty {
            if history.isEmpty, latest.isEmpty { return }
            let parameters = parameters(of: history, rows) + self.parameters(of: latest, rows)
            try connection.query(TelemetryStatements.upsertBoth(byTimestamp: updatesLatestByTimestamp), parameters)
            return
        }
        if history.isEmpty, latest.isEmpty {
            let isUniform = rows.attributes[attributes].allSatisfy {
                $0.onlyChanged == rows.attributes[attributes.lowerBound].onlyChanged
            }
            if isUniform {
                try upsertAttributes(rows, range: attributes, on: connection)
                return
            }
        }
        try inTransaction(connection) { (self, connection) throws(PostgresError) in
            if !self.history.isEmpty { try self.upsertHistory(rows, on: connection) }
            try self.upsertLatestAndAttributes(rows, attributes: attributes, on: connection)
        }
    }

    private mutating func inTransaction(
        _ connection: PostgresConnection,
        _ body: (inout TelemetryTransaction, PostgresConnection) throws(PostgresError) -> Void
    ) throws(PostgresError) {
        try connection.execute("BEGIN")
        do throws(PostgresError) {
            try body(&self, connection)
            try connection.execute("COMMIT")
        } catch {
            if !error.isConnectionFailure { try connection.execute("ROLLBACK") }
            throw error
        }
    }

    private mutating func upsertHistory(
        _ rows: borrowing WriteRows, on connection: PostgresConnection
    ) throws(PostgresError) {
        try connection.query(TelemetryStatements.upsertHistory, parameters(of: history, rows))
    }

    private mutating func upsertLatestAndAttributes(
        _ rows: borrowing WriteRows, attributes: Range<Int>, on connection: PostgresConnection
    ) throws(PostgresError) {
        if !latest.isEmpty {
            try connection.query(
                TelemetryStatements.upsertLatest(byTimestamp: updatesLatestByTimestamp), parameters(of: latest, rows))
        }
        if !attributes.isEmpty { try upsertAttributes(rows, range: attributes, on: connection) }
    }

    private mutating func parameters(of telemetry: [WriteRow], _ rows: borrowing WriteRows) -> [PostgresParameter] {
        entities.removeAll()
        keys.removeAll()
        timestamps.removeAll()
        values.removeAll()
        for row in telemetry {
            entities.append(uuidHigh: row.entity.high, low: row.entity.low)
            keys.append(row.key)
            timestamps.append(row.timestamp)
            append(row, of: rows)
        }
        return [.array(entities), .array(keys), .array(timestamps)] + values.parameters
    }

    private mutating func append(_ row: WriteRow, of rows: borrowing WriteRows) {
        rows.withText(of: row) { values.append(kind: row.kind, bits: row.bits, text: $0) }
    }

    private mutating func upsertAttributes(
        _ rows: borrowing WriteRows, range: Range<Int>, on connection: PostgresConnection
    ) throws(PostgresError) {
        var sorted = Array(rows.attributes[range])
        sorted.sort { a, b in
            if a.entity != b.entity { return a.entity < b.entity }
            if a.scope != b.scope { return a.scope < b.scope }
            if a.key != b.key { return a.key < b.key }
            return a.sequence < b.sequence
        }
        var unique: [WriteRow] = []
        for row in sorted {
            if let last = unique.last, last.entity == row.entity, last.scope == row.scope, last.key == row.key {
                unique[unique.count - 1] = row
            } else {
                unique.append(row)
            }
        }
        for onlyChanged in [false, true] {
            let chosen = unique.filter { $0.onlyChanged == onlyChanged }
            guard !chosen.isEmpty else { continue }
            entities.removeAll()
            scopes.removeAll()
            keys.removeAll()
            timestamps.removeAll()
            values.removeAll()
            for row in chosen {
                entities.append(uuidHigh: row.entity.high, low: row.entity.low)
                scopes.append(row.scope)
                keys.append(row.key)
                timestamps.append(row.timestamp)
                append(row, of: rows)
            }
            try connection.query(
                TelemetryStatements.upsertAttributes(onlyChanged: onlyChanged),
                [.array(entities), .array(scopes), .array(keys), .array(timestamps)] + values.parameters)
        }
    }
}
