internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Device profiles (`rest-api.md` 4.5).
struct DeviceProfileEndpoints: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/deviceProfile/{id}", roles: .tenant, read),
            Endpoint(.post, "/api/deviceProfile", roles: .tenant, save),
            Endpoint(.delete, "/api/deviceProfile/{id}", roles: .tenant, delete),
            Endpoint(.get, "/api/deviceProfiles", roles: .tenant, list),
            Endpoint(.get, "/api/deviceProfile/names", roles: [.tenant, .customer], names),
            Endpoint(.get, "/api/deviceProfileInfo/{id}", roles: [.tenant, .customer], readInfo),
            Endpoint(.get, "/api/deviceProfileInfo/default", roles: [.tenant, .customer], defaultInfo),
            Endpoint(.get, "/api/deviceProfileInfos", roles: [.tenant, .customer], listInfos),
        ]
    }

    // MARK: - Reading

    private func find(_ call: Call, for principal: Principal) async throws -> DeviceProfile {
        let id: DeviceProfileID = try call.id("id")
        if let profile = try await services.profiles.find(id, tenant: principal.tenantID) { return profile }
        throw try await missing(id, principal)
    }

    /// A profile of another tenant is there, but not for the caller (`rest-api.md` 1.13).
    private func missing(_ id: DeviceProfileID, _ principal: Principal) async throws -> APIError {
        let isForeign = try await services.profiles.belongsToOther(id, than: principal.tenantID)
        return isForeign ? .permissionDenied : .notFound(.deviceProfile, id.uuid)
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await find(call, for: principal))
    }

    @Sendable private func readInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let id: DeviceProfileID = try call.id("id")
        if let info = try await services.profiles.info(id, tenant: principal.tenantID) { return .json(info) }
        throw try await missing(id, principal)
    }

    @Sendable private func defaultInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        guard let info = try await services.profiles.defaultInfo(tenant: principal.tenantID) else {
            throw APIError.itemNotFound
        }
        return .json(info)
    }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await services.profiles.page(tenant: principal.tenantID, try call.pageLink()))
    }

    @Sendable private func listInfos(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let transport = call.text("transportType") ?? call.text("deviceTransportType")
        return .json(
            try await services.profiles.infoPage(
                tenant: principal.tenantID, transportType: transport, try call.pageLink()))
    }

    @Sendable private func names(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let names = try await services.profiles.names(
            tenant: principal.tenantID, activeOnly: try call.boolean("activeOnly") ?? false)
        return .json { writer in
            writer.array { writer in
                for name in names {
                    writer.object { writer in
                        writer.id("id", name.id)
                        writer.member("name", name.name)
                    }
                }
            }
        }
    }

    // MARK: - Deleting

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let profile = try await find(call, for: principal)
        if profile.isDefault { throw APIError.invalid("Deletion of Default Device Profile is prohibited!") }
        if try await services.profiles.isInUse(profile.id, tenant: principal.tenantID) {
            throw APIError.invalid("The device profile referenced by the devices cannot be deleted!")
        }
        guard try await services.profiles.delete(profile.id, tenant: principal.tenantID) else {
            throw APIError.notFound(.deviceProfile, profile.id.uuid)
        }
        await services.actions.record(
            .deleted(ActionSubject(profile)), by: principal,
            event: .deviceProfileDeleted(tenant: principal.tenantID, profile: profile.id))
        return .empty(200)
    }

    // MARK: - Saving

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        var profile = try described(body, principal, now: call.now)
        try await checkReferences(of: profile)
        guard let id: DeviceProfileID = try body.id("id") else {
            if profile.isDefault {
                throw APIError.invalid("Another default device profile is present in scope of current tenant!")
            }
            profile.id = DeviceProfileID(.ordered())
            try await services.profiles.insert(profile)
            await services.actions.record(
                .added(ActionSubject(profile)), by: principal,
                event: .deviceProfileChanged(tenant: principal.tenantID, profile: profile.id))
            return .json(profile)
        }
        guard let stored = try await services.profiles.find(id, tenant: principal.tenantID) else {
            throw try await missing(id, principal)
        }
        profile.id = id
        profile.createdTime = stored.createdTime
        // Which one is the default has an endpoint of its own.
        profile.isDefault = stored.isDefault
        if profile.transportType != stored.transportType,
            try await services.profiles.isInUse(id, tenant: principal.tenantID)
        {
            throw APIError.invalid("Can't change device profile transport type because devices referenced it!")
        }
        let described = profile
        let version = try body.integer("version")
        let updated = try await services.database.inTransaction { transaction in
            try await DeviceProfileRepository(transaction).update(described, replacing: version)
        }
        await services.actions.record(
            .updated(ActionSubject(updated)), by: principal,
            event: .deviceProfileChanged(tenant: principal.tenantID, profile: id))
        return .json(updated)
    }

    private func described(
        _ body: RequestObject, _ principal: Principal, now: Int64
    ) throws(APIError) -> DeviceProfile {
        var profile = DeviceProfile(
            id: .null, createdTime: now, tenantID: principal.tenantID, name: try body.text("name") ?? "",
            description: try body.storedText("description"))
        var validation = Validation()
        validation.text("name", profile.name)
        validation.text("description", profile.description, maximum: 1_000_000)
        try validation.check()
        _ = try Validation.name("Device profile name", profile.name)
        guard let type = try body.storedText("type") else {
            throw .invalid("Device profile type should be specified!")
        }
        guard let transport = try body.storedText("transportType") else {
            throw .invalid("Device profile transport type should be specified!")
        }
        guard type == "DEFAULT" else { throw .malformedBody("unknown type '\(type)'") }
        guard ["DEFAULT", "MQTT", "COAP", "LWM2M", "SNMP"].contains(transport) else {
            throw .malformedBody("unknown transportType '\(transport)'")
        }
        profile.type = type
        profile.transportType = transport
        profile.image = try body.storedText("image")
        profile.provisionType = try body.storedText("provisionType") ?? "DISABLED"
        profile.provisionDeviceKey = try body.storedText("provisionDeviceKey").flatMap { $0.isEmpty ? nil : $0 }
        profile.defaultRuleChainID = try body.uuid("defaultRuleChainId", .ruleChain)
        profile.defaultDashboardID = try body.uuid("defaultDashboardId", .dashboard)
        profile.defaultQueueName = try body.storedText("defaultQueueName")
        profile.firmwareID = try body.uuid("firmwareId", .otaPackage)
        profile.softwareID = try body.uuid("softwareId", .otaPackage)
        profile.defaultEdgeRuleChainID = try body.uuid("defaultEdgeRuleChainId", .ruleChain)
        profile.isDefault = try body.boolean("default") ?? false
        profile.externalID = try body.uuid("externalId", .deviceProfile)
        profile.profileData = RawJSON(
            .object(
                try completed(body.object("profileData"), transport, provision: profile.provisionType ?? "DISABLED")))
        return profile
    }

    /// What a profile names must be there and belong to the tenant.
    private func checkReferences(of profile: DeviceProfile) async throws {
        let owners = EntityOwnerRepository(services.database)
        for id in [profile.defaultRuleChainID, profile.defaultEdgeRuleChainID] {
            guard let id else { continue }
            guard let owner = try await owners.find(EntityID(type: .ruleChain, uuid: id)) else {
                throw APIError.invalid("Can't assign non-existent rule chain!")
            }
            if owner.tenant != profile.tenantID {
                throw APIError.invalid("Can't assign rule chain from different tenant!")
            }
        }
        if let id = profile.defaultDashboardID {
            let owner = try await owners.find(EntityID(type: .dashboard, uuid: id))
            guard owner?.tenant == profile.tenantID else {
                throw APIError.invalid("Can't assign non-existent dashboard!")
            }
        }
        if let name = profile.defaultQueueName, !name.isEmpty,
            try await !services.profiles.hasQueue(name, tenant: profile.tenantID)
        {
            throw APIError.invalid("Device profile is referencing to non-existent queue!")
        }
    }

    /// Profile data with what the client left out.
    private func completed(
        _ data: RequestObject?, _ transport: String, provision: String
    ) throws(APIError) -> JSONObject {
        var object: JSONObject = [:]
        object["configuration"] = data?.value("configuration") ?? ["type": "DEFAULT"]
        object["transportConfiguration"] = data?.value("transportConfiguration") ?? ["type": .string(transport)]
        var provisioning = data?.value("provisionConfiguration")?.objectValue ?? ["type": .string(provision)]
        if provisioning["provisionDeviceSecret"] == nil { provisioning["provisionDeviceSecret"] = .null }
        object["provisionConfiguration"] = .object(provisioning)
        object["alarms"] = try checkedAlarms(data?.value("alarms"))
        for (key, value) in data?.members ?? [:] where object[key] == nil { object[key] = value }
        return JSONValue.object(object).withoutNullCharacters.objectValue ?? object
    }

    private func checkedAlarms(_ alarms: JSONValue?) throws(APIError) -> JSONValue {
        guard let alarms else { return .null }
        guard let rules = alarms.arrayValue else { throw .malformedBody("a list is expected in 'alarms'") }
        var types: Set<String> = []
        for rule in rules {
            guard let type = rule["alarmType"]?.stringValue else { continue }
            guard types.insert(type).inserted else {
                throw .invalid("Can't create device profile with the same alarm rule types: \"\(type)\"!")
            }
        }
        return alarms
    }
}
