internal import JSON
public import Model
internal import Postgres

extension TelemetryReader {
    /// Points of one statement. A piece of the answer is about 40 bytes a point.
    private static let pieceSize: Int64 = 5_000

    /// What ``writeHistory(entity:keys:_:strict:to:)`` writes, in pieces: for answers of any size.
    ///
    /// Each piece is a statement of its own that begins behind the last point of the one before, so no connection is
    /// held while a piece is sent. Points that are saved or deleted meanwhile may or may not be in the answer.
    ///
    /// - Parameter send: Takes the next piece of the JSON document; comes back when there is room for more.
    public func streamHistory(
        entity: UUID128, keys names: [String], _ query: HistoryQuery, strict: Bool,
        _ send: ([UInt8]) async throws -> Void
    ) async throws {
        var writer = JSONWriter()
        writer.beginObject()
        let (order, numbers) = try await known(names)
        for (name, number) in zip(order, numbers) {
            var range = query
            var isOpen = false
            while range.limit > 0 {
                let rows = try await piece(entity, number, range)
                if !isOpen, !rows.isEmpty {
                    writer.key(name)
                    writer.beginArray()
                    isOpen = true
                }
                for row in rows {
                    writer.object { writer in
                        writer.member("ts", row.int8(0))
                        writer.key("value")
                        writer.value(of: row, from: 1, strict: strict)
                    }
                }
                range.limit -= Int64(rows.rowCount)
                guard rows.rowCount == Int(Self.pieceSize), let last = rows[rows.rowCount - 1].int8(0) else { break }
                if range.ascending { range.from = last + 1 } else { range.to = last }
                try await send(writer.takeBytes())
            }
            if isOpen { writer.endArray() }
        }
        writer.endObject()
        try await send(writer.takeBytes())
    }

    private func piece(_ entity: UUID128, _ key: Int32, _ query: HistoryQuery) async throws -> PostgresResult {
        try await database.query(
            """
            SELECT ts, bool_v, str_v, long_v, dbl_v, json_v FROM ts_kv
            WHERE entity_id = $1 AND key = $2 AND ts >= $3 AND ts < $4
            ORDER BY ts \(query.ascending ? "ASC" : "DESC") LIMIT $5
            """,
            [
                .id(entity), .int4(key), .int8(query.from), .int8(query.to),
                .int8(Swift.min(query.limit, Self.pieceSize)),
            ])
    }
}
