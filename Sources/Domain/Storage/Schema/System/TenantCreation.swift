public import Model
public import Postgres

/// A new tenant with everything it starts with, as statements to be run in one transaction: the tenant, its usage
/// state, the default profiles of devices and assets, the root rule chain and the root chain for edges.
public struct TenantCreation: Sendable {
    /// What people may say about a tenant; all but the title may be absent.
    public struct Details: Sendable {
        public var title: String
        public var region: String? = "Global"
        public var country: String?
        public var state: String?
        public var city: String?
        public var address: String?
        public var address2: String?
        public var zip: String?
        public var phone: String?
        public var email: String?
        /// JSON.
        public var additionalInfo: String?

        public init(title: String) { self.title = title }
    }

    public let tenantID: TenantID
    public let createdTime: Int64
    public let rootRuleChainID: RuleChainID
    public let deviceProfileID: DeviceProfileID
    public let assetProfileID: AssetProfileID
    public let statements: [SQLStatement]

    /// - Parameter profileID: The tenant profile; `nil` for the default one.
    public init(_ details: Details, profileID: TenantProfileID?, clock: inout EntityClock) {
        let (id, time) = clock.tick()
        let usage = clock.tick()
        tenantID = TenantID(id)
        createdTime = time
        let deviceProfile = DeviceProfileCreation(
            tenantID: tenantID, name: "default", description: "Default device profile", isDefault: true, clock: &clock)
        deviceProfileID = deviceProfile.profileID
        let assetProfile = clock.tick()
        assetProfileID = AssetProfileID(assetProfile.id)
        let root = RuleChainCreation(
            .root, tenantID: tenantID, name: "Root Rule Chain", isRoot: true, additionalInfo: nil, clock: &clock)
        rootRuleChainID = root.ruleChainID
        let edgeRoot = RuleChainCreation(
            .edgeRoot, tenantID: tenantID, name: "Edge Root Rule Chain", type: "EDGE", isRoot: true,
            additionalInfo: nil, clock: &clock)

        statements =
            [
                Self.insertTenant(details, id: id, createdTime: time, profileID: profileID),
                SQLStatement(
                    """
                    INSERT INTO api_usage_state (id, created_time, tenant_id, entity_type, entity_id)
                    VALUES ($1, $2, $3, 'TENANT', $3)
                    """, [.uuid(usage.id), .int8(usage.createdTime), .uuid(id)]),
            ] + root.statements + edgeRoot.statements + deviceProfile.statements + [
                SQLStatement(
                    """
                    INSERT INTO asset_profile (id, created_time, tenant_id, name, description, is_default)
                    VALUES ($1, $2, $3, 'default', 'Default asset profile', true)
                    """, [.uuid(assetProfile.id), .int8(assetProfile.createdTime), .uuid(id)])
            ]
    }

    private static func insertTenant(
        _ details: Details, id: UUID128, createdTime: Int64, profileID: TenantProfileID?
    ) -> SQLStatement {
        SQLStatement(
            """
            INSERT INTO tenant (id, created_time, title, tenant_profile_id, region, country, state, city, address,
                address2, zip, phone, email, additional_info)
            VALUES ($1, $2, $3, COALESCE($4::uuid, (SELECT id FROM tenant_profile WHERE is_default)), $5, $6, $7, $8,
                $9, $10, $11, $12, $13, $14)
            """,
            [
                .uuid(id), .int8(createdTime), .text(details.title), .optionalUUID(profileID?.uuid),
                .optionalText(details.region), .optionalText(details.country), .optionalText(details.state),
                .optionalText(details.city), .optionalText(details.address), .optionalText(details.address2),
                .optionalText(details.zip), .optionalText(details.phone), .optionalText(details.email),
                .optionalText(details.additionalInfo),
            ])
    }
}

extension PostgresConnection {
    /// Makes a tenant with everything it starts with, in the caller's transaction. Blocks.
    public func createTenant(
        _ details: TenantCreation.Details, profileID: TenantProfileID? = nil, clock: inout EntityClock
    ) throws(PostgresError) -> TenantCreation {
        let creation = TenantCreation(details, profileID: profileID, clock: &clock)
        try run(creation.statements)
        return creation
    }
}
