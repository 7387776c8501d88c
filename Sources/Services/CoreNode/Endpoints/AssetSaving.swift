internal import HTTPServer
internal import JSON
internal import Model
internal import Storage
internal import Synchronization

/// Saving assets (`rest-api.md` 3.3, 4.6).
struct AssetSaving: EndpointGroup {
    let services: Services
    /// Profiles that a transaction has read.
    var known: KnownProfiles?

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
        let profile = try await resolveProfile(of: &asset, now: now)
        try await services.checkAssignable(asset.customerID, of: asset.tenantID, "asset")
        let described = asset
        let created = try await policy.apply(to: asset.name, conflict: "Asset with such name already exists!") { name in
            var asset = described
            asset.name = name
            let created = asset
            try await services.database.inTransaction { transaction in
                try await EntityLimits(transaction).check(.asset, tenant: created.tenantID)
                try await Services.hold(created.customerID, for: "asset", in: transaction)
                try await AssetRepository(transaction).insert(created)
            }
            return created
        }
        var subject = ActionSubject(created)
        subject.route = MessageRoute(profile)
        await services.actions.record(.added(subject), by: principal)
        return created
    }

    func update(_ id: AssetID, _ body: RequestObject, _ principal: Principal, now: Int64) async throws -> Asset {
        try await update(try await services.asset(id, for: principal, .write), body, principal, now: now)
    }

    /// - Parameter stored: The asset as the caller found it, who may change it.
    func update(_ stored: Asset, _ body: RequestObject, _ principal: Principal, now: Int64) async throws -> Asset {
        var asset = try described(body, principal, now: now)
        asset.id = stored.id
        asset.createdTime = stored.createdTime
        if principal.authority == .customerUser { asset.customerID = stored.customerID }
        if !body.contains("assetProfileId"), !body.contains("type") {
            asset.assetProfileID = stored.assetProfileID
            asset.type = stored.type
        }
        let profile = try await resolveProfile(of: &asset, now: now)
        try await services.checkAssignable(asset.customerID, of: asset.tenantID, "asset")
        let changed = asset
        let version = try body.integer("version")
        let updated: Asset
        if changed.customerID == stored.customerID {
            updated = try await services.assets.update(changed, replacing: version)
        } else {
            updated = try await services.database.inTransaction { transaction in
                try await Services.hold(changed.customerID, for: "asset", in: transaction)
                return try await AssetRepository(transaction).update(changed, replacing: version)
            }
        }
        var subject = ActionSubject(updated)
        subject.route = MessageRoute(profile)
        await services.actions.record(
            .updated(subject), by: principal,
            event: .assetChanged(tenant: updated.tenantID, entity: updated.id.entityID))
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

    private func find(_ id: AssetProfileID, tenant: TenantID) async throws -> AssetProfile? {
        if let profile = known?.assets.withLock({ $0[id.uuid] }), profile.tenantID == tenant { return profile }
        let found = try await services.assetProfiles.find(id, tenant: tenant)
        if let found { known?.assets.withLock { $0[id.uuid] = found } }
        return found
    }

    /// The rules of devices' profiles, for assets (`rest-api.md` 3.2, "Device save rules").
    private func resolveProfile(of asset: inout Asset, now: Int64) async throws -> AssetProfile {
        let profile: AssetProfile
        if !asset.assetProfileID.isNull {
            guard let found = try await find(asset.assetProfileID, tenant: asset.tenantID) else {
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
        return profile
    }
}
