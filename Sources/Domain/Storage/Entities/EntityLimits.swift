public import Model
internal import Postgres

/// How many entities of a kind a tenant may have, as its profile says (`rest-api.md` 3.1).
public struct EntityLimits: Sendable {
    private let transaction: any StatementRunner

    /// - Parameter transaction: The one that inserts the entity: what is counted stays true until its end.
    public init(_ transaction: any StatementRunner) { self.transaction = transaction }

    /// Throws ``EntityError/limitExceeded(_:limit:)`` when the tenant has as many entities of `type` as it may.
    ///
    /// Only tenants with a limit pay for it: their creations of one kind go one after the other.
    public func check(_ type: EntityType, tenant: TenantID) async throws {
        guard let (table, member) = Self.limits[type] else { return }
        let limit = try await transaction.query(
            """
            SELECT CASE WHEN jsonb_typeof(v) = 'number' THEN (v #>> '{}')::numeric::bigint ELSE 0 END
            FROM (SELECT p.profile_data -> 'configuration' -> $2 AS v
                FROM tenant t JOIN tenant_profile p ON p.id = t.tenant_profile_id WHERE t.id = $1) AS found
            """, [.id(tenant), .text(member)]
        ).first?.int8(0)
        guard let limit, limit > 0 else { return }
        _ = try await transaction.query(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, $2))",
            [.text(tenant.description), .int8(Int64(type.rawValue))])
        let count =
            try await transaction.query(
                "SELECT count(*) FROM \(table) WHERE tenant_id = $1", [.id(tenant)])[0].int8(0) ?? 0
        if count >= limit { throw EntityError.limitExceeded(type, limit: limit) }
    }

    /// Waits until nobody else chooses which one of a tenant's entities of `type` stands out. In the caller's transaction,
    /// before it looks at them.
    static func choose(_ type: EntityType, tenant: TenantID, on runner: any StatementRunner) async throws {
        _ = try await runner.query(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, $2))",
            [.text("the chosen of \(tenant)"), .int8(Int64(type.rawValue))])
    }

    private static let limits: [EntityType: (table: StaticString, member: String)] = [
        .device: ("device", "maxDevices"), .asset: ("asset", "maxAssets"), .customer: ("customer", "maxCustomers"),
        .user: ("tb_user", "maxUsers"), .dashboard: ("dashboard", "maxDashboards"),
        .ruleChain: ("rule_chain", "maxRuleChains"), .edge: ("edge", "maxEdges"),
    ]
}
