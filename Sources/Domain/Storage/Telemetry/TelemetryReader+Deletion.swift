public import Model
internal import Postgres

extension TelemetryReader {
    /// What to delete of some keys (`persistence.md` 9.1).
    public struct Deletion: Sendable {
        /// Points with `from <= ts < to` go.
        public var from: Int64
        public var to: Int64
        /// Whether the latest value goes too if its time lies in the range.
        public var includesLatest: Bool
        /// Whether the newest point in front of the range becomes the latest value then.
        public var rewritesLatest: Bool

        public init(from: Int64, to: Int64, includesLatest: Bool = true, rewritesLatest: Bool = false) {
            self.from = from
            self.to = to
            self.includesLatest = includesLatest
            self.rewritesLatest = rewritesLatest
        }
    }

    /// Deletes points of an entity, in one transaction. Unknown keys are passed over.
    public func delete(
        entity: UUID128, keys names: [String], _ deletion: Deletion, origin: SaveOrigin = .system
    ) async throws {
        let numbers = try await known(names).numbers
        guard !numbers.isEmpty else { return }
        let range: [PostgresParameter] = [.id(entity), .int4Array(numbers), .int8(deletion.from), .int8(deletion.to)]
        try await database.inTransaction { transaction in
            _ = try await transaction.query(
                "DELETE FROM ts_kv WHERE entity_id = $1 AND key = ANY($2) AND ts >= $3 AND ts < $4", range)
            guard deletion.includesLatest else { return }
            let removed = try await transaction.query(
                """
                DELETE FROM ts_kv_latest WHERE entity_id = $1 AND key = ANY($2) AND ts >= $3 AND ts < $4
                RETURNING key, nextval('ts_kv_latest_version_seq')
                """, range)
            guard deletion.rewritesLatest, !removed.isEmpty else { return }
            _ = try await transaction.query(
                """
                INSERT INTO ts_kv_latest (entity_id, key, ts, bool_v, str_v, long_v, dbl_v, json_v, version)
                SELECT $1, k.key, p.ts, p.bool_v, p.str_v, p.long_v, p.dbl_v, p.json_v,
                    nextval('ts_kv_latest_version_seq')
                FROM unnest($2::int4[]) AS k (key) CROSS JOIN LATERAL (
                    SELECT * FROM ts_kv WHERE entity_id = $1 AND key = k.key AND ts < $3 ORDER BY ts DESC LIMIT 1) p
                ON CONFLICT (entity_id, key) DO NOTHING
                """, [.id(entity), .int4Array(removed.compactMap { $0.int4(0) }), .int8(deletion.from)])
        }
        database.announce {
            CommittedChange(origin: origin, entity: entity, content: .timeseriesDeleted(keys: names))
        }
    }
}
