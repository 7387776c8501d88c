public import Model
internal import Postgres

extension DeviceRepository {
    /// What a device can be told to install.
    public enum PackageKind: String, Sendable {
        case firmware = "FIRMWARE"
        case software = "SOFTWARE"
    }

    /// The devices of a profile that have no package of their own.
    public func count(
        without package: PackageKind, profile: DeviceProfileID, tenant: TenantID, customer: CustomerID?
    ) async throws -> Int64 {
        let column: StaticString = package == .firmware ? "firmware_id" : "software_id"
        return try await runner.query(
            """
            SELECT count(*) FROM device
            WHERE tenant_id = $1 AND device_profile_id = $2 AND \(column) IS NULL
                AND ($3::uuid IS NULL OR customer_id = $3)
            """, [.id(tenant), .id(profile), .id(customer?.uuid)])[0].int8(0) ?? 0
    }

    /// Gives a device to another tenant: without customer and packages, with a profile of that tenant.
    ///
    /// - Returns: The device; `nil` when it does not belong to the first tenant.
    public func move(
        _ id: DeviceID, from tenant: TenantID, to target: TenantID, profile: DeviceProfile
    ) async throws -> Device? {
        try await runner.query(
            """
            UPDATE device d SET tenant_id = $3, customer_id = $4, device_profile_id = $5, type = $6, firmware_id = NULL,
                software_id = NULL, external_id = NULL, version = coalesce(d.version, 0) + 1
            WHERE d.id = $1 AND d.tenant_id = $2 RETURNING \(Device.columns)
            """,
            [.id(id), .id(tenant), .id(target), .id(CustomerID.null), .id(profile.id), .text(profile.name)]
        ).first.map(Device.init)
    }

    /// Assigns a device to a customer unless it belongs to one.
    ///
    /// - Returns: The device; `nil` when it does.
    public func claim(_ id: DeviceID, tenant: TenantID, customer: CustomerID) async throws -> Device? {
        try await runner.query(
            """
            UPDATE device d SET customer_id = $3, version = coalesce(d.version, 0) + 1
            WHERE d.id = $1 AND d.tenant_id = $2 AND d.customer_id = $4 AND \(CustomerRepository.isThere("$3"))
            RETURNING \(Device.columns)
            """, [.id(id), .id(tenant), .id(customer), .id(CustomerID.null)]
        ).first.map(Device.init)
    }

    /// Devices that stand for all of a profile when their keys are gathered.
    private static let sample: Int64 = 100

    /// The names of the time series that the newest devices of a profile (or of the tenant) have, in order.
    public func timeseriesKeys(profile: DeviceProfileID?, tenant: TenantID) async throws -> [String] {
        try await keys("ts_kv_latest", "key", profile, tenant)
    }

    /// The names of the attributes that the newest devices of a profile (or of the tenant) have, in order.
    public func attributeKeys(profile: DeviceProfileID?, tenant: TenantID) async throws -> [String] {
        try await keys("attribute_kv", "attribute_key", profile, tenant)
    }

    private func keys(
        _ table: StaticString, _ column: StaticString, _ profile: DeviceProfileID?, _ tenant: TenantID
    ) async throws -> [String] {
        try await runner.query(
            """
            SELECT d.key FROM key_dictionary d WHERE d.key_id IN (
                SELECT t.\(column) FROM \(table) t WHERE t.entity_id IN (
                    SELECT id FROM device WHERE tenant_id = $1 AND ($2::uuid IS NULL OR device_profile_id = $2)
                    ORDER BY id DESC LIMIT $3))
            ORDER BY d.key COLLATE "C"
            """, [.id(tenant), .id(profile?.uuid), .int8(Self.sample)]
        ).map { $0.text(0) ?? "" }
    }
}

extension DeviceProfileRepository {
    /// Makes a profile the tenant's default in place of the one that is. To be run in a transaction.
    public func makeDefault(_ id: DeviceProfileID, tenant: TenantID) async throws -> DeviceProfile? {
        try await EntityLimits.choose(.deviceProfile, tenant: tenant, on: runner)
        _ = try await runner.query(
            """
            UPDATE device_profile SET is_default = false, version = coalesce(version, 0) + 1
            WHERE tenant_id = $1 AND is_default AND id <> $2
            """, [.id(tenant), .id(id)])
        return try await runner.query(
            """
            UPDATE device_profile SET is_default = true, version = coalesce(version, 0) + 1
            WHERE tenant_id = $1 AND id = $2 RETURNING \(DeviceProfile.columns)
            """, [.id(tenant), .id(id)]
        ).first.map(DeviceProfile.init)
    }

    /// Those of `ids` that belong to the tenant.
    public func infos(_ ids: [UUID128], tenant: TenantID) async throws -> [DeviceProfileSummary] {
        try await runner.query(
            """
            SELECT \(DeviceProfileSummary.columns) FROM device_profile WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id
            """, [.id(tenant), .ids(ids)]
        ).map(DeviceProfileSummary.init)
    }
}
