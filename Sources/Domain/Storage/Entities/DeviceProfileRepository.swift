public import Model
internal import Postgres

/// Device profiles in the database. Every statement names the tenant.
public struct DeviceProfileRepository: Sendable {
    let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    public func find(_ id: DeviceProfileID, tenant: TenantID) async throws -> DeviceProfile? {
        try await one("WHERE tenant_id = $1 AND id = $2", [.id(tenant), .id(id)])
    }

    public func find(name: String, tenant: TenantID) async throws -> DeviceProfile? {
        try await one("WHERE tenant_id = $1 AND name = $2", [.id(tenant), .text(name)])
    }

    /// The profile of that provision key, which is unique in the installation.
    public func find(provisionKey: String) async throws -> DeviceProfile? {
        try await one("WHERE provision_device_key = $1", [.text(provisionKey)])
    }

    public func findDefault(tenant: TenantID) async throws -> DeviceProfile? {
        try await one("WHERE tenant_id = $1 AND is_default ORDER BY id LIMIT 1", [.id(tenant)])
    }

    private func one(_ condition: StaticString, _ parameters: [PostgresParameter]) async throws -> DeviceProfile? {
        try await runner.query("SELECT \(DeviceProfile.columns) FROM device_profile \(condition)", parameters)
            .first.map(DeviceProfile.init)
    }

    /// Whether a profile with this id belongs to another tenant.
    public func belongsToOther(_ id: DeviceProfileID, than tenant: TenantID) async throws -> Bool {
        try await !runner.query(
            "SELECT 1 FROM device_profile WHERE id = $1 AND tenant_id <> $2", [.id(id), .id(tenant)]
        ).isEmpty
    }

    /// The profile called `name`; made with default settings when there is none, also when others make it meanwhile.
    public func findOrCreate(name: String, tenant: TenantID, now: Int64) async throws -> DeviceProfile {
        if let profile = try await find(name: name, tenant: tenant) { return profile }
        let profile = DeviceProfile(id: DeviceProfileID(.ordered()), createdTime: now, tenantID: tenant, name: name)
        _ = try await runner.query(
            Self.insertion + " ON CONFLICT ON CONSTRAINT device_profile_name_unq_key DO NOTHING", parameters(profile))
        return try await find(name: name, tenant: tenant) ?? profile
    }

    private static let insertion = """
        INSERT INTO device_profile (\(DeviceProfile.columns))
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 1)
        """

    /// Inserts a new profile as version 1.
    public func insert(_ profile: DeviceProfile) async throws {
        _ = try await runner.query(Self.insertion, parameters(profile))
    }

    /// Saves a profile over the stored one; a new name becomes the type of its devices.
    ///
    /// - Parameter version: The version that it replaces; any when `nil`.
    public func update(_ profile: DeviceProfile, replacing version: Int64?) async throws -> DeviceProfile {
        let row = try await runner.updateVersioned(
            .deviceProfile, profile.id.uuid, tenant: profile.tenantID, table: "device_profile",
            """
            UPDATE device_profile SET name = $4, description = $5, image = $6, type = $7, transport_type = $8,
                provision_type = $9, profile_data = $10, provision_device_key = $11, default_rule_chain_id = $12,
                default_dashboard_id = $13, default_queue_name = $14, firmware_id = $15, software_id = $16,
                default_edge_rule_chain_id = $17, is_default = $18, external_id = coalesce($19, external_id),
                version = coalesce(version, 0) + 1
            WHERE id = $1 AND tenant_id = $3 AND ($20::bigint IS NULL OR version = $20) AND $2::bigint IS NOT NULL
            RETURNING \(DeviceProfile.columns)
            """, parameters(profile) + [.int8(version)])
        _ = try await runner.query(
            "UPDATE device SET type = $3 WHERE tenant_id = $1 AND device_profile_id = $2 AND type <> $3",
            [.id(profile.tenantID), .id(profile.id), .text(profile.name)])
        return DeviceProfile(row)
    }

    private func parameters(_ profile: DeviceProfile) -> [PostgresParameter] {
        [
            .id(profile.id), .int8(profile.createdTime), .id(profile.tenantID), .text(profile.name),
            .text(profile.description), .text(profile.image), .text(profile.type), .text(profile.transportType),
            .text(profile.provisionType), .jsonb(profile.profileData), .text(profile.provisionDeviceKey),
            .id(profile.defaultRuleChainID), .id(profile.defaultDashboardID), .text(profile.defaultQueueName),
            .id(profile.firmwareID), .id(profile.softwareID), .id(profile.defaultEdgeRuleChainID),
            .boolean(profile.isDefault), .id(profile.externalID),
        ]
    }

    /// Whether the tenant may use a queue of that name: one of its own or of the system.
    public func hasQueue(_ name: String, tenant: TenantID) async throws -> Bool {
        try await !runner.query(
            "SELECT 1 FROM queue WHERE name = $1 AND tenant_id IN ($2, $3) LIMIT 1",
            [.text(name), .id(tenant), .id(TenantID.system)]
        ).isEmpty
    }

    /// Whether devices have the profile.
    public func isInUse(_ id: DeviceProfileID, tenant: TenantID) async throws -> Bool {
        try await !runner.query(
            "SELECT 1 FROM device WHERE tenant_id = $1 AND device_profile_id = $2 LIMIT 1", [.id(tenant), .id(id)]
        ).isEmpty
    }

    /// - Returns: Whether there was one.
    public func delete(_ id: DeviceProfileID, tenant: TenantID) async throws -> Bool {
        let deleted = try await runner.query(
            "DELETE FROM device_profile WHERE id = $1 AND tenant_id = $2", [.id(id), .id(tenant)])
        guard deleted.affectedRows > 0 else { return false }
        try await EntityTraces.delete(id.entityID, on: runner)
        return true
    }

    // MARK: - Lists

    private static let sortable = [
        "createdTime": "created_time", "name": "name", "type": "type", "transportType": "transport_type",
        "description": "description", "isDefault": "is_default", "default": "is_default",
        "provisionType": "provision_type", "defaultQueueName": "default_queue_name", "version": "version",
    ]
    private static let shape = ListStatement.Shape(
        columns: DeviceProfile.columns, source: "device_profile", searched: ["name"], sortable: sortable)
    private static let infoShape = ListStatement.Shape(
        columns: DeviceProfileSummary.columns, source: "device_profile", searched: ["name"], sortable: sortable)

    public func page(tenant: TenantID, _ link: PageLink) async throws -> Page<DeviceProfile> {
        var statement = ListStatement(Self.shape)
        statement.require("tenant_id = $?", .id(tenant))
        return try await statement.page(link, on: runner, DeviceProfile.init)
    }

    public func infoPage(
        tenant: TenantID, transportType: String?, _ link: PageLink
    ) async throws -> Page<DeviceProfileSummary> {
        var statement = ListStatement(Self.infoShape)
        statement.require("tenant_id = $?", .id(tenant))
        if let transportType { statement.require("transport_type = $?", .text(transportType)) }
        return try await statement.page(link, on: runner, DeviceProfileSummary.init)
    }

    public func info(_ id: DeviceProfileID, tenant: TenantID) async throws -> DeviceProfileSummary? {
        try await runner.query(
            "SELECT \(DeviceProfileSummary.columns) FROM device_profile WHERE tenant_id = $1 AND id = $2",
            [.id(tenant), .id(id)]
        ).first.map(DeviceProfileSummary.init)
    }

    public func defaultInfo(tenant: TenantID) async throws -> DeviceProfileSummary? {
        try await runner.query(
            "SELECT \(DeviceProfileSummary.columns) FROM device_profile WHERE tenant_id = $1 AND is_default ORDER BY id LIMIT 1",
            [.id(tenant)]
        ).first.map(DeviceProfileSummary.init)
    }

    /// Id and name of all profiles by name; with `activeOnly` of those that devices have.
    public func names(tenant: TenantID, activeOnly: Bool) async throws -> [(id: DeviceProfileID, name: String)] {
        try await runner.query(
            """
            SELECT p.id, p.name FROM device_profile p
            WHERE p.tenant_id = $1 AND (NOT $2 OR EXISTS (
                SELECT 1 FROM device d WHERE d.tenant_id = $1 AND d.device_profile_id = p.id)) ORDER BY p.name
            """, [.id(tenant), .boolean(activeOnly)]
        ).map { (id: $0.entity(0), name: $0.text(1) ?? "") }
    }
}
