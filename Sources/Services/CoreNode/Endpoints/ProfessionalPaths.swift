internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Lists under the paths of the reference platform's professional edition, which its published Python client asks for
/// (`rest-api.md` 4.21): all that the caller may see, a tenant's or a customer's.
struct ProfessionalPaths: EndpointGroup {
    let services: Services

    private static let lists: [QueryParameter] = .page + [.text("type")]
    private static let deviceLists: [QueryParameter] = lists + [.uuid("deviceProfileId"), .boolean("active")]

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/deviceInfos/all", roles: [.tenant, .customer], deviceInfos)
                .docs("Devices of the caller", query: Self.deviceLists, answer: .page("DeviceInfo")),
            Endpoint(.get, "/api/user/devices", roles: [.tenant, .customer], devices)
                .docs("Devices of the caller", query: Self.deviceLists, answer: .page("Device")),
            Endpoint(.get, "/api/assetInfos/all", roles: [.tenant, .customer], assetInfos)
                .docs(
                    "Assets of the caller", query: Self.lists + [.uuid("assetProfileId")], answer: .page("AssetInfo")),
            Endpoint(.get, "/api/user/assets", roles: [.tenant, .customer], assets)
                .docs("Assets of the caller", query: Self.lists, answer: .page("Asset")),
            Endpoint(.get, "/api/entityViewInfos/all", roles: [.tenant, .customer], viewInfos)
                .docs("Entity views of the caller", query: Self.lists, answer: .page("EntityViewInfo")),
            Endpoint(.get, "/api/user/entityViews", roles: [.tenant, .customer], views)
                .docs("Entity views of the caller", query: Self.lists, answer: .page("EntityView")),
            Endpoint(.get, "/api/dashboards/all", roles: [.tenant, .customer], dashboards)
                .docs("Dashboards of the caller", query: .page, answer: .page("DashboardInfo")),
        ]
    }

    private func deviceFilter(_ call: Call, _ principal: Principal) throws(APIError) -> DeviceRepository.Filter {
        DeviceRepository.Filter(
            customer: principal.customerFilter, type: call.text("type"),
            deviceProfile: try call.uuid(query: "deviceProfileId").map(DeviceProfileID.init),
            isActive: try call.boolean("active"))
    }

    @Sendable private func deviceInfos(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(
            try await services.devices.infoPage(
                tenant: principal.tenantID, try deviceFilter(call, principal), try call.pageLink()))
    }

    @Sendable private func devices(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(
            try await services.devices.page(
                tenant: principal.tenantID, try deviceFilter(call, principal), try call.pageLink()))
    }

    private func assetFilter(_ call: Call, _ principal: Principal) throws(APIError) -> AssetRepository.Filter {
        AssetRepository.Filter(
            customer: principal.customerFilter, type: call.text("type"),
            assetProfile: try call.uuid(query: "assetProfileId").map(AssetProfileID.init))
    }

    @Sendable private func assetInfos(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(
            try await services.assets.infoPage(
                tenant: principal.tenantID, try assetFilter(call, principal), try call.pageLink()))
    }

    @Sendable private func assets(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(
            try await services.assets.page(
                tenant: principal.tenantID, try assetFilter(call, principal), try call.pageLink()))
    }

    private func viewFilter(_ call: Call, _ principal: Principal) -> EntityViewRepository.Filter {
        EntityViewRepository.Filter(customer: principal.customerFilter, type: call.text("type"))
    }

    @Sendable private func viewInfos(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(
            try await services.entityViews.infoPage(
                tenant: principal.tenantID, viewFilter(call, principal), try call.pageLink()))
    }

    @Sendable private func views(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(
            try await services.entityViews.page(
                tenant: principal.tenantID, viewFilter(call, principal), try call.pageLink()))
    }

    @Sendable private func dashboards(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let page = try await services.dashboards.page(
            tenant: principal.tenantID, customer: principal.customerFilter, mobile: false, try call.pageLink())
        return .json { $0.page(page) { dashboard, writer in DashboardInfo(dashboard: dashboard).write(to: &writer) } }
    }
}
