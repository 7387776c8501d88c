internal import HTTPServer
internal import Model
internal import Storage

/// Tenants, as far as they are read (`rest-api.md` 4.2).
struct TenantEndpoints: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/tenant/{tenantId}", roles: [.system, .tenant], read),
            Endpoint(.get, "/api/tenant/info/{tenantId}", roles: [.system, .tenant], readInfo),
            Endpoint(.get, "/api/tenants", roles: .system, list),
        ]
    }

    private func find(_ call: Call, for principal: Principal) async throws -> Tenant {
        let id: TenantID = try call.id("tenantId")
        guard let tenant = try await services.tenants.find(id) else { throw APIError.notFound(.tenant, id.uuid) }
        try Permissions.require(principal, .read, .tenant, of: Permissions.Owner(tenant: id))
        return tenant
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await find(call, for: principal))
    }

    @Sendable private func readInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let tenant = try await find(call, for: principal)
        return .json { tenant.write(asInfo: true, to: &$0) }
    }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await services.tenants.page(try call.pageLink()))
    }
}
