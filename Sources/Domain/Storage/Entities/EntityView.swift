internal import JSON
public import Model
internal import Postgres

/// A window on some data of a device or asset (`rest-api.md` 3.3).
public struct EntityView: Sendable {
    public var id: EntityViewID
    public var createdTime: Int64
    public var tenantID: TenantID
    /// The null id when it belongs to no customer.
    public var customerID: CustomerID
    /// The device or asset that it shows.
    public var entity: EntityID
    public var name: String
    public var type: String
    /// `{"timeseries":[...],"attributes":{"cs":[...],"ss":[...],"sh":[...]}}`.
    public var keys: RawJSON?
    /// Milliseconds since 1970; 0 for no beginning.
    public var startTime: Int64
    /// Milliseconds since 1970; 0 for no end.
    public var endTime: Int64
    public var externalID: UUID128?
    public var additionalInfo: RawJSON?
    public var version: Int64

    public init(
        id: EntityViewID, createdTime: Int64, tenantID: TenantID, customerID: CustomerID = .null, entity: EntityID,
        name: String, type: String, keys: RawJSON? = nil, startTime: Int64 = 0, endTime: Int64 = 0,
        externalID: UUID128? = nil, additionalInfo: RawJSON? = nil, version: Int64 = 1
    ) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.customerID = customerID
        self.entity = entity
        self.name = name
        self.type = type
        self.keys = keys
        self.startTime = startTime
        self.endTime = endTime
        self.externalID = externalID
        self.additionalInfo = additionalInfo
        self.version = version
    }

    static let columns = """
        v.id, v.created_time, v.tenant_id, v.customer_id, v.entity_id, v.entity_type, v.name, v.type, v.keys, v.start_ts, \
        v.end_ts, v.external_id, v.additional_info, v.version
        """

    /// Reads ``columns`` from the start of `row`.
    init(_ row: PostgresRow) {
        id = row.entity(0)
        createdTime = row.int8(1) ?? 0
        tenantID = row.entity(2)
        customerID = row.id(3).map(CustomerID.init) ?? .null
        entity = EntityID(type: row.text(5).flatMap { EntityType(name: $0) } ?? .device, uuid: row.id(4) ?? .null)
        name = row.text(6) ?? ""
        type = row.text(7) ?? ""
        keys = row.document(8)
        startTime = row.int8(9) ?? 0
        endTime = row.int8(10) ?? 0
        externalID = row.id(11)
        additionalInfo = row.document(12)
        version = row.int8(13) ?? 1
    }

    /// The series that the view shows; empty for all of them.
    public var timeseriesKeys: [String] { names(keys?.value["timeseries"]) }

    /// The attributes of a scope that are copied into the view.
    public func attributeKeys(_ scope: AttributeScope) -> [String] {
        let member =
            switch scope {
            case .client: "cs"
            case .server: "ss"
            case .shared: "sh"
            }
        return names(keys?.value["attributes"]?[member])
    }

    private func names(_ list: JSONValue?) -> [String] { list?.arrayValue?.compactMap(\.stringValue) ?? [] }

    /// Whether something of `time` lies inside the view.
    public func includes(_ time: Int64) -> Bool {
        (startTime == 0 || time >= startTime) && (endTime == 0 || time <= endTime)
    }
}

/// An entity view with what lists show beside it.
public struct EntityViewSummary: Sendable {
    public var view: EntityView
    public var customerTitle: String?
    public var customerIsPublic: Bool

    init(_ row: PostgresRow) {
        view = EntityView(row)
        customerTitle = row.text(14)
        customerIsPublic = row.bool(15) ?? false
    }

    static let columns = "\(EntityView.columns), c.title AS customer_title, c.is_public AS customer_is_public"
    static let source = "entity_view v LEFT JOIN customer c ON c.id = v.customer_id"
}
