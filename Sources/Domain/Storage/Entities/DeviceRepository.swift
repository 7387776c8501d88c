public import Model
internal import Postgres

/// Devices in the database. Every statement names the tenant.
public struct DeviceRepository: Sendable {
    let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    // MARK: - One

    public func find(_ id: DeviceID, tenant: TenantID) async throws -> Device? {
        try await runner.query(
            "SELECT \(Device.columns) FROM device d WHERE d.id = $1 AND d.tenant_id = $2", [.id(id), .id(tenant)]
        ).first.map(Device.init)
    }

    public func find(name: String, tenant: TenantID) async throws -> Device? {
        try await runner.query(
            "SELECT \(Device.columns) FROM device d WHERE d.tenant_id = $1 AND d.name = $2", [.id(tenant), .text(name)]
        ).first.map(Device.init)
    }

    /// Those of the tenant with one of these names.
    public func find(names: [String], tenant: TenantID) async throws -> [Device] {
        try await runner.query(
            "SELECT \(Device.columns) FROM device d WHERE d.tenant_id = $1 AND d.name = ANY($2)",
            [.id(tenant), .textArray(names)]
        ).map(Device.init)
    }

    public func info(_ id: DeviceID, tenant: TenantID) async throws -> DeviceSummary? {
        try await runner.query(
            "SELECT \(DeviceSummary.columns) FROM \(DeviceSummary.source) WHERE d.id = $1 AND d.tenant_id = $2",
            [.id(id), .id(tenant)]
        ).first.map(DeviceSummary.init)
    }

    /// Those of `ids` that belong to the tenant, and to `customer` if one is given.
    public func find(_ ids: [UUID128], tenant: TenantID, customer: CustomerID?) async throws -> [Device] {
        try await runner.query(
            """
            SELECT \(Device.columns) FROM device d
            WHERE d.tenant_id = $1 AND d.id = ANY($2) AND ($3::uuid IS NULL OR d.customer_id = $3) ORDER BY d.id
            """, [.id(tenant), .ids(ids), .id(customer?.uuid)]
        ).map(Device.init)
    }

    /// Inserts a new device as version 1.
    public func insert(_ device: Device) async throws {
        _ = try await runner.query(
            """
            INSERT INTO device (id, created_time, tenant_id, customer_id, name, type, label, device_profile_id,
                device_data, firmware_id, software_id, external_id, additional_info, version)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1)
            """, parameters(device))
    }

    /// Saves a device over the stored one.
    ///
    /// - Parameter version: The version that it replaces; any when `nil`.
    /// - Returns: The device with its new version.
    public func update(_ device: Device, replacing version: Int64?) async throws -> Device {
        let row = try await runner.updateVersioned(
            .device, device.id.uuid, tenant: device.tenantID, table: "device",
            """
            UPDATE device d SET customer_id = $4, name = $5, type = $6, label = $7, device_profile_id = $8,
                device_data = $9, firmware_id = $10, software_id = $11, external_id = coalesce($12, d.external_id),
                additional_info = $13, version = coalesce(d.version, 0) + 1
            WHERE d.id = $1 AND d.tenant_id = $3 AND ($14::bigint IS NULL OR d.version = $14) AND $2::bigint IS NOT NULL
            RETURNING \(Device.columns)
            """, parameters(device) + [.int8(version)])
        return Device(row)
    }

    func parameters(_ device: Device) -> [PostgresParameter] {
        [
            .id(device.id), .int8(device.createdTime), .id(device.tenantID), .id(device.customerID), .text(device.name),
            .text(device.type), .text(device.label), .id(device.deviceProfileID), .jsonb(device.deviceData),
            .id(device.firmwareID), .id(device.softwareID), .id(device.externalID), .json(text: device.additionalInfo),
        ]
    }

    /// Sets one member of the additional information, which becomes an object if it was none.
    public func setAdditionalInfo(_ id: DeviceID, tenant: TenantID, key: String, value: String) async throws {
        _ = try await runner.query(
            """
            UPDATE device SET version = coalesce(version, 0) + 1, additional_info = (CASE
                WHEN additional_info IS NULL OR additional_info = '' OR jsonb_typeof(additional_info::jsonb) <> 'object'
                THEN '{}'::jsonb ELSE additional_info::jsonb END || jsonb_build_object($3::text, $4::text))::text
            WHERE id = $1 AND tenant_id = $2
            """, [.id(id), .id(tenant), .text(key), .text(value)])
    }

    /// Keeps others from changing the device until the end of the transaction.
    public func lock(_ id: DeviceID, tenant: TenantID) async throws {
        _ = try await runner.query(
            "SELECT 1 FROM device WHERE id = $1 AND tenant_id = $2 FOR UPDATE", [.id(id), .id(tenant)])
    }

    /// Assigns a device to a customer, or to nobody (the null id).
    public func assign(_ id: DeviceID, tenant: TenantID, customer: CustomerID) async throws -> Device? {
        try await runner.query(
            """
            UPDATE device d SET customer_id = $3, version = coalesce(d.version, 0) + 1
            WHERE d.id = $1 AND d.tenant_id = $2 AND \(CustomerRepository.isThere("$3"))
            RETURNING \(Device.columns)
            """, [.id(id), .id(tenant), .id(customer)]
        ).first.map(Device.init)
    }

    /// Whether something that stands on the device forbids its deletion.
    public func isReferenced(_ id: DeviceID, tenant: TenantID) async throws -> Bool {
        let result = try await runner.query(
            """
            SELECT EXISTS (SELECT 1 FROM entity_view WHERE tenant_id = $2 AND entity_id = $1)
                OR EXISTS (SELECT 1 FROM calculated_field
                    WHERE tenant_id = $2 AND entity_id <> $1 AND strpos(configuration, $3) > 0)
            """, [.id(id), .id(tenant), .text(id.description)])
        return result[0].bool(0) ?? false
    }

    /// Deletes the device with its credentials and all that is kept about it. The history of its telemetry is left to
    /// ``deleteHistory(of:tenant:)``.
    ///
    /// - Returns: Whether there was one.
    public func delete(_ id: DeviceID, tenant: TenantID) async throws -> Bool {
        let deleted = try await runner.query(
            "DELETE FROM device WHERE id = $1 AND tenant_id = $2", [.id(id), .id(tenant)])
        guard deleted.affectedRows > 0 else { return false }
        _ = try await runner.query("DELETE FROM device_credentials WHERE device_id = $1", [.id(id)])
        try await EntityTraces.delete(id.entityID, on: runner)
        return true
    }

    // MARK: - Lists

    private static let byProfile = ListStatement.Related(
        found: "SELECT id FROM device_profile WHERE tenant_id = $1 AND name ILIKE $2",
        condition: "d.device_profile_id = ANY($?)")
    private static let byCustomer = ListStatement.Related(
        found: "SELECT id FROM customer WHERE tenant_id = $1 AND title ILIKE $2", condition: "d.customer_id = ANY($?)")

    /// A device's type is the name of its profile, so it is searched in the profiles, which are few.
    static let shape = ListStatement.Shape(
        columns: Device.columns, source: "device d LEFT JOIN customer c ON c.id = d.customer_id", id: "d.id",
        searched: ["d.name", "d.label"], sortable: sortable, searchedThrough: [byProfile], counted: "device d",
        tally: "device_count d", indexed: "d", neverNull: neverNull)

    private static let infoShape = ListStatement.Shape(
        columns: DeviceSummary.columns, source: DeviceSummary.source, id: "d.id", searched: ["d.name", "d.label"],
        sortable: sortable.merging(["active": "coalesce(a.bool_v, false)"]) { first, _ in first },
        searchedThrough: [byProfile, byCustomer], counted: "device d", tally: "device_count d",
        indexed: "d", neverNull: neverNull.union(["active"]))

    private static let neverNull: Set<String> = ["createdTime", "name", "type", "deviceProfileName"]
    private static let sortable = [
        "createdTime": "d.created_time", "name": "d.name", "type": "d.type", "deviceProfileName": "d.type",
        "label": "d.label", "customerTitle": "c.title", "customerId": "d.customer_id",
        "deviceProfileId": "d.device_profile_id", "firmwareId": "d.firmware_id", "softwareId": "d.software_id",
        "version": "d.version",
    ]

    /// What a list of devices can be narrowed to.
    public struct Filter: Sendable {
        public var customer: CustomerID?
        public var type: String?
        public var deviceProfile: DeviceProfileID?
        public var isActive: Bool?

        public init(
            customer: CustomerID? = nil, type: String? = nil, deviceProfile: DeviceProfileID? = nil,
            isActive: Bool? = nil
        ) {
            self.customer = customer
            self.type = type
            self.deviceProfile = deviceProfile
            self.isActive = isActive
        }
    }

    public func page(tenant: TenantID, _ filter: Filter, _ link: PageLink) async throws -> Page<Device> {
        let statement = narrowed(Self.shape, tenant: tenant, filter)
        return try await statement.page(link, on: runner, Device.init)
    }

    public func infoPage(tenant: TenantID, _ filter: Filter, _ link: PageLink) async throws -> Page<DeviceSummary> {
        var statement = narrowed(Self.infoShape, tenant: tenant, filter)
        if let isActive = filter.isActive {
            statement.requireJoined("coalesce(a.bool_v, false) = $?", .boolean(isActive))
        }
        return try await statement.page(link, on: runner, DeviceSummary.init)
    }

    func narrowed(_ shape: ListStatement.Shape, tenant: TenantID, _ filter: Filter) -> ListStatement {
        var statement = ListStatement(shape)
        statement.require("d.tenant_id = $?", .id(tenant))
        if let customer = filter.customer { statement.require("d.customer_id = $?", .id(customer)) }
        if let type = filter.type { statement.require("d.type = $?", .text(type)) }
        if let profile = filter.deviceProfile { statement.require("d.device_profile_id = $?", .id(profile)) }
        return statement
    }

    /// The names of the profiles that the tenant's devices have.
    public func types(tenant: TenantID) async throws -> [String] {
        try await runner.query(
            "SELECT DISTINCT type FROM device WHERE tenant_id = $1 ORDER BY type", [.id(tenant)]
        ).map { $0.text(0) ?? "" }
    }

    // MARK: - Aftermath

    /// Deletes the telemetry history of an entity that is gone, in pieces, so that no statement runs for long.
    public func deleteHistory(of entity: UUID128, tenant: TenantID) async throws {
        try await AlarmRepository(runner).deleteAll(of: entity)
        try await EventRepository(runner).deleteAll(of: entity, tenant: tenant)
        let pieces = try await runner.query(
            "SELECT DISTINCT key FROM ts_kv WHERE entity_id = $1", [.id(entity)])
        for piece in pieces {
            guard let key = piece.int4(0) else { continue }
            _ = try await runner.query(
                "DELETE FROM ts_kv WHERE entity_id = $1 AND key = $2", [.id(entity), .int4(key)])
        }
    }
}
