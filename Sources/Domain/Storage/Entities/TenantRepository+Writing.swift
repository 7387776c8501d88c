public import Model
internal import Postgres

extension TenantRepository {
    /// Makes a tenant with everything it starts with. To be run in a transaction.
    ///
    /// - Returns: The tenant as it is stored.
    public func insert(_ details: TenantCreation.Details, profile: TenantProfileID?) async throws -> Tenant? {
        var clock = EntityClock.starting()
        let creation = TenantCreation(details, profileID: profile, clock: &clock)
        for statement in creation.statements { _ = try await runner.query(statement.text, statement.parameters) }
        return try await find(creation.tenantID)
    }

    /// - Parameter version: The version that it replaces; any when `nil`.
    public func update(_ tenant: Tenant, replacing version: Int64?) async throws -> Tenant {
        let contact = tenant.contact
        let updated = try await runner.query(
            """
            UPDATE tenant SET title = $2, tenant_profile_id = $3, additional_info = $4, country = $5, state = $6,
                city = $7, address = $8, address2 = $9, zip = $10, phone = $11, email = $12,
                version = coalesce(version, 0) + 1
            WHERE id = $1 AND ($13::bigint IS NULL OR version = $13)
            """,
            [.id(tenant.id), .text(tenant.title), .id(tenant.tenantProfileID), .json(text: tenant.additionalInfo)]
                + contact.parameters + [.int8(version)])
        guard let stored = try await find(tenant.id) else { throw EntityError.notFound(.tenant, tenant.id.uuid) }
        if updated.affectedRows == 0 { throw EntityError.versionConflict(.tenant) }
        return stored
    }

    /// The tenants that have a profile.
    public func tenants(of profile: TenantProfileID) async throws -> [TenantID] {
        try await runner.query("SELECT id FROM tenant WHERE tenant_profile_id = $1 ORDER BY id", [.id(profile)])
            .compactMap { $0.id(0).map { TenantID($0) } }
    }

    public func find(_ ids: [UUID128]) async throws -> [Tenant] {
        try await runner.query(
            "SELECT \(Tenant.columns) FROM \(Self.source) WHERE t.id = ANY($1) ORDER BY t.id", [.ids(ids)]
        ).map(Tenant.init)
    }

    // MARK: - Deleting

    /// The entities of a tenant that may have telemetry.
    public func entitiesWithHistory(_ id: TenantID) async throws -> [UUID128] {
        try await runner.query(Self.owned, [.id(id)]).compactMap { $0.id(0) }
    }

    private static let owned =
        [
            "device", "asset", "entity_view", "customer", "tb_user", "dashboard", "edge", "rule_chain",
            "api_usage_state", "queue_stats",
        ]
        .map { "SELECT id FROM \($0) WHERE tenant_id = $1" }.joined(separator: " UNION ALL ") + " UNION ALL SELECT $1"

    /// Deletes a tenant and everything that belongs to it, but for telemetry history. To be run in a transaction.
    ///
    /// - Returns: Whether there was one.
    public func delete(_ id: TenantID) async throws -> Bool {
        let locked = try await runner.query("SELECT 1 FROM tenant WHERE id = $1 FOR UPDATE", [.id(id)])
        if locked.isEmpty { return false }
        for statement in Self.deletion { _ = try await runner.query(statement, [.id(id)]) }
        return true
    }

    /// In an order that no foreign key minds. Every statement names the tenant.
    private static let deletion: [String] = {
        let entities = "(\(owned))"
        let users = "(SELECT id FROM tb_user WHERE tenant_id = $1)"
        let tables = [
            "alarm", "rpc", "calculated_field", "job", "entity_view", "device", "asset", "edge", "ota_package",
            "device_profile", "asset_profile", "rule_chain", "dashboard", "widgets_bundle", "widget_type", "resource",
            "queue_stats", "notification_request", "notification_rule", "notification_template",
            "notification_target", "mobile_app_bundle", "mobile_app", "domain", "oauth2_client", "ai_model", "api_key",
            "tb_user", "customer", "api_usage_state", "admin_settings", "audit_log",
            "device_count", "asset_count",
        ]
        return [
            "DELETE FROM attribute_kv WHERE entity_id IN \(entities)",
            "DELETE FROM ts_kv_latest WHERE entity_id IN \(entities)",
            "DELETE FROM relation WHERE from_id IN \(entities) OR from_id IN (\(nodes))",
            "DELETE FROM relation WHERE to_id IN \(entities) OR to_id IN (\(nodes))",
            """
            DELETE FROM device_credentials WHERE device_id IN (SELECT id FROM device WHERE tenant_id = $1)
            """,
            """
            UPDATE device_profile SET default_rule_chain_id = NULL, default_edge_rule_chain_id = NULL,
                default_dashboard_id = NULL, firmware_id = NULL, software_id = NULL WHERE tenant_id = $1
            """,
            """
            UPDATE asset_profile SET default_rule_chain_id = NULL, default_edge_rule_chain_id = NULL,
                default_dashboard_id = NULL WHERE tenant_id = $1
            """,
            "UPDATE device SET firmware_id = NULL, software_id = NULL WHERE tenant_id = $1",
            "DELETE FROM rule_node WHERE id IN (\(nodes))",
            // What they hold is still taken out of them.
            """
            WITH gone AS (DELETE FROM queue WHERE tenant_id = $1 RETURNING \(StoredQueue.columns))
            INSERT INTO deleted_queue (\(StoredQueue.columns), deleted_time)
            SELECT \(StoredQueue.columns), (extract(epoch FROM now()) * 1000)::bigint FROM gone
            """,
            "DELETE FROM user_credentials WHERE user_id IN \(users)",
            "DELETE FROM user_auth_settings WHERE user_id IN \(users)",
        ] + tables.map { "DELETE FROM \($0) WHERE tenant_id = $1" } + ["DELETE FROM tenant WHERE id = $1"]
    }()

    private static let nodes =
        "SELECT n.id FROM rule_node n JOIN rule_chain c ON c.id = n.rule_chain_id WHERE c.tenant_id = $1"
}
