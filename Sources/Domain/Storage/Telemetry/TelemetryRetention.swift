internal import Model
internal import Postgres

/// Removes telemetry that is older than its time to live (`persistence.md` 9.3, 9.4). Latest values stay.
public struct TelemetryRetention: Sendable {
    private let runner: any TransactionRunner

    public init(_ runner: any TransactionRunner) { self.runner = runner }

    /// An owner of devices and assets with the seconds that their history is kept; 0 is for ever.
    private struct Owner {
        var id: UUID128
        var seconds: Int64

        init(_ row: PostgresRow) {
            id = row.id(0) ?? .null
            // Beyond a few thousand years nothing is ever old.
            seconds = min(row.int8(1) ?? 0, 1_000_000_000_000)
        }
    }

    /// The number in attribute `TTL` of the entity in column `id` of `owner`; else the parameter.
    private static func seconds(of owner: StaticString, else parameter: StaticString) -> String {
        """
        coalesce((SELECT coalesce(a.long_v, least(greatest(a.dbl_v, 0), 1e12)::int8) FROM attribute_kv a
            JOIN key_dictionary k ON k.key_id = a.attribute_key
            WHERE k.key = 'TTL' AND a.entity_id = \(owner).id AND coalesce(a.long_v, a.dbl_v) IS NOT NULL LIMIT 1),
            \(parameter))
        """
    }

    /// Drops whole partitions that the system's time to live has passed, then rows of devices and assets by the time of
    /// their tenant or customer, and statistics of queues by the profile of their tenant.
    ///
    /// - Parameters:
    ///   - now: Milliseconds since 1970.
    ///   - systemSeconds: Of whoever has no attribute `TTL`; 0 for ever.
    public func expire(now: Int64, systemSeconds: Int64) async throws -> (partitions: Int, rows: Int) {
        var partitions = 0
        if systemSeconds > 0 {
            partitions = try await PartitionRetention(runner: runner).drop(
                of: "ts_kv", endingBefore: now - systemSeconds * 1000)
        }
        let tenants = try await runner.query(
            "SELECT t.id, \(Self.seconds(of: "t", else: "$1")) FROM tenant t ORDER BY t.id", [.int8(systemSeconds)]
        ).map(Owner.init)
        var rows = try await expireStatistics(now: now)
        for tenant in tenants {
            rows += try await delete(tenant, customer: nil, now: now)
            let customers = try await runner.query(
                "SELECT c.id, \(Self.seconds(of: "c", else: "$2")) FROM customer c WHERE c.tenant_id = $1 ORDER BY c.id",
                [.id(tenant.id), .int8(tenant.seconds)]
            ).map(Owner.init)
            for customer in customers { rows += try await delete(tenant, customer: customer, now: now) }
        }
        return (partitions, rows)
    }

    /// Statistics of queues, and the errors among them, that are older than the profile of their tenant keeps them
    /// (`rule-engine.md` 5.11); 0 keeps them for ever.
    private func expireStatistics(now: Int64) async throws -> Int {
        try await runner.inTransaction { transaction in
            _ = try await transaction.query("SET LOCAL statement_timeout = '1h'", [])
            return try await transaction.query(
                """
                WITH kept AS (
                    SELECT l.entity_id, l.key, p.profile_data #> ARRAY['configuration', CASE d.key
                        WHEN 'ruleEngineException' THEN 'ruleEngineExceptionsTtlDays' ELSE 'queueStatsTtlDays' END] AS days
                    FROM queue_stats q JOIN tenant t ON t.id = q.tenant_id
                    JOIN tenant_profile p ON p.id = t.tenant_profile_id
                    JOIN ts_kv_latest l ON l.entity_id = q.id JOIN key_dictionary d ON d.key_id = l.key)
                DELETE FROM ts_kv v USING kept WHERE v.entity_id = kept.entity_id AND v.key = kept.key
                    AND v.ts < CASE WHEN jsonb_typeof(kept.days) = 'number' AND kept.days > '0'::jsonb
                        THEN $1 - least(kept.days::numeric, 1e6)::int8 * 86400000 ELSE 0 END
                """, [.int8(now)]
            ).affectedRows
        }
    }

    /// Rows of a customer with its devices and assets, or of those of a tenant that no customer has.
    private func delete(_ tenant: Owner, customer: Owner?, now: Int64) async throws -> Int {
        let seconds = customer?.seconds ?? tenant.seconds
        guard seconds > 0 else { return 0 }
        let oldest = now - seconds * 1000
        return try await runner.inTransaction { transaction in
            _ = try await transaction.query("SET LOCAL statement_timeout = '1h'", [])
            return try await transaction.query(
                """
                DELETE FROM ts_kv WHERE ts < $3 AND entity_id IN (
                    SELECT id FROM device WHERE tenant_id = $1 AND coalesce(customer_id, $4) = $2
                    UNION ALL SELECT id FROM asset WHERE tenant_id = $1 AND coalesce(customer_id, $4) = $2
                    UNION ALL SELECT $2 WHERE $2 <> $4)
                """,
                [
                    .id(tenant.id), .id(customer?.id ?? CustomerID.null.uuid), .int8(oldest),
                    .id(CustomerID.null.uuid),
                ]
            ).affectedRows
        }
    }
}
