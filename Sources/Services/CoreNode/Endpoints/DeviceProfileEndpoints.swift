internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Device profiles (`rest-api.md` 4.5).
struct DeviceProfileEndpoints: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/deviceProfile/{id}", roles: .tenant, read)
                .docs("A device profile", query: [.boolean("inlineImages")], answer: "DeviceProfile"),
            Endpoint(.post, "/api/deviceProfile", roles: .tenant, save)
                .docs("Creates or changes a device profile", body: "DeviceProfile", answer: "DeviceProfile"),
            Endpoint(.delete, "/api/deviceProfile/{id}", roles: .tenant, delete)
                .docs("Deletes a device profile that no device has", answer: .nothing),
            Endpoint(.post, "/api/deviceProfile/{id}/default", roles: .tenant, makeDefault)
                .docs("Makes a profile the one of devices without another", answer: "DeviceProfile"),
            Endpoint(.get, "/api/deviceProfiles", roles: .tenant, list)
                .docs("Device profiles of the tenant", query: .page, answer: .page("DeviceProfile")),
            Endpoint(.get, "/api/deviceProfile/names", roles: [.tenant, .customer], names)
                .docs("Names of device profiles", query: [.boolean("activeOnly")], answer: .list("EntityInfo")),
            Endpoint(.get, "/api/deviceProfile/devices/keys/timeseries", roles: .tenant, timeseriesKeys)
                .docs("Time series that devices of a profile have", query: [.uuid("deviceProfileId")]),
            Endpoint(.get, "/api/deviceProfile/devices/keys/attributes", roles: .tenant, attributeKeys)
                .docs("Attributes that devices of a profile have", query: [.uuid("deviceProfileId")]),
            Endpoint(.get, "/api/deviceProfileInfo/{id}", roles: [.tenant, .customer], readInfo)
                .docs("A device profile in short", answer: "DeviceProfileInfo"),
            Endpoint(.get, "/api/deviceProfileInfo/default", roles: [.tenant, .customer], defaultInfo)
                .docs("The profile of devices without another", answer: "DeviceProfileInfo"),
            Endpoint(.get, "/api/deviceProfileInfos", roles: [.tenant, .customer], listInfos)
                .docs(
                    "Device profiles in short",
                    query: .page + [
                        .text("transportType"), .text("deviceTransportType"), .uuids("deviceProfileIds"),
                    ], answer: .page("DeviceProfileInfo")),
            Endpoint(.get, "/api/deviceProfileInfos/list", roles: [.tenant, .customer], infosByIDs)
                .docs(
                    "Device profiles by their ids", query: [.uuids("deviceProfileIds").required],
                    answer: .list("DeviceProfileInfo")),
        ]
    }

    static let schemas = [
        "DeviceProfile": """
        id:id(DEVICE_PROFILE) createdTime:integer tenantId:id(TENANT) name:string! description:string image:string \
        type:string! transportType:string! provisionType:string profileData:any defaultRuleChainId:id(RULE_CHAIN) \
        defaultDashboardId:id(DASHBOARD) defaultQueueName:string provisionDeviceKey:string firmwareId:id(OTA_PACKAGE) \
        softwareId:id(OTA_PACKAGE) defaultEdgeRuleChainId:id(RULE_CHAIN) externalId:id(DEVICE_PROFILE) version:integer \
        default:boolean
        """
    ]

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
        if call.query.first("deviceProfileIds") != nil { return try await infosByIDs(call, principal) }
        let transport = call.text("transportType") ?? call.text("deviceTransportType")
        if let transport, !Self.transportTypes.contains(transport) {
            throw APIError.conversion("transportType", transport, to: "DeviceTransportType")
        }
        return .json(
            try await services.profiles.infoPage(
                tenant: principal.tenantID, transportType: transport, try call.pageLink()))
    }

    @Sendable private func names(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let names = try await services.profiles.names(
            tenant: principal.tenantID, activeOnly: try call.boolean("activeOnly") ?? false)
        return .json(names.map { EntityInfo(entity: $0.id.entityID, name: $0.name) })
    }

    @Sendable private func infosByIDs(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(
            try await services.profiles.infos(try call.requiredIDs("deviceProfileIds"), tenant: principal.tenantID))
    }

    @Sendable private func timeseriesKeys(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let profile = try await profile(query: call, principal)
        return Self.texts(try await services.devices.timeseriesKeys(profile: profile, tenant: principal.tenantID))
    }

    @Sendable private func attributeKeys(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let profile = try await profile(query: call, principal)
        return Self.texts(try await services.devices.attributeKeys(profile: profile, tenant: principal.tenantID))
    }

    /// The profile that a list is narrowed to; `nil` for none.
    private func profile(query call: Call, _ principal: Principal) async throws -> DeviceProfileID? {
        guard let id = try call.uuid(query: "deviceProfileId").map(DeviceProfileID.init) else { return nil }
        guard try await services.profiles.find(id, tenant: principal.tenantID) != nil else {
            throw try await missing(id, principal)
        }
        return id
    }

    private static func texts(_ texts: [String]) -> HTTPResponse {
        .json { writer in writer.array { writer in for text in texts { writer.value(text) } } }
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
        services.housekeeper.entityDeleted(profile.id.uuid, of: profile.tenantID)
        return .empty(200)
    }

    @Sendable private func makeDefault(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let profile = try await find(call, for: principal)
        let updated = try await services.database.inTransaction { transaction in
            try await DeviceProfileRepository(transaction).makeDefault(profile.id, tenant: principal.tenantID)
        }
        guard let updated else { throw APIError.notFound(.deviceProfile, profile.id.uuid) }
        await services.actions.record(
            .updated(ActionSubject(updated)), by: principal,
            event: .deviceProfileChanged(tenant: principal.tenantID, profile: updated.id))
        return .json(updated)
    }

    // MARK: - Saving

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        var profile = try described(body, principal, now: call.now)
        try await ProfileReferences(
            ruleChains: [profile.defaultRuleChainID, profile.defaultEdgeRuleChainID],
            dashboard: profile.defaultDashboardID, queue: profile.defaultQueueName
        ).check(tenant: principal.tenantID, "Device", in: services)
        let id: DeviceProfileID? = try body.id("id")
        try await OTAPackageReferences(
            firmware: profile.firmwareID, software: profile.softwareID, profile: id ?? .null
        ).check(tenant: principal.tenantID, in: services)
        guard let id else {
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

    static let transportTypes: Set<String> = ["DEFAULT", "MQTT", "COAP", "LWM2M", "SNMP"]
    private static let provisionTypes: Set<String> = [
        "DISABLED", "ALLOW_CREATE_NEW_DEVICES", "CHECK_PRE_PROVISIONED_DEVICES", "X509_CERTIFICATE_CHAIN",
    ]

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
        guard Self.transportTypes.contains(transport) else {
            throw .malformedBody("unknown transportType '\(transport)'")
        }
        profile.type = type
        profile.transportType = transport
        profile.image = try body.storedText("image")
        let provision = try body.storedText("provisionType") ?? "DISABLED"
        guard Self.provisionTypes.contains(provision) else {
            throw .malformedBody("unknown provisionType '\(provision)'")
        }
        profile.provisionType = provision
        profile.provisionDeviceKey = try body.storedText("provisionDeviceKey").flatMap { $0.isEmpty ? nil : $0 }
        profile.defaultRuleChainID = try body.uuid("defaultRuleChainId", .ruleChain)
        profile.defaultDashboardID = try body.uuid("defaultDashboardId", .dashboard)
        profile.defaultQueueName = try body.storedText("defaultQueueName")
        profile.firmwareID = try body.uuid("firmwareId", .otaPackage)
        profile.softwareID = try body.uuid("softwareId", .otaPackage)
        profile.defaultEdgeRuleChainID = try body.uuid("defaultEdgeRuleChainId", .ruleChain)
        profile.isDefault = try body.boolean("default") ?? false
        profile.externalID = try body.uuid("externalId", .deviceProfile)
        let data = try completed(body.object("profileData"), transport, provision: profile.provisionType ?? "DISABLED")
        profile.profileData = RawJSON(.object(data))
        try setChainKey(of: &profile, data)
        return profile
    }

    /// Profile data with what the client left out.
    private func completed(
        _ data: RequestObject?, _ transport: String, provision: String
    ) throws(APIError) -> JSONObject {
        var object: JSONObject = [:]
        object["configuration"] = try data?.typed("configuration", of: ["DEFAULT"]) ?? ["type": "DEFAULT"]
        _ = try data?.typed("transportConfiguration", of: Self.transportTypes)
        _ = try data?.typed("provisionConfiguration", of: Self.provisionTypes)
        object["transportConfiguration"] = try ProfileTransportConfiguration(
            data?.object("transportConfiguration"), transport
        ).completed()
        var provisioning = data?.value("provisionConfiguration")?.objectValue ?? ["type": .string(provision)]
        if provisioning["provisionDeviceSecret"] == nil { provisioning["provisionDeviceSecret"] = .null }
        object["provisionConfiguration"] = .object(provisioning)
        object["alarms"] = try ProfileAlarmRules.completed(data?.value("alarms"))
        for (key, value) in data?.members ?? [:] where object[key] == nil { object[key] = value }
        return JSONValue.object(object).withoutNullCharacters.objectValue ?? object
    }

    /// With a chain of certificates devices show, in place of a key, a certificate that one of the profile has signed: the
    /// profile is found by that one.
    private func setChainKey(of profile: inout DeviceProfile, _ data: JSONObject) throws(APIError) {
        guard profile.provisionType == "X509_CERTIFICATE_CHAIN" else { return }
        guard let certificate = data["provisionConfiguration"]?["provisionDeviceSecret"]?.stringValue,
            let key = DeviceCredentials.certificateKey(certificate)
        else { throw .invalid("Device profile certificate should be specified!") }
        profile.provisionDeviceKey = key
    }
}
