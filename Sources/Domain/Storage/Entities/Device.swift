public import Model
internal import Postgres

/// A device (`rest-api.md` 3.2).
public struct Device: Sendable {
    public var id: DeviceID
    public var createdTime: Int64
    public var tenantID: TenantID
    /// The null id when it belongs to no customer.
    public var customerID: CustomerID
    public var name: String
    /// The name of its profile.
    public var type: String
    public var label: String?
    public var deviceProfileID: DeviceProfileID
    public var deviceData: RawJSON?
    public var firmwareID: UUID128?
    public var softwareID: UUID128?
    public var externalID: UUID128?
    public var additionalInfo: RawJSON?
    public var version: Int64

    public init(
        id: DeviceID, createdTime: Int64, tenantID: TenantID, customerID: CustomerID = .null, name: String,
        type: String,
        label: String? = nil, deviceProfileID: DeviceProfileID, deviceData: RawJSON? = nil, firmwareID: UUID128? = nil,
        softwareID: UUID128? = nil, externalID: UUID128? = nil, additionalInfo: RawJSON? = nil, version: Int64 = 1
    ) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.customerID = customerID
        self.name = name
        self.type = type
        self.label = label
        self.deviceProfileID = deviceProfileID
        self.deviceData = deviceData
        self.firmwareID = firmwareID
        self.softwareID = softwareID
        self.externalID = externalID
        self.additionalInfo = additionalInfo
        self.version = version
    }

    static let columns = """
        d.id, d.created_time, d.tenant_id, d.customer_id, d.name, d.type, d.label, d.device_profile_id, d.device_data, \
        d.firmware_id, d.software_id, d.external_id, d.additional_info, d.version
        """

    /// Reads ``columns`` from the start of `row`.
    init(_ row: PostgresRow) {
        id = row.entity(0)
        createdTime = row.int8(1) ?? 0
        tenantID = row.entity(2)
        customerID = row.id(3).map(CustomerID.init) ?? .null
        name = row.text(4) ?? ""
        type = row.text(5) ?? ""
        label = row.text(6)
        deviceProfileID = row.entity(7)
        deviceData = row.document(8)
        firmwareID = row.id(9)
        softwareID = row.id(10)
        externalID = row.id(11)
        additionalInfo = row.document(12)
        version = row.int8(13) ?? 1
    }
}

/// A device with what lists show beside it.
public struct DeviceSummary: Sendable {
    public var device: Device
    public var customerTitle: String?
    public var customerIsPublic: Bool
    public var deviceProfileName: String
    public var isActive: Bool

    init(_ row: PostgresRow) {
        device = Device(row)
        customerTitle = row.text(14)
        customerIsPublic = row.bool(15) ?? false
        deviceProfileName = row.text(16) ?? ""
        isActive = row.bool(17) ?? false
    }

    static let columns = """
        \(Device.columns), c.title AS customer_title, c.is_public AS customer_is_public, d.type AS profile_name, \
        coalesce(a.bool_v, false) AS active
        """

    /// The server attribute `active`, or the telemetry of that name, decides whether a device counts as active.
    static let source = """
        device d LEFT JOIN customer c ON c.id = d.customer_id LEFT JOIN device_active_view a ON a.entity_id = d.id
        """
}
