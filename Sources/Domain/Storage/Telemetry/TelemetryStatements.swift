/// The SQL of the write path (`persistence.md` 7). Constants: values travel as array parameters only.
enum TelemetryStatements {
    private static let values = ValueColumns.names

    /// Rows of history by COPY; fails when a key is there already.
    static func copyHistory(into table: String) -> String {
        "COPY \(table) (entity_id, key, ts, \(values)) FROM STDIN (FORMAT binary)"
    }

    /// Rows of history: $1 entity, $2 key, $3 ts, $4 ... $8 values. The last writer wins; a change of type clears the
    /// other columns.
    static let upsertHistory = """
        INSERT INTO ts_kv (entity_id, key, ts, \(values))
        SELECT * FROM unnest($1::uuid[], $2::int4[], $3::int8[], $4::bool[], $5::text[], $6::int8[], $7::float8[], $8::json[])
        ON CONFLICT (entity_id, key, ts) DO UPDATE SET
            bool_v = excluded.bool_v, str_v = excluded.str_v, long_v = excluded.long_v, dbl_v = excluded.dbl_v,
            json_v = excluded.json_v
        """

    /// Latest values, one row an entity and key, with the parameters of ``upsertHistory``. Older points change nothing.
    static func upsertLatest(byTimestamp: Bool) -> String {
        latest(firstParameter: 1, byTimestamp: byTimestamp)
    }

    /// Both in one statement, for small batches: $1 ... $8 history, $9 ... $16 latest.
    static func upsertBoth(byTimestamp: Bool) -> String {
        "WITH history AS (\(upsertHistory)) \(latest(firstParameter: 9, byTimestamp: byTimestamp))"
    }

    private static func latest(firstParameter n: Int, byTimestamp: Bool) -> String {
        """
        INSERT INTO ts_kv_latest AS stored (entity_id, key, ts, \(values), version)
        SELECT entity_id, key, ts, \(values), nextval('ts_kv_latest_version_seq')
        FROM unnest($\(n)::uuid[], $\(n + 1)::int4[], $\(n + 2)::int8[], $\(n + 3)::bool[], $\(n + 4)::text[],
                    $\(n + 5)::int8[], $\(n + 6)::float8[], $\(n + 7)::json[])
             AS given (entity_id, key, ts, \(values))
        ON CONFLICT (entity_id, key) DO UPDATE SET
            ts = excluded.ts, bool_v = excluded.bool_v, str_v = excluded.str_v, long_v = excluded.long_v,
            dbl_v = excluded.dbl_v, json_v = excluded.json_v, version = excluded.version
        \(byTimestamp ? "WHERE stored.ts <= excluded.ts" : "")
        """
    }

    /// Attributes: $1 entity, $2 scope, $3 key, $4 last update, $5 ... $9 values.
    ///
    /// - Parameter onlyChanged: Rows with the same type and value stay as they are.
    static func upsertAttributes(onlyChanged: Bool) -> String {
        let condition = """
            WHERE (stored.bool_v, stored.str_v, stored.long_v, stored.dbl_v, stored.json_v::text)
                IS DISTINCT FROM
                (excluded.bool_v, excluded.str_v, excluded.long_v, excluded.dbl_v, excluded.json_v::text)
            """
        return """
            INSERT INTO attribute_kv AS stored
                (entity_id, attribute_type, attribute_key, last_update_ts, \(values), version)
            SELECT entity_id, attribute_type, attribute_key, last_update_ts, \(values), nextval('attribute_kv_version_seq')
            FROM unnest($1::uuid[], $2::int4[], $3::int4[], $4::int8[], $5::bool[], $6::text[], $7::int8[], $8::float8[],
                        $9::json[])
                 AS given (entity_id, attribute_type, attribute_key, last_update_ts, \(values))
            ON CONFLICT (entity_id, attribute_type, attribute_key) DO UPDATE SET
                last_update_ts = excluded.last_update_ts, bool_v = excluded.bool_v, str_v = excluded.str_v,
                long_v = excluded.long_v, dbl_v = excluded.dbl_v, json_v = excluded.json_v, version = excluded.version
            \(onlyChanged ? condition : "")
            """
    }
}
