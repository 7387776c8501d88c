public import Model
internal import Postgres

/// An asset (`rest-api.md` 3.3).
public struct Asset: Sendable {
    public var id: AssetID
    public var createdTime: Int64
    public var tenantID: TenantID
    /// The null id when it belongs to no customer.
    public var customerID: CustomerID
    public var name: String
    /// The name of its profile.
    public var type: String
    public var label: String?
    public var assetProfileID: AssetProfileID
    public var externalID: UUID128?
    public var additionalInfo: RawJSON?
    public var version: Int64

    public init(
        id: AssetID, createdTime: Int64, tenantID: TenantID, customerID: CustomerID = .null, name: String,
        type: String, label: String? = nil, assetProfileID: AssetProfileID, externalID: UUID128? = nil,
        additionalInfo: RawJSON? = nil, version: Int64 = 1
    ) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.customerID = customerID
        self.name = name
        self.type = type
        self.label = label
        self.assetProfileID = assetProfileID
        self.externalID = externalID
        self.additionalInfo = additionalInfo
        self.version = version
    }

    static let columns = """
        s.id, s.created_time, s.tenant_id, s.customer_id, s.name, s.type, s.label, s.asset_profile_id, s.external_id, \
        s.additional_info, s.version
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
        assetProfileID = row.entity(7)
        externalID = row.id(8)
        additionalInfo = row.document(9)
        version = row.int8(10) ?? 1
    }
}

/// An asset with what lists show beside it.
public struct AssetSummary: Sendable {
    public var asset: Asset
    public var customerTitle: String?
    public var customerIsPublic: Bool
    /// The name of the profile is the asset's type.
    public var assetProfileName: String { asset.type }

    init(_ row: PostgresRow) {
        asset = Asset(row)
        customerTitle = row.text(11)
        customerIsPublic = row.bool(12) ?? false
    }

    static let columns = "\(Asset.columns), c.title AS customer_title, c.is_public AS customer_is_public"
    static let source = "asset s LEFT JOIN customer c ON c.id = s.customer_id"
}
