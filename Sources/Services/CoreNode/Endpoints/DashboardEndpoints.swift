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
            Endpoint(.get, "/api/dashboard/serverTime", roles: .everyone, serverTime)
                .docs("The server's clock in milliseconds"),
            Endpoint(.get, "/api/dashboard/maxDatapointsLimit", roles: .everyone, maximumDataPoints)
                .docs("Points that a widget may ask for"),
            Endpoint(.get, "/api/dashboard/info/{dashboardId}", roles: .everyone, readInfo)
                .docs("A dashboard without its configuration", answer: "DashboardInfo"),
            Endpoint(.get, "/api/dashboard/{dashboardId}", roles: [.tenant, .customer], read)
                .docs("A dashboard", query: [.boolean("includeResources")], answer: "Dashboard"),
            Endpoint(.post, "/api/dashboard", roles: .tenant, save)
                .docs("Creates or changes a dashboard", body: "Dashboard", answer: "Dashboard"),
            Endpoint(.delete, "/api/dashboard/{dashboardId}", roles: .tenant, delete)
                .docs("Deletes a dashboard", answer: .nothing),
            Endpoint(.get, "/api/tenant/dashboards", roles: .tenant, list)
                .docs("Dashboards of the tenant", query: Self.lists, answer: .page("DashboardInfo")),
            Endpoint(.get, "/api/tenant/{tenantId}/dashboards", roles: .system, listOfTenant)
                .docs("Dashboards of a tenant", query: .page, answer: .page("DashboardInfo")),
            Endpoint(.get, "/api/dashboards", roles: [.tenant, .customer], byIDs)
                .docs(
                    "Dashboards by their ids", query: [.uuids("dashboardIds").required], answer: .list("DashboardInfo")),
            Endpoint(.get, "/api/dashboards/list", roles: [.tenant, .customer], byIDs)
                .docs(
                    "Dashboards by their ids", query: [.uuids("dashboardIds").required], answer: .list("DashboardInfo")),
            Endpoint(.get, "/api/customer/{customerId}/dashboards", roles: [.tenant, .customer], listOfCustomer)
                .docs("Dashboards of a customer", query: Self.lists, answer: .page("DashboardInfo")),
        ]
    }

    private static let lists: [QueryParameter] = .page + [.boolean("mobile")]

    static let schemas = [
        "Dashboard": """
        id:id(DASHBOARD) createdTime:integer tenantId:id(TENANT) title:string! image:string mobileHide:boolean \
        mobileOrder:integer configuration:any externalId:id(DASHBOARD) version:integer
        """
    ]

    @Sendable private func serverTime(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json("\(call.now)")
    }

    @Sendable private func maximumDataPoints(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json("\(Self.maximumDataPoints)")
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let id: DashboardID = try call.id("dashboardId")
        return .json(try services.checked(try await services.dashboards.find(id), id, for: principal, .read))
    }

    @Sendable private func readInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(
            DashboardInfo(
                dashboard: try await services.dashboardInfo(try call.id("dashboardId"), for: principal, .read)))
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let dashboard = try await services.dashboardInfo(try call.id("dashboardId"), for: principal, .delete)
        _ = try await services.database.inTransaction { transaction in
            try await DashboardRepository(transaction).delete(dashboard.id, tenant: principal.tenantID)
        }
        await services.actions.record(.deleted(ActionSubject(dashboard)), by: principal)
        services.housekeeper.entityDeleted(dashboard.id.uuid, of: dashboard.tenantID)
        return .empty(200)
    }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let page = try await services.dashboards.page(
            tenant: principal.tenantID, mobile: try call.boolean("mobile") ?? false, try call.pageLink())
        return .json { $0.page(page) { dashboard, writer in DashboardInfo(dashboard: dashboard).write(to: &writer) } }
    }

    @Sendable private func listOfCustomer(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let id: CustomerID = try call.id("customerId")
        _ = try await services.customer(id, for: principal, .read)
        let page = try await services.dashboards.page(
            tenant: principal.tenantID, customer: id, mobile: try call.boolean("mobile") ?? false, try call.pageLink())
        return .json { $0.page(page) { dashboard, writer in DashboardInfo(dashboard: dashboard).write(to: &writer) } }
    }

    @Sendable private func listOfTenant(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let id: TenantID = try call.id("tenantId")
        guard try await services.tenants.find(id) != nil else { throw APIError.notFound(.tenant, id.uuid) }
        let page = try await services.dashboards.page(tenant: id, mobile: false, try call.pageLink())
        return .json { $0.page(page) { dashboard, writer in DashboardInfo(dashboard: dashboard).write(to: &writer) } }
    }

    @Sendable private func byIDs(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let found = try await services.dashboards.infos(
            try call.requiredIDs("dashboardIds"), tenant: principal.tenantID)
        let isCustomer = principal.authority == .customerUser
        return .json(
            found.filter { !isCustomer || $0.isAssigned(to: principal.customerID) }.map(DashboardInfo.init(dashboard:)))
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
            let created = dashboard
            try await services.database.inTransaction { transaction in
                try await EntityLimits(transaction).check(.dashboard, tenant: created.tenantID)
                try await DashboardRepository(transaction).insert(created)
            }
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

extension Services {
    /// A dashboard without its configuration, if the caller may do `operation` with it.
    func dashboardInfo(
        _ id: DashboardID, for principal: Principal, _ operation: Permissions.Operation
    ) async throws -> Dashboard {
        try checked(try await dashboards.findInfo(id), id, for: principal, operation)
    }

    /// The dashboard that was found, if there is one and the caller may do `operation` with it.
    func checked(
        _ dashboard: Dashboard?, _ id: DashboardID, for principal: Principal, _ operation: Permissions.Operation
    ) throws(APIError) -> Dashboard {
        guard let dashboard else { throw .notFound(.dashboard, id.uuid) }
        var owner = Permissions.Owner(tenant: dashboard.tenantID)
        owner.isAssigned = principal.authority == .customerUser && dashboard.isAssigned(to: principal.customerID)
        try Permissions.require(principal, operation, .dashboard, of: owner)
        return dashboard
    }
}
