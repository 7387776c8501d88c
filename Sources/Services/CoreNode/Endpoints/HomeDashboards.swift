internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// The dashboard that somebody sees first: the user's, else the customer's, else the tenant's (`rest-api.md` 4.12).
struct HomeDashboards: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/dashboard/home", roles: .everyone, home)
                .docs("The caller's home dashboard, or nothing", answer: "HomeDashboard"),
            Endpoint(.get, "/api/dashboard/home/info", roles: .everyone, homeInfo)
                .docs("Which dashboard is the caller's home, or nothing", answer: "HomeDashboardInfo"),
            Endpoint(.get, "/api/tenant/dashboard/home/info", roles: .tenant, tenantHomeInfo)
                .docs("Which dashboard is the tenant's home", answer: "HomeDashboardInfo"),
            Endpoint(.post, "/api/tenant/dashboard/home/info", roles: .tenant, saveTenantHome)
                .docs("Says which dashboard is the tenant's home", body: "HomeDashboardInfo", answer: .nothing),
        ]
    }

    static let schemas = ["HomeDashboardInfo": "dashboardId:id(DASHBOARD) hideDashboardToolbar:boolean"]

    private static let idMember = "homeDashboardId"
    private static let toolbarMember = "homeDashboardHideToolbar"

    // MARK: - The caller's

    @Sendable private func home(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        guard let info = try await resolve(principal), let id = info.dashboardID,
            let dashboard = try await services.dashboards.find(DashboardID(id))
        else { return HTTPResponse(status: 200, fields: [("Content-Type", "application/json")], body: []) }
        return .json(HomeDashboard(dashboard: dashboard, hidesToolbar: info.hidesToolbar))
    }

    @Sendable private func homeInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        guard let info = try await resolve(principal) else { return .empty(200) }
        return .json(info)
    }

    /// The first dashboard named that the caller may look at.
    private func resolve(_ principal: Principal) async throws -> HomeDashboardInfo? {
        if principal.authority == .systemAdministrator { return nil }
        var places: [RawJSON?] = [try await services.users.find(principal.userID)?.additionalInfo]
        if principal.authority == .customerUser {
            places.append(try await services.customers.find(principal.customerID)?.additionalInfo)
        }
        places.append(try await services.tenants.find(principal.tenantID)?.additionalInfo)
        for place in places {
            guard let info = info(in: place), let id = info.dashboardID else { continue }
            let readable = try await services.readable(
                [EntityID(type: .dashboard, uuid: id)], for: principal)
            if !readable.isEmpty { return info }
        }
        return nil
    }

    private func info(in document: RawJSON?) -> HomeDashboardInfo? {
        guard let value = document?.value, let text = value[Self.idMember]?.stringValue, let id = UUID128(text) else {
            return nil
        }
        return HomeDashboardInfo(dashboardID: id, hidesToolbar: value[Self.toolbarMember]?.boolValue ?? true)
    }

    // MARK: - The tenant's

    @Sendable private func tenantHomeInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let tenant = try await services.tenants.find(principal.tenantID)
        return .json(info(in: tenant?.additionalInfo) ?? HomeDashboardInfo(dashboardID: nil, hidesToolbar: true))
    }

    @Sendable private func saveTenantHome(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        let dashboard: DashboardID? = try body.id("dashboardId")
        let hidesToolbar = try body.boolean("hideDashboardToolbar") ?? true
        if let dashboard { _ = try await services.dashboardInfo(dashboard, for: principal, .read) }
        let tenant = try await services.database.inTransaction { transaction in
            try await TenantRepository(transaction).changeAdditionalInfo(of: principal.tenantID) { info in
                info[Self.idMember] = dashboard.map { .string($0.description) }
                info[Self.toolbarMember] = dashboard.map { _ in .bool(hidesToolbar) }
            }
        }
        guard let tenant else { throw APIError.notFound(.tenant, principal.tenantID.uuid) }
        await services.actions.record(.updated(ActionSubject(tenant)), by: principal)
        return .empty(200)
    }
}
