public import Model
internal import Postgres

/// What devices of one kind have in common (`rest-api.md` 3.2).
public struct DeviceProfile: Sendable {
    public var id: DeviceProfileID
    public var createdTime: Int64
    public var tenantID: TenantID
    public var name: String
    public var description: String?
    public var image: String?
    public var type: String
    public var transportType: String
    public var provisionType: String?
    public var profileData: RawJSON
    public var provisionDeviceKey: String?
    public var defaultRuleChainID: UUID128?
    public var defaultDashboardID: UUID128?
    public var defaultQueueName: String?
    public var firmwareID: UUID128?
    public var softwareID: UUID128?
    public var defaultEdgeRuleChainID: UUID128?
    public var isDefault: Bool
    public var externalID: UUID128?
    public var version: Int64

    /// A profile with default settings.
    public init(
        id: DeviceProfileID, createdTime: Int64, tenantID: TenantID, name: String, description: String? = nil,
        isDefault: Bool = false
    ) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.name = name
        self.description = description
        type = "DEFAULT"
        transportType = "DEFAULT"
        provisionType = "DISABLED"
        profileData = Self.defaultProfileData
        self.isDefault = isDefault
        version = 1
    }

    public static let defaultProfileData = RawJSON(
        wellFormed: """
            {"configuration":{"type":"DEFAULT"},"transportConfiguration":{"type":"DEFAULT"},\
            "provisionConfiguration":{"type":"DISABLED","provisionDeviceSecret":null},"alarms":null}
            """)

    static let columns = """
        id, created_time, tenant_id, name, description, image, type, transport_type, provision_type, profile_data, \
        provision_device_key, default_rule_chain_id, default_dashboard_id, default_queue_name, firmware_id, software_id, \
        default_edge_rule_chain_id, is_default, external_id, version
        """

    init(_ row: PostgresRow) {
        id = row.entity(0)
        createdTime = row.int8(1) ?? 0
        tenantID = row.entity(2)
        name = row.text(3) ?? ""
        description = row.text(4)
        image = row.text(5)
        type = row.text(6) ?? "DEFAULT"
        transportType = row.text(7) ?? "DEFAULT"
        provisionType = row.text(8)
        profileData = row.document(9) ?? Self.defaultProfileData
        provisionDeviceKey = row.text(10)
        defaultRuleChainID = row.id(11)
        defaultDashboardID = row.id(12)
        defaultQueueName = row.text(13)
        firmwareID = row.id(14)
        softwareID = row.id(15)
        defaultEdgeRuleChainID = row.id(16)
        isDefault = row.bool(17) ?? false
        externalID = row.id(18)
        version = row.int8(19) ?? 1
    }
}

/// What lists and pickers show of a profile.
public struct DeviceProfileSummary: Sendable {
    public var id: DeviceProfileID
    public var tenantID: TenantID
    public var name: String
    public var image: String?
    public var defaultDashboardID: UUID128?
    public var type: String
    public var transportType: String

    static let columns = "id, tenant_id, name, image, default_dashboard_id, type, transport_type"

    init(_ row: PostgresRow) {
        id = row.entity(0)
        tenantID = row.entity(1)
        name = row.text(2) ?? ""
        image = row.text(3)
        defaultDashboardID = row.id(4)
        type = row.text(5) ?? "DEFAULT"
        transportType = row.text(6) ?? "DEFAULT"
    }
}
