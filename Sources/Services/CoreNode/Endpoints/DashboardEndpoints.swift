internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Dashboards (`rest-api.md` 4.12).
struct DashboardEndpoints: EndpointGroup {
    let services: Services

    /// Points that one request of the user interface may ask for.
    private static let maximumDataPoints = 50_000

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/dashboard/serverTime", roles: .everyone, serverTime),
            Endpoint(.get, "/api/dashboard/maxDatapointsLimit", roles: .everyone, maximumDataPoints),
            Endpoint(.get, "/api/dashboard/info/{dashboardId}", roles: .everyone, readInfo),
            Endpoint(.get, "/api/dashboard/{dashboardId}", roles: [.tenant, .customer], read),
            Endpoint(.post, "/api/dashboard", roles: .tenant, save),
            Endpoint(.delete, "/api/dashboard/{dashboardId}", roles: .tenant, delete),
            Endpoint(.get, "/api/tenant/dashboards", roles: .tenant, list),
            Endpoint(.get, "/api/customer/{customerId}/dashboards", roles: [.tenant, .customer], listOfCustomer),
        ]
    }

    @Sendable private func serverTime(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json("\(call.now)")
    }

    @Sendable private func maximumDataPoints(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json("\(Self.maximumDataPoints)")
    }

    private func check(
        _ dashboard: Dashboard?, _ call: Call, _ principal: Principal, _ operation: Permissions.Operation
    ) throws(APIError) -> Dashboard {
        guard let dashboard else {
            let id: DashboardID = try call.id("dashboardId")
            throw .notFound(.dashboard, id.uuid)
        }
        var owner = Permissions.Owner(tenant: dashboard.tenantID)
        owner.isAssigned = principal.authority == .customerUser && dashboard.isAssigned(to: principal.customerID)
        try Permissions.require(principal, operation, .dashboard, of: owner)
        return dashboard
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try check(try await services.dashboards.find(try call.id("dashboardId")), call, principal, .read))
    }

    @Sendable private func readInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let found = try await services.dashboards.findInfo(try call.id("dashboardId"))
        return .json(DashboardInfo(dashboard: try check(found, call, principal, .read)))
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let dashboard = try check(
            try await services.dashboards.findInfo(try call.id("dashboardId")), call, principal, .delete)
        _ = try await services.database.inTransaction { transaction in
            try await DashboardRepository(transaction).delete(dashboard.id, tenant: principal.tenantID)
        }
        await services.actions.record(.deleted(ActionSubject(dashboard)), by: principal)
        return .empty(200)
    }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let page = try await services.dashboards.page(
            tenant: principal.tenantID, mobile: try call.boolean("mobile") ?? false, try call.pageLink())
        return .json { $0.page(page) { dashboard, writer in DashboardInfo(dashboard: dashboard).write(to: &writer) } }
    }

    @Sendable private func listOfCustomer(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let id: CustomerID = try call.id("customerId")
        guard let customer = try await services.customers.find(id) else { throw APIError.notFound(.customer, id.uuid) }
        try Permissions.require(
            principal, .read, .customer, of: Permissions.Owner(tenant: customer.tenantID, customer: id))
        let page = try await services.dashboards.page(
            tenant: principal.tenantID, customer: id, mobile: try call.boolean("mobile") ?? false, try call.pageLink())
        return .json { $0.page(page) { dashboard, writer in DashboardInfo(dashboard: dashboard).write(to: &writer) } }
    }

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        let title = try body.text("title")
        var validation = Validation()
        validation.text("title", title)
        try validation.check()
        var dashboard = Dashboard(
            id: DashboardID(.ordered()), createdTime: call.now, tenantID: principal.tenantID,
            title: try Validation.name("Dashboard title", title))
        dashboard.image = try body.storedText("image")
        dashboard.mobileHide = try body.boolean("mobileHide") ?? false
        dashboard.mobileOrder = try body.integer("mobileOrder").map { Int32(clamping: $0) }
        dashboard.configuration = body.document("configuration")
        dashboard.externalID = try body.uuid("externalId", .dashboard)
        guard let id: DashboardID = try body.id("id") else {
            try await services.dashboards.insert(dashboard)
            await services.actions.record(.added(ActionSubject(dashboard)), by: principal)
            return .json(dashboard)
        }
        guard let stored = try await services.dashboards.findInfo(id) else {
            throw APIError.notFound(.dashboard, id.uuid)
        }
        try Permissions.require(principal, .write, .dashboard, of: Permissions.Owner(tenant: stored.tenantID))
        dashboard.id = id
        let updated = try await services.dashboards.update(dashboard, replacing: try body.integer("version"))
        await services.actions.record(.updated(ActionSubject(updated)), by: principal)
        return .json(updated)
    }
}
