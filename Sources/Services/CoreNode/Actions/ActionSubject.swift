internal import JSON
internal import Model
internal import Storage

/// The entity that something was done to, as rule engine and audit log show it. Every resource of the API has an
/// initializer here or beside its endpoints.
struct ActionSubject: Sendable {
    var tenant: TenantID
    var entity: EntityID
    /// The null id when it belongs to no customer.
    var customer: CustomerID = .null
    /// `nil` where only the id is at hand; then the message has no `entityName`.
    var name: String?
    /// The entity's JSON; `nil` where it is not at hand.
    var document: String?
    /// The device or asset profile that decides about chain and queue (`rule-engine.md` 1.5); `nil`: found by the id of a
    /// device or asset, as long as it exists.
    var profile: EntityID?
    /// What the profile decides, where it is at hand.
    var route: MessageRoute?

    /// An entity that is known by its id only.
    init(tenant: TenantID, entity: EntityID, customer: CustomerID = .null) {
        self.tenant = tenant
        self.entity = entity
        self.customer = customer
    }

    init(
        _ value: some JSONRendered, tenant: TenantID, _ id: some EntityIdentifier, customer: CustomerID = .null,
        name: String, profile: EntityID? = nil
    ) {
        self.tenant = tenant
        entity = id.entityID
        self.customer = customer
        self.name = name
        self.profile = profile
        var writer = JSONWriter()
        value.write(to: &writer)
        document = String(decoding: writer.bytes, as: UTF8.self)
    }
}

extension ActionSubject {
    /// For those who hear of values that are saved of it.
    var origin: SaveOrigin { SaveOrigin(tenant: tenant, entity: entity) }

    init(_ device: Device) {
        self.init(
            device, tenant: device.tenantID, device.id, customer: device.customerID, name: device.name,
            profile: device.deviceProfileID.entityID)
    }

    init(_ profile: DeviceProfile) {
        self.init(
            profile, tenant: profile.tenantID, profile.id, name: profile.name, profile: profile.id.entityID)
    }

    init(_ customer: Customer) {
        self.init(customer, tenant: customer.tenantID, customer.id, customer: customer.id, name: customer.title)
    }

    init(_ user: User) {
        self.init(user, tenant: user.tenantID, user.id, customer: user.customerID, name: user.email)
    }

    init(_ tenant: Tenant) { self.init(tenant, tenant: tenant.id, tenant.id, name: tenant.title) }

    /// Messages and audit records do without the configuration, which may be large.
    init(_ dashboard: Dashboard) {
        var shown = dashboard
        shown.configuration = RawJSON(wellFormed: "\"\"")
        self.init(shown, tenant: dashboard.tenantID, dashboard.id, name: dashboard.title)
    }
}
