public import JSON
public import Model
internal import Postgres
public import Telemetry

/// One stored point.
public struct StoredPoint: Sendable, Equatable {
    /// Milliseconds since 1970.
    public var timestamp: Int64
    public var value: TelemetryValue

    public init(timestamp: Int64, value: TelemetryValue) {
        self.timestamp = timestamp
        self.value = value
    }
}

/// Reads and deletes time series (`persistence.md` 8 and 9.1).
///
/// Every kind of answer comes in two forms: as values, and written straight from the rows into JSON, which is what large
/// answers want.
public struct TelemetryReader: Sendable {
    let database: any TransactionRunner
    let keys = TelemetryReaderKeys()

    public init(_ database: any TransactionRunner) { self.database = database }

    // MARK: - Keys

    /// The names of all keys of an entity, in order.
    public func keyNames(entity: UUID128) async throws -> [String] {
        try await database.query(
            """
            SELECT d.key FROM ts_kv_latest l JOIN key_dictionary d ON d.key_id = l.key
            WHERE l.entity_id = $1 ORDER BY d.key COLLATE "C"
            """, [.id(entity)]
        ).map { $0.text(0) ?? "" }
    }

    // MARK: - Latest

    /// The latest values of `names`, or of all keys when `nil`.
    public func latest(entity: UUID128, keys names: [String]?) async throws -> [String: StoredPoint] {
        var points: [String: StoredPoint] = [:]
        for row in try await latestRows(entity: entity, keys: names) {
            guard let name = row.text(0), let value = row.telemetryValue(2) else { continue }
            points[name] = StoredPoint(timestamp: row.int8(1) ?? 0, value: value)
        }
        return points
    }

    /// Writes `{"key":[{"ts":1,"value":"1"}]}`. Keys that were asked for and have no data have `null` at `now`.
    public func writeLatest(
        entity: UUID128, keys names: [String]?, strict: Bool, now: Int64, to writer: inout JSONWriter
    ) async throws {
        let rows = try await latestRows(entity: entity, keys: names)
        var written: Set<String> = []
        writer.beginObject()
        for row in rows {
            let name = row.text(0) ?? ""
            if names != nil { written.insert(name) }
            writer.key(name)
            writer.array { writer in
                writer.object { writer in
                    writer.member("ts", row.int8(1))
                    writer.key("value")
                    writer.value(of: row, from: 2, strict: strict)
                }
            }
        }
        for name in names ?? [] where written.insert(name).inserted {
            writer.key(name)
            writer.array { writer in
                writer.object { writer in
                    writer.member("ts", now)
                    writer.key("value")
                    writer.null()
                }
            }
        }
        writer.endObject()
    }

    private func latestRows(entity: UUID128, keys names: [String]?) async throws -> PostgresResult {
        let statement = """
            SELECT d.key, l.ts, l.bool_v, l.str_v, l.long_v, l.dbl_v, l.json_v
            FROM ts_kv_latest l JOIN key_dictionary d ON d.key_id = l.key WHERE l.entity_id = $1
            """
        guard let names else { return try await database.query(statement, [.id(entity)]) }
        let numbers = try await keys.numbers(of: names, on: database)
        return try await database.query(
            statement + " AND l.key = ANY($2)", [.id(entity), .int4Array(Array(numbers.values))])
    }

    // MARK: - History

    /// A part of the history: raw points with `from <= ts < to`.
    public struct HistoryQuery: Sendable {
        public var from: Int64
        public var to: Int64
        /// Per key.
        public var limit: Int64
        public var ascending: Bool

        public init(from: Int64, to: Int64, limit: Int64 = 100, ascending: Bool = false) {
            self.from = from
            self.to = to
            self.limit = limit
            self.ascending = ascending
        }
    }

    /// Raw points by key; keys without any are absent.
    public func history(
        entity: UUID128, keys names: [String], _ query: HistoryQuery
    ) async throws -> [String: [StoredPoint]] {
        var points: [String: [StoredPoint]] = [:]
        let (rows, order) = try await historyRows(entity: entity, keys: names, query)
        for row in rows {
            guard let value = row.telemetryValue(2) else { continue }
            points[order[Int(row.int8(0) ?? 1) - 1], default: []]
                .append(StoredPoint(timestamp: row.int8(1) ?? 0, value: value))
        }
        return points
    }

    /// Writes `{"key":[{"ts":1,"value":"1"},...]}`; keys without points are absent.
    public func writeHistory(
        entity: UUID128, keys names: [String], _ query: HistoryQuery, strict: Bool, to writer: inout JSONWriter
    ) async throws {
        let (rows, order) = try await historyRows(entity: entity, keys: names, query)
        Self.writeSeries(rows, order, to: &writer) { row, writer in
            writer.member("ts", row.int8(1))
            writer.key("value")
            writer.value(of: row, from: 2, strict: strict)
        }
    }

    /// Writes rows whose first column is the position of their key in `order`, and which are grouped by it.
    static func writeSeries(
        _ rows: some Sequence<PostgresRow>, _ order: [String], to writer: inout JSONWriter,
        _ writePoint: (PostgresRow, inout JSONWriter) -> Void
    ) {
        var current: Int64 = 0
        writer.beginObject()
        for row in rows {
            let position = row.int8(0) ?? 1
            if position != current {
                if current != 0 { writer.endArray() }
                current = position
                writer.key(order[Int(position) - 1])
                writer.beginArray()
            }
            writer.beginObject()
            writePoint(row, &writer)
            writer.endObject()
        }
        if current != 0 { writer.endArray() }
        writer.endObject()
    }

    /// One statement for all keys. The first column counts the keys of the second part of the result.
    private func historyRows(
        entity: UUID128, keys names: [String], _ query: HistoryQuery
    ) async throws -> (PostgresResult, [String]) {
        let (order, numbers) = try await known(names)
        let direction = query.ascending ? "ASC" : "DESC"
        let rows = try await database.query(
            """
            SELECT k.position, p.ts, p.bool_v, p.str_v, p.long_v, p.dbl_v, p.json_v
            FROM unnest($2::int4[]) WITH ORDINALITY AS k (key, position)
            CROSS JOIN LATERAL (
                SELECT ts, bool_v, str_v, long_v, dbl_v, json_v FROM ts_kv
                WHERE entity_id = $1 AND key = k.key AND ts >= $3 AND ts < $4 ORDER BY ts \(direction) LIMIT $5) p
            ORDER BY k.position, p.ts \(direction)
            """,
            [.id(entity), .int4Array(numbers), .int8(query.from), .int8(query.to), .int8(max(0, query.limit))])
        return (rows, order)
    }

    /// Those of `names` that are keys at all, each once, in order, with their numbers.
    func known(_ names: [String]) async throws -> (names: [String], numbers: [Int32]) {
        let numbers = try await keys.numbers(of: names, on: database)
        var seen: Set<String> = []
        let order = names.filter { numbers[$0] != nil && seen.insert($0).inserted }
        return (order, order.compactMap { numbers[$0] })
    }
}
