internal import HTTPServer
internal import JSON
internal import Messages
internal import Model
internal import Storage

/// Tenants (`rest-api.md` 4.2).
struct TenantEndpoints: EndpointGroup {
    let services: Services

    private static let contact = """
        country:string state:string city:string address:string address2:string zip:string phone:string email:string
        """
    static let schemas = [
        "Tenant": """
        id:id(TENANT) createdTime:integer \(contact) title:string! region:string tenantProfileId:id(TENANT_PROFILE) \
        version:integer name:string additionalInfo:object
        """,
        "TenantInfo": """
        id:id(TENANT) createdTime:integer \(contact) title:string region:string tenantProfileId:id(TENANT_PROFILE) \
        version:integer name:string tenantProfileName:string additionalInfo:object
        """,
        "Customer": """
        id:id(CUSTOMER) createdTime:integer \(contact) title:string! tenantId:id(TENANT) externalId:id(CUSTOMER) \
        version:integer name:string additionalInfo:object
        """,
        "ShortCustomerInfo": "title:string isPublic:boolean",
    ]

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/tenant/{tenantId}", roles: [.system, .tenant], read).docs(
                "A tenant", answer: "Tenant"),
            Endpoint(.get, "/api/tenant/info/{tenantId}", roles: [.system, .tenant], readInfo)
                .docs("A tenant with the name of its profile", answer: "TenantInfo"),
            Endpoint(.post, "/api/tenant", roles: .system, save)
                .docs("Creates or changes a tenant", body: "Tenant", answer: "Tenant"),
            Endpoint(.delete, "/api/tenant/{tenantId}", roles: [.system, .tenant], delete)
                .docs("Deletes a tenant and everything of it", answer: .nothing),
            Endpoint(.get, "/api/tenants", roles: [.system, .tenant], list)
                .docs("Tenants", query: .page, answer: .page("Tenant")),
            Endpoint(.get, "/api/tenants/list", roles: [.system, .tenant], byIDs)
                .docs("Tenants by their ids", query: [.uuids("tenantIds").required], answer: .list("Tenant")),
            Endpoint(.get, "/api/tenantInfos", roles: .system, listInfos)
                .docs("Tenants with the names of their profiles", query: .page, answer: .page("TenantInfo")),
        ]
    }

    private func find(
        _ call: Call, for principal: Principal, _ operation: Permissions.Operation
    ) async throws -> Tenant {
        let id: TenantID = try call.id("tenantId")
        guard let tenant = try await services.tenants.find(id) else { throw APIError.notFound(.tenant, id.uuid) }
        try Permissions.require(principal, operation, .tenant, of: Permissions.Owner(tenant: id))
        return tenant
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await find(call, for: principal, .read))
    }

    @Sendable private func readInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let tenant = try await find(call, for: principal, .read)
        return .json { tenant.write(asInfo: true, to: &$0) }
    }

    /// One path for two: with `tenantIds` the tenants of those ids.
    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        if call.query.first("tenantIds") != nil { return try await byIDs(call, principal) }
        guard principal.authority == .systemAdministrator else { throw APIError.permissionDenied }
        return .json(try await services.tenants.page(try call.pageLink()))
    }

    @Sendable private func byIDs(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let found = try await services.tenants.find(try call.requiredIDs("tenantIds"))
        return .json(
            found.filter { Permissions.allows(principal, .read, .tenant, of: Permissions.Owner(tenant: $0.id)) })
    }

    @Sendable private func listInfos(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let page = try await services.tenants.page(try call.pageLink())
        return .json { $0.page(page) { tenant, writer in tenant.write(asInfo: true, to: &writer) } }
    }

    // MARK: - Saving

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        let title = try body.text("title")
        let contact = try Contact(body)
        var validation = Validation()
        validation.text("title", title)
        validation.contact(contact)
        try validation.check()
        let named = try Validation.name("Tenant title", title)
        try Validation.checkEmail(contact.email)
        let profile: TenantProfileID? = try body.id("tenantProfileId")
        if let profile, try await services.tenantProfiles.find(profile) == nil {
            throw APIError.invalid("Tenant is referencing to non-existent tenant profile!")
        }
        guard let id: TenantID = try body.id("id") else {
            return .json(
                try await create(
                    named, contact, body.storedDocument("additionalInfo"), profile, principal, now: call.now))
        }
        guard var tenant = try await services.tenants.find(id) else { throw APIError.notFound(.tenant, id.uuid) }
        tenant.title = named
        tenant.contact = contact
        tenant.additionalInfo = body.storedDocument("additionalInfo")
        if let profile { tenant.tenantProfileID = profile }
        let updated = try await services.tenants.update(tenant, replacing: try body.integer("version"))
        services.limits.forget()
        try await services.tenantQueues.follow(tenant: id, now: call.now)
        await services.actions.record(.updated(ActionSubject(updated)), by: principal)
        return .json(updated)
    }

    private func create(
        _ title: String, _ contact: Contact, _ additionalInfo: RawJSON?, _ profile: TenantProfileID?,
        _ principal: Principal, now: Int64
    ) async throws -> Tenant {
        var details = TenantCreation.Details(title: title)
        details.country = contact.country
        details.state = contact.state
        details.city = contact.city
        details.address = contact.address
        details.address2 = contact.address2
        details.zip = contact.zip
        details.phone = contact.phone
        details.email = contact.email
        details.additionalInfo = additionalInfo?.text
        let described = details
        let created = try await services.database.inTransaction { transaction in
            try await TenantRepository(transaction).insert(described, profile: profile)
        }
        guard let created else { throw APIError.itemNotFound }
        try await services.tenantQueues.follow(tenant: created.id, now: now)
        await services.actions.record(.added(ActionSubject(created)), by: principal)
        return created
    }

    // MARK: - Deleting

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let tenant = try await find(call, for: principal, .delete)
        let users = try await allPages { link in
            try await services.users.page(tenant: tenant.id, customer: nil, link)
        }
        let devices = try await allPages { link in
            try await services.devices.page(tenant: tenant.id, DeviceRepository.Filter(), link)
        }
        let entities = try await services.tenants.entitiesWithHistory(tenant.id)
        let isDeleted = try await services.database.inTransaction { transaction in
            try await TenantRepository(transaction).delete(tenant.id)
        }
        guard isDeleted else { throw APIError.notFound(.tenant, tenant.id.uuid) }
        services.limits.forget()
        await services.actions.events.post(.queueChanged(tenant: tenant.id, queue: QueueID(.zero), .deleted))
        for user in users { try await services.revocations.revokeAll(of: user.id, now: CurrentTime.milliseconds) }
        for device in devices { await services.actions.events.post(.deviceDeleted(device)) }
        for entity in entities { services.housekeeper.entityDeleted(entity, of: tenant.id) }
        await services.actions.record(.deleted(ActionSubject(tenant)), by: principal)
        return .empty(200)
    }
}

extension Contact {
    /// The members of a body that say where somebody can be reached.
    init(_ body: RequestObject) throws(APIError) {
        self.init()
        country = try body.storedText("country")
        state = try body.storedText("state")
        city = try body.storedText("city")
        address = try body.storedText("address")
        address2 = try body.storedText("address2")
        zip = try body.storedText("zip")
        phone = try body.storedText("phone")
        email = try body.storedText("email")
    }
}

extension Validation {
    mutating func contact(_ contact: Contact) {
        text("country", contact.country)
        text("state", contact.state)
        text("city", contact.city)
        text("address", contact.address)
        text("address2", contact.address2)
        text("zip", contact.zip, called: "zip or postal code")
        text("phone", contact.phone)
        text("email", contact.email)
    }

    static func checkEmail(_ email: String?) throws(APIError) {
        if let email, !email.isEmpty, !isEmail(email) { throw .invalid("Invalid email address format '\(email)'!") }
    }
}
