public import Model
internal import Postgres

/// Counts what a tenant has, for the limits of its profile.
public struct EntityCountRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    private static let tables: [EntityType: String] = [
        .device: "device", .asset: "asset", .customer: "customer", .user: "tb_user", .dashboard: "dashboard",
        .ruleChain: "rule_chain", .edge: "edge",
    ]

    public static func counts(_ type: EntityType) -> Bool { tables[type] != nil }

    /// Entities of a type; at most `limit` are looked at.
    public func count(_ type: EntityType, tenant: TenantID, atMost limit: Int64 = .max) async throws -> Int64 {
        guard let table = Self.tables[type] else { return 0 }
        return try await runner.query(
            "SELECT count(*) FROM (SELECT 1 FROM \(table) WHERE tenant_id = $1 LIMIT $2) AS found",
            [.id(tenant), .int8(limit)]
        ).first?.int8(0) ?? 0
    }

    /// What the latest values of a tenant's usage state say, by key.
    public func usage(tenant: TenantID, keys: [String]) async throws -> [String: Int64] {
        let rows = try await runner.query(
            """
            SELECT d.key, l.long_v FROM api_usage_state s JOIN ts_kv_latest l ON l.entity_id = s.id
            JOIN key_dictionary d ON d.key_id = l.key
            WHERE s.tenant_id = $1 AND s.entity_id = $1 AND d.key = ANY($2)
            """, [.id(tenant), .textArray(keys)])
        var usage: [String: Int64] = [:]
        for row in rows { usage[row.text(0) ?? ""] = row.int8(1) ?? 0 }
        return usage
    }
}
