internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Who sees a dashboard (`rest-api.md` 4.12).
struct DashboardAssigning: EndpointGroup {
    let services: Services

    private static let one = "/api/customer/{customerId}/dashboard/{dashboardId}"
    private static let publicOne = "/api/customer/public/dashboard/{dashboardId}"
    private static let customers = "/api/dashboard/{dashboardId}/customers"

    var endpoints: [Endpoint] {
        [
            Endpoint(.post, Self.one, roles: .tenant, assign)
                .docs("Assigns a dashboard to a customer", answer: "Dashboard"),
            Endpoint(.delete, Self.one, roles: .tenant, unassign)
                .docs("Takes a dashboard back from a customer", answer: "Dashboard"),
            Endpoint(.post, Self.publicOne, roles: .tenant, makePublic)
                .docs("Lets everybody see a dashboard", answer: "Dashboard"),
            Endpoint(.delete, Self.publicOne, roles: .tenant, makePrivate)
                .docs("Lets not everybody see a dashboard any more", answer: "Dashboard"),
            Endpoint(.post, Self.customers, roles: .tenant, replaceCustomers)
                .docs("Assigns a dashboard to these customers and no others", body: "Ids", answer: "Dashboard"),
            Endpoint(.post, Self.customers + "/add", roles: .tenant, addCustomers)
                .docs("Assigns a dashboard to these customers too", body: "Ids", answer: "Dashboard"),
            Endpoint(.post, Self.customers + "/remove", roles: .tenant, removeCustomers)
                .docs("Takes a dashboard back from these customers", body: "Ids", answer: "Dashboard"),
        ]
    }

    // MARK: - One customer

    @Sendable private func assign(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let customer = try await services.customer(try call.id("customerId"), for: principal, .read)
        return try await change(call, principal, adding: [customer], removing: [])
    }

    @Sendable private func unassign(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let customer = try await services.customer(try call.id("customerId"), for: principal, .read)
        return try await change(call, principal, adding: [], removing: [customer])
    }

    @Sendable private func makePublic(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        _ = try await services.dashboardInfo(try call.id("dashboardId"), for: principal, .assignToCustomer)
        let customer = try await services.customers.findOrCreatePublic(tenant: principal.tenantID, now: call.now)
        return try await change(call, principal, adding: [customer], removing: [])
    }

    @Sendable private func makePrivate(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        _ = try await services.dashboardInfo(try call.id("dashboardId"), for: principal, .assignToCustomer)
        let customer = try await services.customers.findOrCreatePublic(tenant: principal.tenantID, now: call.now)
        return try await change(call, principal, adding: [], removing: [customer])
    }

    // MARK: - Several

    @Sendable private func replaceCustomers(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let present = try await assigned(call, principal)
        let wanted = try await customers(try ids(call, isOptional: true), principal)
        let former = present.filter { old in !wanted.contains { $0.id == old.id } }
        return try await change(call, principal, adding: wanted, removing: former)
    }

    @Sendable private func addCustomers(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        _ = try await assigned(call, principal)
        return try await change(call, principal, adding: try await customers(try ids(call), principal), removing: [])
    }

    /// Who has it not, keeps not having it.
    @Sendable private func removeCustomers(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let present = try await assigned(call, principal)
        let ids = Set(try ids(call))
        return try await change(call, principal, adding: [], removing: present.filter { ids.contains($0.id) })
    }

    /// The customers that have the dashboard of the path.
    private func assigned(_ call: Call, _ principal: Principal) async throws -> [Customer] {
        let dashboard = try await services.dashboardInfo(
            try call.id("dashboardId"), for: principal, .assignToCustomer)
        return DashboardAssignments(dashboard.assignedCustomers).customers.map { short in
            Customer(id: short.id, createdTime: 0, tenantID: dashboard.tenantID, title: short.title)
        }
    }

    /// Customers of the tenant.
    private func customers(_ ids: [CustomerID], _ principal: Principal) async throws -> [Customer] {
        var customers: [Customer] = []
        for id in ids {
            guard let customer = try await services.customers.find(id) else {
                throw APIError.invalid("Can't assign dashboard to non-existent customer!")
            }
            if customer.tenantID != principal.tenantID {
                throw APIError.invalid("Can't assign dashboard to customer from different tenant!")
            }
            customers.append(customer)
        }
        return customers
    }

    /// The ids that the body lists.
    private func ids(_ call: Call, isOptional: Bool = false) throws(APIError) -> [CustomerID] {
        if call.request.body.isEmpty, isOptional { return [] }
        guard let list = (try? JSONValue.parse(call.request.body))?.arrayValue else {
            throw APIError.malformedBody("a list of ids is expected")
        }
        if list.count > Self.mostCustomers {
            throw APIError.invalid("More than \(Self.mostCustomers) customers in one request")
        }
        var ids: [CustomerID] = []
        for element in list {
            guard let text = element.stringValue else { throw .malformedBody("a list of ids is expected") }
            ids.append(CustomerID(try call.uuid(text)))
        }
        return ids
    }

    private static let mostCustomers = 10_000

    private func change(
        _ call: Call, _ principal: Principal, adding added: [Customer], removing removed: [Customer]
    ) async throws -> HTTPResponse {
        let id: DashboardID = try call.id("dashboardId")
        let before = try await services.dashboardInfo(id, for: principal, .assignToCustomer)
        let after = try await services.database.inTransaction { transaction in
            for customer in added { try await Services.hold(customer.id, for: "dashboard", in: transaction) }
            return try await DashboardRepository(transaction).changeAssignments(id, tenant: principal.tenantID) {
                assignments in
                var isChanged = false
                for customer in removed where assignments.remove(customer.id) { isChanged = true }
                for customer in added where assignments.add(ShortCustomer(customer)) { isChanged = true }
                return isChanged
            }
        }
        guard let after else { throw APIError.notFound(.dashboard, id.uuid) }
        for customer in added where !before.isAssigned(to: customer.id) {
            await services.actions.record(
                .assigned(ActionSubject(after), to: customer.id, title: customer.title), by: principal)
        }
        for customer in removed where before.isAssigned(to: customer.id) {
            await services.actions.record(
                .unassigned(ActionSubject(after), from: customer.id, title: customer.title), by: principal)
        }
        return .json(after)
    }
}
