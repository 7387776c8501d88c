internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Tenant profiles: what tenants may do, and how much (`rest-api.md` 4.2).
struct TenantProfileEndpoints: EndpointGroup {
    let services: Services

    static let schemas = [
        "TenantProfile": """
        id:id(TENANT_PROFILE) createdTime:integer name:string! description:string isolatedTbRuleEngine:boolean \
        default:boolean profileData:object!
        """,
        "EntityInfo": "id:id name:string",
    ]

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/tenantProfile/{id}", roles: .system, read)
                .docs("A tenant profile", answer: "TenantProfile"),
            Endpoint(.get, "/api/tenantProfileInfo/{id}", roles: .system, readInfo)
                .docs("The name of a tenant profile", answer: "EntityInfo"),
            Endpoint(.get, "/api/tenantProfileInfo/default", roles: .system, readDefaultInfo)
                .docs("The name of the default profile", answer: "EntityInfo"),
            Endpoint(.post, "/api/tenantProfile", roles: .system, save)
                .docs("Creates or changes a tenant profile", body: "TenantProfile", answer: "TenantProfile"),
            Endpoint(.post, "/api/tenantProfile/{id}/default", roles: .system, makeDefault)
                .docs("Makes a profile that of new tenants", answer: "TenantProfile"),
            Endpoint(.delete, "/api/tenantProfile/{id}", roles: .system, delete)
                .docs("Deletes a tenant profile", answer: .nothing),
            Endpoint(.get, "/api/tenantProfiles", roles: .system, list)
                .docs("Tenant profiles", query: .page, answer: .page("TenantProfile")),
            Endpoint(.get, "/api/tenantProfiles/list", roles: .system, byIDs)
                .docs("Tenant profiles by their ids", query: [.uuids("ids").required], answer: .list("TenantProfile")),
            Endpoint(.get, "/api/tenantProfileInfos", roles: .system, listInfos)
                .docs("The names of tenant profiles", query: .page, answer: .page("EntityInfo")),
        ]
    }

    private func find(_ call: Call) async throws -> TenantProfile {
        let id: TenantProfileID = try call.id("id")
        guard let profile = try await services.tenantProfiles.find(id) else {
            throw APIError.notFound(.tenantProfile, id.uuid)
        }
        return profile
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await find(call))
    }

    @Sendable private func readInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let profile = try await find(call)
        return .json { profile.writeInfo(to: &$0) }
    }

    @Sendable private func readDefaultInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        guard let profile = try await services.tenantProfiles.findDefault() else { throw APIError.itemNotFound }
        return .json { profile.writeInfo(to: &$0) }
    }

    /// One path for two: with `ids` the profiles of those ids.
    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try call.requireForm(["pageSize", "page"], ["ids"])
        if call.query.first("ids") != nil { return try await byIDs(call, principal) }
        return .json(try await services.tenantProfiles.page(try call.pageLink()))
    }

    @Sendable private func byIDs(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await services.tenantProfiles.find(try call.requiredIDs("ids")))
    }

    @Sendable private func listInfos(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let page = try await services.tenantProfiles.page(try call.pageLink())
        return .json { $0.page(page) { profile, writer in profile.writeInfo(to: &writer) } }
    }

    // MARK: - Changing

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        let name = try body.text("name")
        let description = try body.storedText("description")
        var validation = Validation()
        validation.text("name", name)
        validation.text("description", description, maximum: 1_000_000)
        try validation.check()
        var profile = TenantProfile(
            id: TenantProfileID(.ordered()), createdTime: call.now,
            name: try Validation.name("Tenant profile name", name), description: description,
            isolatesRuleEngine: try body.boolean("isolatedTbRuleEngine") ?? false,
            profileData: try TenantProfileData.checked(body))
        guard let id: TenantProfileID = try body.id("id") else {
            if try body.boolean("default") ?? false {
                throw APIError.invalid("Another default tenant profile is present!")
            }
            try await services.tenantProfiles.insert(profile)
            await services.actions.record(.added(ActionSubject(profile)), by: principal)
            return .json(profile)
        }
        guard let stored = try await services.tenantProfiles.find(id) else {
            throw APIError.notFound(.tenantProfile, id.uuid)
        }
        if stored.isolatesRuleEngine != profile.isolatesRuleEngine {
            throw APIError.invalid("Can't update isolatedTbRuleEngine property!")
        }
        profile.id = id
        profile.createdTime = stored.createdTime
        // Which one is the default has an endpoint of its own.
        profile.isDefault = stored.isDefault
        try await services.tenantProfiles.update(profile)
        services.limits.forget()
        if profile.isolatesRuleEngine { try await services.tenantQueues.follow(profile: profile.id, now: call.now) }
        await services.actions.record(
            .updated(ActionSubject(profile)), by: principal,
            event: .tenantProfileChanged(
                profile.id, configuration: profile.profileData.value["configuration"] ?? .null))
        return .json(profile)
    }

    @Sendable private func makeDefault(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let id = try await find(call).id
        try await services.database.inTransaction { transaction in
            try await TenantProfileRepository(transaction).makeDefault(id)
        }
        let profile = try await find(call)
        await services.actions.record(.updated(ActionSubject(profile)), by: principal)
        return .json(profile)
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let profile = try await find(call)
        if profile.isDefault { throw APIError.invalid("Deletion of Default Tenant Profile is prohibited!") }
        do {
            try await services.tenantProfiles.delete(profile.id)
        } catch {
            guard StorageFailure.violation(error) != nil else { throw error }
            throw APIError.invalid("The tenant profile referenced by the tenants cannot be deleted!")
        }
        await services.actions.record(.deleted(ActionSubject(profile)), by: principal)
        return .empty(200)
    }
}

extension ActionSubject {
    init(_ profile: TenantProfile) {
        self.init(profile, tenant: .system, profile.id, name: profile.name)
    }
}

/// The limits in a tenant profile (`rest-api.md` 2.14, 3.1).
enum TenantProfileData {
    static func checked(_ body: RequestObject) throws(APIError) -> RawJSON {
        guard let data = try body.object("profileData") else {
            throw .invalid("Tenant profile data should be specified!")
        }
        guard let configuration = try data.object("configuration") else {
            throw .invalid("Tenant profile data configuration should be specified!")
        }
        if let type = try configuration.text("type"), type != "DEFAULT" {
            throw .malformedBody("unknown type '\(type)' in 'configuration'")
        }
        try checkLimits(configuration.members)
        for (key, value) in configuration.members where key.hasPrefix("max") {
            if let number = value.integerValue, number < 0 {
                throw .invalid("Validation error: \(key) must be greater than or equal to 0")
            }
        }
        if try body.boolean("isolatedTbRuleEngine") ?? false { try checkQueues(data.value("queueConfiguration")) }
        return RawJSON(JSONValue.object(data.members).withoutNullCharacters)
    }

    private static func checkLimits(_ members: JSONObject) throws(APIError) {
        var duplicates: [String] = []
        for (key, value) in members
        where key.lowercased().contains("ratelimit") || key.hasSuffix("LimitsConfiguration") {
            guard let text = value.stringValue, !text.isEmpty else { continue }
            guard let limit = RateLimit(text) else {
                throw .invalid("Validation error: \(key) is malformed: 'count:seconds' is expected")
            }
            if limit.hasDuplicates {
                duplicates.append("\(RateLimit.title(of: key)) rate limit has duplicate 'Per seconds' configuration.")
            }
        }
        if !duplicates.isEmpty { throw .invalid("Validation error: " + duplicates.sorted().joined(separator: ", ")) }
    }

    private static func checkQueues(_ queues: JSONValue?) throws(APIError) {
        guard let list = queues?.arrayValue else {
            throw .invalid("Tenant profile data queue configuration should be specified!")
        }
        if !list.contains(where: { $0["name"]?.stringValue == "Main" }) {
            throw .invalid("Main queue configuration should be specified!")
        }
        var names: Set<String> = []
        for queue in list {
            guard let name = queue["name"]?.stringValue else { throw .invalid("Queue name should be specified!") }
            guard case .object(let members) = queue else { throw .malformedBody("a queue is an object") }
            _ = try QueueDescription.read(RequestObject(members), tenant: .system, now: 0)
            guard names.insert(name).inserted else {
                throw .invalid("Queue configuration name '\(name)' already present!")
            }
        }
    }
}
