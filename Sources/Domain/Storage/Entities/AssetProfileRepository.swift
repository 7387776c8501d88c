public import Model
internal import Postgres

/// Asset profiles in the database. Every statement names the tenant.
public struct AssetProfileRepository: Sendable {
    private let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    public func find(_ id: AssetProfileID, tenant: TenantID) async throws -> AssetProfile? {
        try await one("WHERE tenant_id = $1 AND id = $2", [.id(tenant), .id(id)])
    }

    public func find(name: String, tenant: TenantID) async throws -> AssetProfile? {
        try await one("WHERE tenant_id = $1 AND name = $2", [.id(tenant), .text(name)])
    }

    public func findDefault(tenant: TenantID) async throws -> AssetProfile? {
        try await one("WHERE tenant_id = $1 AND is_default ORDER BY id LIMIT 1", [.id(tenant)])
    }

    private func one(_ condition: StaticString, _ parameters: [PostgresParameter]) async throws -> AssetProfile? {
        try await runner.query("SELECT \(AssetProfile.columns) FROM asset_profile \(condition)", parameters)
            .first.map(AssetProfile.init)
    }

    /// Whether a profile with this id belongs to another tenant.
    public func belongsToOther(_ id: AssetProfileID, than tenant: TenantID) async throws -> Bool {
        try await !runner.query(
            "SELECT 1 FROM asset_profile WHERE id = $1 AND tenant_id <> $2", [.id(id), .id(tenant)]
        ).isEmpty
    }

    /// The profile called `name`; made with default settings when there is none, also when others make it meanwhile.
    public func findOrCreate(name: String, tenant: TenantID, now: Int64) async throws -> AssetProfile {
        if let profile = try await find(name: name, tenant: tenant) { return profile }
        let profile = AssetProfile(id: AssetProfileID(.ordered()), createdTime: now, tenantID: tenant, name: name)
        _ = try await runner.query(
            Self.insertion + " ON CONFLICT ON CONSTRAINT asset_profile_name_unq_key DO NOTHING", parameters(profile))
        return try await find(name: name, tenant: tenant) ?? profile
    }

    private static let insertion = """
        INSERT INTO asset_profile (\(AssetProfile.columns))
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1)
        """

    /// Inserts a new profile as version 1.
    public func insert(_ profile: AssetProfile) async throws {
        _ = try await runner.query(Self.insertion, parameters(profile))
    }

    /// Saves a profile over the stored one; a new name becomes the type of its assets.
    ///
    /// - Parameter version: The version that it replaces; any when `nil`.
    public func update(_ profile: AssetProfile, replacing version: Int64?) async throws -> AssetProfile {
        let row = try await runner.updateVersioned(
            .assetProfile, profile.id.uuid, tenant: profile.tenantID, table: "asset_profile",
            """
            UPDATE asset_profile SET name = $4, description = $5, image = $6, default_rule_chain_id = $7,
                default_dashboard_id = $8, default_queue_name = $9, default_edge_rule_chain_id = $10, is_default = $11,
                external_id = coalesce($12, external_id), version = coalesce(version, 0) + 1
            WHERE id = $1 AND tenant_id = $3 AND ($13::bigint IS NULL OR version = $13) AND $2::bigint IS NOT NULL
            RETURNING \(AssetProfile.columns)
            """, parameters(profile) + [.int8(version)])
        _ = try await runner.query(
            "UPDATE asset SET type = $3 WHERE tenant_id = $1 AND asset_profile_id = $2 AND type <> $3",
            [.id(profile.tenantID), .id(profile.id), .text(profile.name)])
        return AssetProfile(row)
    }

    private func parameters(_ profile: AssetProfile) -> [PostgresParameter] {
        [
            .id(profile.id), .int8(profile.createdTime), .id(profile.tenantID), .text(profile.name),
            .text(profile.description), .text(profile.image), .id(profile.defaultRuleChainID),
            .id(profile.defaultDashboardID), .text(profile.defaultQueueName), .id(profile.defaultEdgeRuleChainID),
            .boolean(profile.isDefault), .id(profile.externalID),
        ]
    }

    /// Makes a profile the tenant's default in place of the one that is. To be run in a transaction.
    public func makeDefault(_ id: AssetProfileID, tenant: TenantID) async throws -> AssetProfile? {
        try await EntityLimits.choose(.assetProfile, tenant: tenant, on: runner)
        _ = try await runner.query(
            """
            UPDATE asset_profile SET is_default = false, version = coalesce(version, 0) + 1
            WHERE tenant_id = $1 AND is_default AND id <> $2
            """, [.id(tenant), .id(id)])
        return try await runner.query(
            """
            UPDATE asset_profile SET is_default = true, version = coalesce(version, 0) + 1
            WHERE tenant_id = $1 AND id = $2 RETURNING \(AssetProfile.columns)
            """, [.id(tenant), .id(id)]
        ).first.map(AssetProfile.init)
    }

    /// Whether assets have the profile.
    public func isInUse(_ id: AssetProfileID, tenant: TenantID) async throws -> Bool {
        try await !runner.query(
            "SELECT 1 FROM asset WHERE tenant_id = $1 AND asset_profile_id = $2 LIMIT 1", [.id(tenant), .id(id)]
        ).isEmpty
    }

    /// - Returns: Whether there was one.
    public func delete(_ id: AssetProfileID, tenant: TenantID) async throws -> Bool {
        let deleted = try await runner.query(
            "DELETE FROM asset_profile WHERE id = $1 AND tenant_id = $2", [.id(id), .id(tenant)])
        guard deleted.affectedRows > 0 else { return false }
        try await EntityTraces.delete(id.entityID, on: runner)
        return true
    }

    // MARK: - Lists

    private static let sortable = [
        "createdTime": "created_time", "name": "name", "description": "description", "isDefault": "is_default",
        "default": "is_default",
    ]
    private static let shape = ListStatement.Shape(
        columns: AssetProfile.columns, source: "asset_profile", searched: ["name"], sortable: sortable)
    private static let infoShape = ListStatement.Shape(
        columns: AssetProfileSummary.columns, source: "asset_profile", searched: ["name"], sortable: sortable)

    public func page(tenant: TenantID, _ link: PageLink) async throws -> Page<AssetProfile> {
        var statement = ListStatement(Self.shape)
        statement.require("tenant_id = $?", .id(tenant))
        return try await statement.page(link, on: runner, AssetProfile.init)
    }

    public func infoPage(tenant: TenantID, _ link: PageLink) async throws -> Page<AssetProfileSummary> {
        var statement = ListStatement(Self.infoShape)
        statement.require("tenant_id = $?", .id(tenant))
        return try await statement.page(link, on: runner, AssetProfileSummary.init)
    }

    /// Those of `ids` that belong to the tenant.
    public func infos(_ ids: [UUID128], tenant: TenantID) async throws -> [AssetProfileSummary] {
        try await runner.query(
            """
            SELECT \(AssetProfileSummary.columns) FROM asset_profile WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id
            """, [.id(tenant), .ids(ids)]
        ).map(AssetProfileSummary.init)
    }

    public func info(_ id: AssetProfileID, tenant: TenantID) async throws -> AssetProfileSummary? {
        try await infos([id.uuid], tenant: tenant).first
    }

    public func defaultInfo(tenant: TenantID) async throws -> AssetProfileSummary? {
        try await runner.query(
            """
            SELECT \(AssetProfileSummary.columns) FROM asset_profile
            WHERE tenant_id = $1 AND is_default ORDER BY id LIMIT 1
            """, [.id(tenant)]
        ).first.map(AssetProfileSummary.init)
    }

    /// Id and name of all profiles by name; with `activeOnly` of those that assets have.
    public func names(tenant: TenantID, activeOnly: Bool) async throws -> [(id: AssetProfileID, name: String)] {
        try await runner.query(
            """
            SELECT p.id, p.name FROM asset_profile p
            WHERE p.tenant_id = $1 AND (NOT $2 OR EXISTS (
                SELECT 1 FROM asset s WHERE s.tenant_id = $1 AND s.asset_profile_id = p.id)) ORDER BY p.name
            """, [.id(tenant), .boolean(activeOnly)]
        ).map { (id: $0.entity(0), name: $0.text(1) ?? "") }
    }
}
