internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Saving assets (`rest-api.md` 3.3, 4.6).
struct AssetSaving: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            Endpoint(.post, "/api/asset", roles: [.tenant, .customer], save)
                .docs("Creates or changes an asset", query: .nameConflict, body: "Asset", answer: "Asset")
        ]
    }

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        if let id: AssetID = try body.id("id") { return .json(try await update(id, body, principal, now: call.now)) }
        return .json(try await create(body, principal, try NameConflictPolicy(call), now: call.now))
    }

    func create(
        _ body: RequestObject, _ principal: Principal, _ policy: NameConflictPolicy, now: Int64
    ) async throws -> Asset {
        try Permissions.require(
            principal, .create, .asset,
            of: Permissions.Owner(tenant: principal.tenantID, customer: principal.customerID))
        var asset = try described(body, principal, now: now)
        asset.id = AssetID(.ordered())
        try await resolveProfile(of: &asset, now: now)
        try await services.checkAssignable(asset.customerID, of: asset.tenantID, "asset")
        let described = asset
        let created = try await policy.apply(to: asset.name, conflict: "Asset with such name already exists!") { name in
            var asset = described
            asset.name = name
            let created = asset
            try await services.database.inTransaction { transaction in
                try await EntityLimits(transaction).check(.asset, tenant: created.tenantID)
                try await AssetRepository(transaction).insert(created)
            }
            return created
        }
        await services.actions.record(.added(ActionSubject(created)), by: principal)
        return created
    }

    func update(_ id: AssetID, _ body: RequestObject, _ principal: Principal, now: Int64) async throws -> Asset {
        let stored = try await services.asset(id, for: principal, .write)
        var asset = try described(body, principal, now: now)
        asset.id = id
        asset.createdTime = stored.createdTime
        if principal.authority == .customerUser { asset.customerID = stored.customerID }
        if !body.contains("assetProfileId"), !body.contains("type") {
            asset.assetProfileID = stored.assetProfileID
            asset.type = stored.type
        }
        try await resolveProfile(of: &asset, now: now)
        try await services.checkAssignable(asset.customerID, of: asset.tenantID, "asset")
        let updated = try await services.assets.update(asset, replacing: try body.integer("version"))
        await services.actions.record(.updated(ActionSubject(updated)), by: principal)
        return updated
    }

    /// The asset in `body`, its profile still to be found.
    private func described(_ body: RequestObject, _ principal: Principal, now: Int64) throws(APIError) -> Asset {
        let customer: CustomerID? = try body.id("customerId")
        let asset = Asset(
            id: .null, createdTime: now, tenantID: principal.tenantID, customerID: customer ?? .null,
            name: try body.text("name") ?? "", type: try body.storedText("type") ?? "",
            label: try body.storedText("label"), assetProfileID: try body.id("assetProfileId") ?? .null,
            externalID: try body.uuid("externalId", .asset), additionalInfo: body.document("additionalInfo"))
        var validation = Validation()
        validation.text("name", asset.name)
        validation.text("type", asset.type)
        validation.text("label", asset.label)
        try validation.check()
        _ = try Validation.name("Asset name", asset.name)
        return asset
    }

    /// The rules of devices' profiles, for assets (`rest-api.md` 3.2, "Device save rules").
    private func resolveProfile(of asset: inout Asset, now: Int64) async throws {
        let profile: AssetProfile
        if !asset.assetProfileID.isNull {
            guard let found = try await services.assetProfiles.find(asset.assetProfileID, tenant: asset.tenantID) else {
                let isForeign = try await services.assetProfiles.belongsToOther(
                    asset.assetProfileID, than: asset.tenantID)
                throw APIError.invalid(
                    isForeign
                        ? "Asset can`t be referencing to asset profile from different tenant!"
                        : "Asset is referencing non existing asset profile!")
            }
            profile = found
        } else if !asset.type.isEmpty {
            profile = try await services.assetProfiles.findOrCreate(name: asset.type, tenant: asset.tenantID, now: now)
        } else {
            guard let found = try await services.assetProfiles.findDefault(tenant: asset.tenantID) else {
                throw APIError.invalid("Asset is referencing non existing asset profile!")
            }
            profile = found
        }
        asset.assetProfileID = profile.id
        asset.type = profile.name
    }
}
