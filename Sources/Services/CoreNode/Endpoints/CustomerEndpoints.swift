internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Customers (`rest-api.md` 4.3).
struct CustomerEndpoints: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/customer/{customerId}", roles: [.tenant, .customer], read),
            Endpoint(.get, "/api/customer/{customerId}/shortInfo", roles: [.tenant, .customer], shortInfo),
            Endpoint(.get, "/api/customer/{customerId}/title", roles: [.tenant, .customer], title),
            Endpoint(.post, "/api/customer", roles: .tenant, save),
            Endpoint(.delete, "/api/customer/{customerId}", roles: .tenant, delete),
            Endpoint(.get, "/api/customers", roles: .tenant, list),
            Endpoint(.get, "/api/tenant/customers", roles: .tenant, byTitle),
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

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await services.customers.page(tenant: principal.tenantID, try call.pageLink()))
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let customer = try await find(call, for: principal, .delete)
        _ = try await services.database.inTransaction { transaction in
            try await CustomerRepository(transaction).delete(customer.id, tenant: principal.tenantID)
        }
        await services.actions.record(.deleted(ActionSubject(customer)), by: principal)
        services.housekeeper.entityDeleted(customer.id.uuid)
        return .empty(200)
    }

    // MARK: - Saving

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        var customer = Customer(
            id: .null, createdTime: call.now, tenantID: principal.tenantID, title: try body.text("title") ?? "",
            contact: try contact(body), additionalInfo: body.document("additionalInfo"),
            externalID: try body.uuid("externalId", .customer))
        var validation = Validation()
        validation.text("title", customer.title)
        validate(customer.contact, &validation)
        try validation.check()
        _ = try Validation.name("Customer title", customer.title)
        if let email = customer.contact.email, !email.isEmpty, !Validation.isEmail(email) {
            throw APIError.invalid("Invalid email address format '\(email)'!")
        }
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
        let updated = try await services.customers.update(customer, replacing: try body.integer("version"))
        await services.actions.record(.updated(ActionSubject(updated)), by: principal)
        return .json(updated)
    }

    private func create(_ customer: Customer, _ policy: NameConflictPolicy) async throws -> Customer {
        try await policy.apply(to: customer.title, conflict: "Customer with such title already exists!") { title in
            var created = customer
            created.id = CustomerID(.ordered())
            created.title = title
            try await services.customers.insert(created)
            return created
        }
    }

    private func contact(_ body: RequestObject) throws(APIError) -> Contact {
        var contact = Contact()
        contact.country = try body.storedText("country")
        contact.state = try body.storedText("state")
        contact.city = try body.storedText("city")
        contact.address = try body.storedText("address")
        contact.address2 = try body.storedText("address2")
        contact.zip = try body.storedText("zip")
        contact.phone = try body.storedText("phone")
        contact.email = try body.storedText("email")
        return contact
    }

    private func validate(_ contact: Contact, _ validation: inout Validation) {
        validation.text("country", contact.country)
        validation.text("state", contact.state)
        validation.text("city", contact.city)
        validation.text("address", contact.address)
        validation.text("address2", contact.address2)
        validation.text("zip", contact.zip)
        validation.text("phone", contact.phone)
        validation.text("email", contact.email)
    }
}
