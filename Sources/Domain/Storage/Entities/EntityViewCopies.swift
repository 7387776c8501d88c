internal import Model
internal import Postgres

/// What an entity view keeps of its entity: the attributes that it names, and the latest values of its series, as they are
/// when it is saved (`rest-api.md` 3.3). History is read through to the entity.
public struct EntityViewCopies: Sendable {
    private let transaction: any StatementRunner

    public init(_ transaction: any StatementRunner) { self.transaction = transaction }

    private static let scopes: [AttributeScope] = [.client, .server, .shared]

    /// Makes the copies that `view` asks for, over whatever the view has under those names.
    ///
    /// - Parameter former: The view before it was saved, whose copies go.
    public func renew(_ view: EntityView, replacing former: EntityView? = nil) async throws {
        if let former { try await remove(former) }
        for scope in Self.scopes {
            let keys = view.attributeKeys(scope)
            if keys.isEmpty { continue }
            _ = try await transaction.query(
                """
                INSERT INTO attribute_kv (entity_id, attribute_type, attribute_key, bool_v, str_v, long_v, dbl_v, json_v,
                    last_update_ts, version)
                SELECT $1, attribute_type, attribute_key, bool_v, str_v, long_v, dbl_v, json_v, last_update_ts,
                    nextval('attribute_kv_version_seq')
                FROM attribute_kv WHERE entity_id = $2 AND attribute_type = $3
                    AND attribute_key IN (SELECT key_id FROM key_dictionary WHERE key = ANY($4))
                    AND ($5 = 0 OR last_update_ts >= $5) AND ($6 = 0 OR last_update_ts <= $6)
                ON CONFLICT ON CONSTRAINT attribute_kv_pkey DO UPDATE SET bool_v = excluded.bool_v, str_v = excluded.str_v,
                    long_v = excluded.long_v, dbl_v = excluded.dbl_v, json_v = excluded.json_v,
                    last_update_ts = excluded.last_update_ts, version = excluded.version
                """, source(of: view) + [.int4(scope.rawValue), .textArray(keys)] + range(of: view))
        }
        _ = try await transaction.query(
            """
            INSERT INTO ts_kv_latest (entity_id, key, ts, bool_v, str_v, long_v, dbl_v, json_v, version)
            SELECT $1, key, ts, bool_v, str_v, long_v, dbl_v, json_v, nextval('ts_kv_latest_version_seq')
            FROM ts_kv_latest WHERE entity_id = $2
                AND key IN (SELECT key_id FROM key_dictionary WHERE key = ANY($3))
                AND ($4 = 0 OR ts >= $4) AND ($5 = 0 OR ts <= $5)
            ON CONFLICT ON CONSTRAINT ts_kv_latest_pkey DO UPDATE SET ts = excluded.ts, bool_v = excluded.bool_v,
                str_v = excluded.str_v, long_v = excluded.long_v, dbl_v = excluded.dbl_v, json_v = excluded.json_v,
                version = excluded.version
            """, source(of: view) + [.textArray(view.timeseriesKeys)] + range(of: view))
    }

    private func remove(_ view: EntityView) async throws {
        for scope in Self.scopes {
            let keys = view.attributeKeys(scope)
            if keys.isEmpty { continue }
            _ = try await transaction.query(
                """
                DELETE FROM attribute_kv WHERE entity_id = $1 AND attribute_type = $2
                    AND attribute_key IN (SELECT key_id FROM key_dictionary WHERE key = ANY($3))
                """, [.id(view.id), .int4(scope.rawValue), .textArray(keys)])
        }
        _ = try await transaction.query(
            """
            DELETE FROM ts_kv_latest WHERE entity_id = $1
                AND key IN (SELECT key_id FROM key_dictionary WHERE key = ANY($2))
            """, [.id(view.id), .textArray(view.timeseriesKeys)])
    }

    private func source(of view: EntityView) -> [PostgresParameter] { [.id(view.id), .id(view.entity.uuid)] }

    private func range(of view: EntityView) -> [PostgresParameter] { [.int8(view.startTime), .int8(view.endTime)] }
}
