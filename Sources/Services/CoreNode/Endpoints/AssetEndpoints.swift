internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Assets: reading, listing, assigning, deleting (`rest-api.md` 4.6). Saving is in `AssetSaving`.
struct AssetEndpoints: EndpointGroup {
    let services: Services

    private static let lists: [QueryParameter] = .page + [.text("type")]
    private static let infoLists: [QueryParameter] = lists + [.uuid("assetProfileId")]

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/asset/{assetId}", roles: [.tenant, .customer], read)
                .docs("An asset", answer: "Asset"),
            Endpoint(.get, "/api/asset/info/{assetId}", roles: [.tenant, .customer], readInfo)
                .docs("An asset with its customer's title", answer: "AssetInfo"),
            Endpoint(.get, "/api/asset/types", roles: [.tenant, .customer], types)
                .docs("Types that assets have", answer: .list("EntitySubtype")),
            Endpoint(.delete, "/api/asset/{assetId}", roles: .tenant, delete)
                .docs("Deletes an asset", answer: .nothing),
            Endpoint(.get, "/api/tenant/assets", roles: .tenant, list)
                .docs("Assets of the tenant", query: Self.lists + [.text("assetName")], answer: .page("Asset")),
            Endpoint(.get, "/api/tenant/asset", roles: .tenant, byName)
                .docs("The asset of a name", query: [.text("assetName").required], answer: "Asset"),
            Endpoint(.get, "/api/tenant/assetInfos", roles: .tenant, listInfos)
                .docs("Assets of the tenant", query: Self.infoLists, answer: .page("AssetInfo")),
            Endpoint(.get, "/api/assets", roles: [.tenant, .customer], byIDs)
                .docs("Assets by their ids", query: [.uuids("assetIds").required], answer: .list("Asset")),
            Endpoint(.get, "/api/assets/list", roles: [.tenant, .customer], byIDs)
                .docs("Assets by their ids", query: [.uuids("assetIds").required], answer: .list("Asset")),
            Endpoint(.post, "/api/assets", roles: [.tenant, .customer], search)
                .docs("Assets that relations lead to", body: "AssetSearchQuery", answer: .list("Asset")),
            Endpoint(.get, "/api/customer/{customerId}/assets", roles: [.tenant, .customer], listOfCustomer)
                .docs("Assets of a customer", query: Self.lists, answer: .page("Asset")),
            Endpoint(.get, "/api/customer/{customerId}/assetInfos", roles: [.tenant, .customer], listInfosOfCustomer)
                .docs("Assets of a customer", query: Self.infoLists, answer: .page("AssetInfo")),
            Endpoint(.post, "/api/customer/{customerId}/asset/{assetId}", roles: .tenant, assign)
                .docs("Assigns an asset to a customer", answer: "Asset"),
            Endpoint(.post, "/api/customer/public/asset/{assetId}", roles: .tenant, makePublic)
                .docs("Lets everybody see an asset", answer: "Asset"),
            Endpoint(.delete, "/api/customer/asset/{assetId}", roles: .tenant, unassign)
                .docs("Takes an asset back from its customer", answer: "Asset"),
        ]
    }

    static let schemas = [
        "Asset": """
        id:id(ASSET) createdTime:integer tenantId:id(TENANT) customerId:id(CUSTOMER) name:string! type:string label:string \
        assetProfileId:id(ASSET_PROFILE) externalId:id(ASSET) version:integer additionalInfo:any
        """,
        "AssetInfo": """
        id:id(ASSET) createdTime:integer tenantId:id(TENANT) customerId:id(CUSTOMER) name:string! type:string label:string \
        assetProfileId:id(ASSET_PROFILE) externalId:id(ASSET) version:integer additionalInfo:any customerTitle:string \
        customerIsPublic:boolean assetProfileName:string
        """,
    ]

    // MARK: - One

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await services.asset(try call.id("assetId"), for: principal, .read))
    }

    @Sendable private func readInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let id: AssetID = try call.id("assetId")
        guard let info = try await services.assets.info(id) else { throw APIError.notFound(.asset, id.uuid) }
        try Permissions.require(principal, .read, .asset, of: Permissions.Owner(info.asset))
        return .json(info)
    }

    @Sendable private func byName(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let name = try call.requiredText("assetName")
        guard let asset = try await services.assets.find(name: name, tenant: principal.tenantID) else {
            throw APIError.itemNotFound
        }
        return .json(asset)
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let asset = try await services.asset(try call.id("assetId"), for: principal, .delete)
        if try await services.entityViews.isReferenced(asset.id.entityID, tenant: principal.tenantID) {
            throw APIError.invalid("Can't delete asset that has entity views or is referenced in calculated fields!")
        }
        let isDeleted = try await services.database.inTransaction { transaction in
            guard try await AssetRepository(transaction).delete(asset.id, tenant: principal.tenantID) else {
                return false
            }
            // A view may have been made meanwhile.
            if try await EntityViewRepository(transaction).isReferenced(
                asset.id.entityID, tenant: principal.tenantID)
            {
                throw APIError.invalid(
                    "Can't delete asset that has entity views or is referenced in calculated fields!")
            }
            return true
        }
        guard isDeleted else { throw APIError.notFound(.asset, asset.id.uuid) }
        await services.actions.record(.deleted(ActionSubject(asset)), by: principal)
        services.housekeeper.entityDeleted(asset.id.uuid, of: asset.tenantID)
        return .empty(200)
    }

    // MARK: - Lists

    /// One path for two: with `assetName` the asset of that name.
    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        if call.query.first("assetName") != nil { return try await byName(call, principal) }
        let filter = AssetRepository.Filter(type: call.text("type"))
        return .json(try await services.assets.page(tenant: principal.tenantID, filter, try call.pageLink()))
    }

    @Sendable private func listInfos(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(
            try await services.assets.infoPage(
                tenant: principal.tenantID, try filter(call, customer: nil), try call.pageLink()))
    }

    @Sendable private func listOfCustomer(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let customer = try await services.customer(try call.id("customerId"), for: principal, .read)
        let filter = AssetRepository.Filter(customer: customer.id, type: call.text("type"))
        return .json(try await services.assets.page(tenant: principal.tenantID, filter, try call.pageLink()))
    }

    @Sendable private func listInfosOfCustomer(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let customer = try await services.customer(try call.id("customerId"), for: principal, .read)
        return .json(
            try await services.assets.infoPage(
                tenant: principal.tenantID, try filter(call, customer: customer.id), try call.pageLink()))
    }

    private func filter(_ call: Call, customer: CustomerID?) throws(APIError) -> AssetRepository.Filter {
        AssetRepository.Filter(
            customer: customer, type: call.text("type"),
            assetProfile: try call.uuid(query: "assetProfileId").map(AssetProfileID.init))
    }

    @Sendable private func byIDs(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(
            try await services.assets.find(
                try call.requiredIDs("assetIds"), tenant: principal.tenantID, customer: principal.customerFilter))
    }

    @Sendable private func search(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let query = try EntitySearchQuery(try call.object(), finding: .asset, types: "assetTypes")
        let ids = try await query.run(for: principal, in: services)
        let assets = try await services.assets.find(
            ids, tenant: principal.tenantID, customer: principal.customerFilter)
        return .json(assets.filter { query.accepts(type: $0.type) })
    }

    @Sendable private func types(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let types = try await services.assets.types(tenant: principal.tenantID)
        return .json(types.map { EntitySubtype(tenant: principal.tenantID, entityType: .asset, type: $0) })
    }

    // MARK: - Assigning

    @Sendable private func assign(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let customer = try await services.customer(try call.id("customerId"), for: principal, .read)
        let asset = try await services.asset(try call.id("assetId"), for: principal, .assignToCustomer)
        return try await assign(asset, to: customer, principal)
    }

    @Sendable private func makePublic(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let asset = try await services.asset(try call.id("assetId"), for: principal, .assignToCustomer)
        let customer = try await services.customers.findOrCreatePublic(tenant: principal.tenantID, now: call.now)
        return try await assign(asset, to: customer, principal)
    }

    private func assign(_ asset: Asset, to customer: Customer, _ principal: Principal) async throws -> HTTPResponse {
        let assigned = asset.customerID == customer.id ? asset : try await reassign(asset, to: customer.id)
        await services.actions.record(
            .assigned(ActionSubject(assigned), to: customer.id, title: customer.title), by: principal)
        return .json(assigned)
    }

    @Sendable private func unassign(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let asset = try await services.asset(try call.id("assetId"), for: principal, .assignToCustomer)
        if asset.customerID.isNull { throw APIError.invalid("Asset isn't assigned to any customer!") }
        let former = try await services.customers.find(asset.customerID)
        let updated = try await reassign(asset, to: .null)
        await services.actions.record(
            .unassigned(ActionSubject(updated), from: asset.customerID, title: former?.title ?? ""), by: principal)
        return .json(updated)
    }

    private func reassign(_ asset: Asset, to customer: CustomerID) async throws -> Asset {
        let updated = try await services.assets.assign(asset.id, tenant: asset.tenantID, customer: customer)
        guard let updated else { throw APIError.notFound(.asset, asset.id.uuid) }
        return updated
    }
}

extension Services {
    /// The asset, if the caller may do `operation` with it.
    func asset(_ id: AssetID, for principal: Principal, _ operation: Permissions.Operation) async throws -> Asset {
        guard let asset = try await assets.find(id) else { throw APIError.notFound(.asset, id.uuid) }
        try Permissions.require(principal, operation, .asset, of: Permissions.Owner(asset))
        return asset
    }
}

extension Permissions.Owner {
    init(_ asset: Asset) { self.init(tenant: asset.tenantID, customer: asset.customerID) }
}

extension ActionSubject {
    init(_ asset: Asset) {
        self.init(
            asset, tenant: asset.tenantID, asset.id, customer: asset.customerID, name: asset.name,
            profile: asset.assetProfileID.entityID)
    }

    init(_ profile: AssetProfile) {
        self.init(profile, tenant: profile.tenantID, profile.id, name: profile.name, profile: profile.id.entityID)
    }
}
