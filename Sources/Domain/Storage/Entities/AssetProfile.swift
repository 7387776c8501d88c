public import Model
internal import Postgres

/// What assets of one kind have in common (`rest-api.md` 3.3).
public struct AssetProfile: Sendable {
    public var id: AssetProfileID
    public var createdTime: Int64
    public var tenantID: TenantID
    public var name: String
    public var description: String?
    public var image: String?
    public var defaultRuleChainID: UUID128?
    public var defaultDashboardID: UUID128?
    public var defaultQueueName: String?
    public var defaultEdgeRuleChainID: UUID128?
    public var isDefault: Bool
    public var externalID: UUID128?
    public var version: Int64

    public init(
        id: AssetProfileID, createdTime: Int64, tenantID: TenantID, name: String, description: String? = nil,
        isDefault: Bool = false
    ) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.name = name
        self.description = description
        self.isDefault = isDefault
        version = 1
    }

    static let columns = """
        id, created_time, tenant_id, name, description, image, default_rule_chain_id, default_dashboard_id, \
        default_queue_name, default_edge_rule_chain_id, is_default, external_id, version
        """

    init(_ row: PostgresRow) {
        id = row.entity(0)
        createdTime = row.int8(1) ?? 0
        tenantID = row.entity(2)
        name = row.text(3) ?? ""
        description = row.text(4)
        image = row.text(5)
        defaultRuleChainID = row.id(6)
        defaultDashboardID = row.id(7)
        defaultQueueName = row.text(8)
        defaultEdgeRuleChainID = row.id(9)
        isDefault = row.bool(10) ?? false
        externalID = row.id(11)
        version = row.int8(12) ?? 1
    }
}

/// What lists and pickers show of a profile.
public struct AssetProfileSummary: Sendable {
    public var id: AssetProfileID
    public var tenantID: TenantID
    public var name: String
    public var image: String?
    public var defaultDashboardID: UUID128?

    static let columns = "id, tenant_id, name, image, default_dashboard_id"

    init(_ row: PostgresRow) {
        id = row.entity(0)
        tenantID = row.entity(1)
        name = row.text(2) ?? ""
        image = row.text(3)
        defaultDashboardID = row.id(4)
    }
}
