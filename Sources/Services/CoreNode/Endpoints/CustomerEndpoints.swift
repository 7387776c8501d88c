internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Customers (`rest-api.md` 4.3).
struct CustomerEndpoints: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/customer/{customerId}", roles: [.tenant, .customer], read)
                .docs("A customer", answer: "Customer"),
            Endpoint(.get, "/api/customer/{customerId}/shortInfo", roles: [.tenant, .customer], shortInfo)
                .docs("The title of a customer, and whether it is the public one", answer: "ShortCustomerInfo"),
            Endpoint(.get, "/api/customer/{customerId}/title", roles: [.tenant, .customer], title)
                .docs("The title of a customer", answer: .bytes("application/text")),
            Endpoint(.post, "/api/customer", roles: .tenant, save)
                .docs("Creates or changes a customer", query: .nameConflict, body: "Customer", answer: "Customer"),
            Endpoint(.delete, "/api/customer/{customerId}", roles: .tenant, delete)
                .docs("Deletes a customer and its users", answer: .nothing),
            Endpoint(.get, "/api/customers", roles: .tenant, list)
                .docs("Customers of the tenant", query: .page, answer: .page("Customer")),
            Endpoint(.get, "/api/customers/list", roles: .tenant, byIDs)
                .docs("Customers by their ids", query: [.uuids("customerIds").required], answer: .list("Customer")),
            Endpoint(.get, "/api/tenant/customers", roles: .tenant, byTitle)
                .docs("The customer of a title", query: [.text("customerTitle").required], answer: "Customer"),
        ]
    }

    private func find(
        _ call: Call, for principal: Principal, _ operation: Permissions.Operation
    ) async throws -> Customer {
        let id: CustomerID = try call.id("customerId")
        guard let customer = try await services.customers.find(id) else { throw APIError.notFound(.customer, id.uuid) }
        try Permissions.require(
            principal, operation, .customer, of: Permissions.Owner(tenant: customer.tenantID, customer: customer.id))
        return customer
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await find(call, for: principal, .read))
    }

    @Sendable private func shortInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let customer = try await find(call, for: principal, .read)
        return .json { writer in
            writer.object { writer in
                writer.member("title", customer.title)
                writer.member("isPublic", customer.isPublic)
            }
        }
    }

    @Sendable private func title(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let customer = try await find(call, for: principal, .read)
        return HTTPResponse(
            status: 200, fields: [("Content-Type", "application/text;charset=UTF-8")], body: Array(customer.title.utf8))
    }

    @Sendable private func byTitle(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let title = try call.requiredText("customerTitle")
        guard let customer = try await services.customers.find(title: title, tenant: principal.tenantID) else {
            throw APIError(404, .notFound, "Customer with title [\(title)] is not found")
        }
        return .json(customer)
    }

    /// One path for two: with `customerIds` the customers of those ids.
    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        if call.query.first("customerIds") != nil { return try await byIDs(call, principal) }
        return .json(try await services.customers.page(tenant: principal.tenantID, try call.pageLink()))
    }

    @Sendable private func byIDs(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await services.customers.find(try call.requiredIDs("customerIds"), tenant: principal.tenantID))
    }

    /// Its users go with it, and their tokens; what was assigned to it belongs to nobody afterwards.
    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let customer = try await find(call, for: principal, .delete)
        let tenant = customer.tenantID
        if try await services.entityViews.isReferenced(customer.id.entityID, tenant: tenant) {
            throw APIError.invalid("Can't delete customer that is referenced in calculated fields!")
        }
        let users = try await allPages { link in
            try await services.users.page(tenant: tenant, customer: customer.id, link)
        }
        let devices = try await allPages { link in
            try await services.devices.page(tenant: tenant, DeviceRepository.Filter(customer: customer.id), link)
        }
        _ = try await services.database.inTransaction { transaction in
            try await CustomerRepository(transaction).delete(customer.id, tenant: tenant)
        }
        for user in users { try await services.revocations.revokeAll(of: user.id, now: CurrentTime.milliseconds) }
        for device in devices {
            var free = device
            free.customerID = .null
            await services.actions.events.post(.deviceUpdated(old: device, new: free))
        }
        await services.actions.record(.deleted(ActionSubject(customer)), by: principal)
        for entity in users.map(\.id.uuid) + [customer.id.uuid] {
            services.housekeeper.entityDeleted(entity, of: tenant)
        }
        return .empty(200)
    }

    // MARK: - Saving

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        var customer = Customer(
            id: .null, createdTime: call.now, tenantID: principal.tenantID, title: try body.text("title") ?? "",
            contact: try Contact(body), additionalInfo: body.document("additionalInfo"),
            externalID: try body.uuid("externalId", .customer))
        var validation = Validation()
        validation.text("title", customer.title)
        validation.contact(customer.contact)
        try validation.check()
        _ = try Validation.name("Customer title", customer.title)
        try Validation.checkEmail(customer.contact.email)
        guard let id: CustomerID = try body.id("id") else {
            if customer.title == Customer.publicTitle {
                throw APIError.invalid("'Public' title for customer is system reserved!")
            }
            let created = try await create(customer, try NameConflictPolicy(call))
            await services.actions.record(.added(ActionSubject(created)), by: principal)
            return .json(created)
        }
        guard let stored = try await services.customers.find(id) else { throw APIError.notFound(.customer, id.uuid) }
        try Permissions.require(
            principal, .write, .customer, of: Permissions.Owner(tenant: stored.tenantID, customer: stored.id))
        if customer.title == Customer.publicTitle, !stored.isPublic {
            throw APIError.invalid("'Public' title for customer is system reserved!")
        }
        customer.id = id
        customer.isPublic = stored.isPublic
        let changed = customer
        let version = try body.integer("version")
        let updated = try await services.database.inTransaction { transaction in
            let updated = try await CustomerRepository(transaction).update(changed, replacing: version)
            // Dashboards show the titles of those who have them.
            if updated.title != stored.title {
                try await DashboardRepository(transaction).renameCustomer(
                    ShortCustomer(updated), tenant: updated.tenantID)
            }
            return updated
        }
        await services.actions.record(.updated(ActionSubject(updated)), by: principal)
        return .json(updated)
    }

    private func create(_ customer: Customer, _ policy: NameConflictPolicy) async throws -> Customer {
        try await policy.apply(to: customer.title, conflict: "Customer with such title already exists!") { title in
            var created = customer
            created.id = CustomerID(.ordered())
            created.title = title
            let inserted = created
            try await services.database.inTransaction { transaction in
                try await EntityLimits(transaction).check(.customer, tenant: inserted.tenantID)
                try await CustomerRepository(transaction).insert(inserted)
            }
            return created
        }
    }
}

/// Every element of a list, read page by page.
func allPages<Element>(_ read: (PageLink) async throws -> Page<Element>) async throws -> [Element] {
    var elements: [Element] = []
    var link = PageLink(pageSize: 1000, page: 0)
    while true {
        let page = try await read(link)
        elements += page.elements
        if !page.hasNext { return elements }
        link.page += 1
    }
}
