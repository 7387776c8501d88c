internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Asset profiles (`rest-api.md` 4.6).
struct AssetProfileEndpoints: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/assetProfile/{assetProfileId}", roles: .tenant, read)
                .docs("An asset profile", answer: "AssetProfile"),
            Endpoint(.post, "/api/assetProfile", roles: .tenant, save)
                .docs("Creates or changes an asset profile", body: "AssetProfile", answer: "AssetProfile"),
            Endpoint(.delete, "/api/assetProfile/{assetProfileId}", roles: .tenant, delete)
                .docs("Deletes an asset profile that no asset has", answer: .nothing),
            Endpoint(.post, "/api/assetProfile/{assetProfileId}/default", roles: .tenant, makeDefault)
                .docs("Makes a profile the one of assets without another", answer: "AssetProfile"),
            Endpoint(.get, "/api/assetProfiles", roles: .tenant, list)
                .docs("Asset profiles of the tenant", query: .page, answer: .page("AssetProfile")),
            Endpoint(.get, "/api/assetProfile/names", roles: [.tenant, .customer], names)
                .docs("Names of asset profiles", query: [.boolean("activeOnly")], answer: .list("EntityInfo")),
            Endpoint(.get, "/api/assetProfileInfo/{assetProfileId}", roles: [.tenant, .customer], readInfo)
                .docs("An asset profile in short", answer: "AssetProfileInfo"),
            Endpoint(.get, "/api/assetProfileInfo/default", roles: [.tenant, .customer], defaultInfo)
                .docs("The profile of assets without another", answer: "AssetProfileInfo"),
            Endpoint(.get, "/api/assetProfileInfos", roles: [.tenant, .customer], listInfos)
                .docs(
                    "Asset profiles in short", query: .page + [.uuids("assetProfileIds")],
                    answer: .page("AssetProfileInfo")),
            Endpoint(.get, "/api/assetProfileInfos/list", roles: [.tenant, .customer], infosByIDs)
                .docs(
                    "Asset profiles by their ids", query: [.uuids("assetProfileIds").required],
                    answer: .list("AssetProfileInfo")),
        ]
    }

    static let schemas = [
        "AssetProfile": """
        id:id(ASSET_PROFILE) createdTime:integer tenantId:id(TENANT) name:string! description:string image:string \
        defaultRuleChainId:id(RULE_CHAIN) defaultDashboardId:id(DASHBOARD) defaultQueueName:string \
        defaultEdgeRuleChainId:id(RULE_CHAIN) externalId:id(ASSET_PROFILE) version:integer default:boolean
        """
    ]

    // MARK: - Reading

    private func find(_ call: Call, for principal: Principal) async throws -> AssetProfile {
        let id: AssetProfileID = try call.id("assetProfileId")
        if let profile = try await services.assetProfiles.find(id, tenant: principal.tenantID) { return profile }
        throw try await missing(id, principal)
    }

    /// A profile of another tenant is there, but not for the caller (`rest-api.md` 1.13).
    private func missing(_ id: AssetProfileID, _ principal: Principal) async throws -> APIError {
        let isForeign = try await services.assetProfiles.belongsToOther(id, than: principal.tenantID)
        return isForeign ? .permissionDenied : .notFound(.assetProfile, id.uuid)
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await find(call, for: principal))
    }

    @Sendable private func readInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let id: AssetProfileID = try call.id("assetProfileId")
        if let info = try await services.assetProfiles.info(id, tenant: principal.tenantID) { return .json(info) }
        throw try await missing(id, principal)
    }

    @Sendable private func defaultInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        guard let info = try await services.assetProfiles.defaultInfo(tenant: principal.tenantID) else {
            throw APIError.itemNotFound
        }
        return .json(info)
    }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await services.assetProfiles.page(tenant: principal.tenantID, try call.pageLink()))
    }

    /// One path for two: with `assetProfileIds` those profiles.
    @Sendable private func listInfos(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        if call.query.first("assetProfileIds") != nil { return try await infosByIDs(call, principal) }
        return .json(try await services.assetProfiles.infoPage(tenant: principal.tenantID, try call.pageLink()))
    }

    @Sendable private func infosByIDs(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(
            try await services.assetProfiles.infos(
                try call.requiredIDs("assetProfileIds"), tenant: principal.tenantID))
    }

    @Sendable private func names(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let names = try await services.assetProfiles.names(
            tenant: principal.tenantID, activeOnly: try call.boolean("activeOnly") ?? false)
        return .json(names.map { EntityInfo(entity: $0.id.entityID, name: $0.name) })
    }

    // MARK: - Changing

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let profile = try await find(call, for: principal)
        if profile.isDefault { throw APIError.invalid("Deletion of Default Asset Profile is prohibited!") }
        if try await services.assetProfiles.isInUse(profile.id, tenant: principal.tenantID) {
            throw APIError.invalid("The asset profile referenced by the assets cannot be deleted!")
        }
        let isDeleted = try await services.database.inTransaction { transaction in
            try await AssetProfileRepository(transaction).delete(profile.id, tenant: principal.tenantID)
        }
        guard isDeleted else { throw APIError.notFound(.assetProfile, profile.id.uuid) }
        await services.actions.record(.deleted(ActionSubject(profile)), by: principal)
        services.housekeeper.entityDeleted(profile.id.uuid, of: profile.tenantID)
        return .empty(200)
    }

    @Sendable private func makeDefault(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let profile = try await find(call, for: principal)
        let updated = try await services.database.inTransaction { transaction in
            try await AssetProfileRepository(transaction).makeDefault(profile.id, tenant: principal.tenantID)
        }
        guard let updated else { throw APIError.notFound(.assetProfile, profile.id.uuid) }
        await services.actions.record(.updated(ActionSubject(updated)), by: principal)
        return .json(updated)
    }

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        var profile = try described(body, principal, now: call.now)
        try await ProfileReferences(
            ruleChains: [profile.defaultRuleChainID, profile.defaultEdgeRuleChainID],
            dashboard: profile.defaultDashboardID, queue: profile.defaultQueueName
        ).check(tenant: principal.tenantID, "Asset", in: services)
        guard let id: AssetProfileID = try body.id("id") else {
            if profile.isDefault {
                throw APIError.invalid("Another default asset profile is present in scope of current tenant!")
            }
            profile.id = AssetProfileID(.ordered())
            try await services.assetProfiles.insert(profile)
            await services.actions.record(.added(ActionSubject(profile)), by: principal)
            return .json(profile)
        }
        guard let stored = try await services.assetProfiles.find(id, tenant: principal.tenantID) else {
            throw try await missing(id, principal)
        }
        profile.id = id
        profile.createdTime = stored.createdTime
        // Which one is the default has an endpoint of its own.
        profile.isDefault = stored.isDefault
        let described = profile
        let version = try body.integer("version")
        let updated = try await services.database.inTransaction { transaction in
            try await AssetProfileRepository(transaction).update(described, replacing: version)
        }
        await services.actions.record(
            .updated(ActionSubject(updated)), by: principal,
            event: .assetChanged(tenant: updated.tenantID, entity: updated.id.entityID))
        return .json(updated)
    }

    private func described(
        _ body: RequestObject, _ principal: Principal, now: Int64
    ) throws(APIError) -> AssetProfile {
        var profile = AssetProfile(
            id: .null, createdTime: now, tenantID: principal.tenantID, name: try body.text("name") ?? "",
            description: try body.storedText("description"))
        var validation = Validation()
        validation.text("name", profile.name)
        validation.text("description", profile.description, maximum: 1_000_000)
        try validation.check()
        _ = try Validation.name("Asset profile name", profile.name)
        profile.image = try body.storedText("image")
        profile.defaultRuleChainID = try body.uuid("defaultRuleChainId", .ruleChain)
        profile.defaultDashboardID = try body.uuid("defaultDashboardId", .dashboard)
        profile.defaultQueueName = try body.storedText("defaultQueueName")
        profile.defaultEdgeRuleChainID = try body.uuid("defaultEdgeRuleChainId", .ruleChain)
        profile.isDefault = try body.boolean("default") ?? false
        profile.externalID = try body.uuid("externalId", .assetProfile)
        return profile
    }
}
