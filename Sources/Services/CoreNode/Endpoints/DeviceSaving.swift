internal import HTTPServer
internal import JSON
internal import Model
internal import Storage
internal import Synchronization
internal import Telemetry

/// Saving devices and their credentials (`rest-api.md` 3.2, 4.4).
struct DeviceSaving: EndpointGroup {
    let services: Services
    /// Profiles that a transaction has read.
    var known: KnownProfiles?

    var endpoints: [Endpoint] {
        [
            Endpoint(.post, "/api/device", roles: [.tenant, .customer], save)
                .docs(
                    "Creates or changes a device", query: [.text("accessToken")] + .nameConflict, body: "Device",
                    answer: "Device"),
            Endpoint(.post, "/api/device-with-credentials", roles: [.tenant, .customer], saveWithCredentials)
                .docs(
                    "Creates or changes a device and its credentials", query: .nameConflict,
                    body: "SaveDeviceWithCredentialsRequest", answer: "Device"),
            // The older path of LwM2M dialogs (`rest-api.md` 4.21).
            Endpoint(.post, "/api/lwm2m/device-credentials", roles: [.tenant, .customer], saveWithCredentials)
                .docs(
                    "Creates or changes a device and its credentials", body: "SaveDeviceWithCredentialsRequest",
                    answer: "Device"),
            Endpoint(.get, "/api/device/{deviceId}/credentials", roles: [.tenant, .customer], readCredentials)
                .docs("Credentials of a device", answer: "DeviceCredentials"),
            Endpoint(.post, "/api/device/credentials", roles: .tenant, saveCredentials)
                .docs("Changes credentials of a device", body: "DeviceCredentials", answer: "DeviceCredentials"),
        ]
    }

    static let schemas = [
        "SaveDeviceWithCredentialsRequest": "device:Device! credentials:DeviceCredentials!",
        "DeviceCredentials": """
        id:any createdTime:integer deviceId:id(DEVICE) credentialsType:string! credentialsId:string \
        credentialsValue:string version:integer
        """,
    ]

    // MARK: - Devices

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        let token = call.text("accessToken")
        if let id: DeviceID = try body.id("id") {
            if token != nil { _ = try await services.device(id, for: principal, .writeCredentials) }
            let device = try await update(id, body, call, principal)
            if let token { try await replaceToken(of: device, with: token, principal) }
            return .json(device)
        }
        let policy = try NameConflictPolicy(call)
        return .json(
            try await create(body, call, principal, policy) { device in
                try DeviceCredentials.accessToken(token, for: device.id, now: call.now).normalized()
            })
    }

    @Sendable private func saveWithCredentials(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        guard let deviceBody = try body.object("device") else {
            throw APIError.invalid("Validation error: device must not be null")
        }
        guard let credentialsBody = try body.object("credentials") else {
            throw APIError.invalid("Validation error: credentials must not be null")
        }
        if let id: DeviceID = try deviceBody.id("id") {
            _ = try await services.device(id, for: principal, .writeCredentials)
            let device = try await update(id, deviceBody, call, principal)
            _ = try await store(
                try read(credentialsBody, for: id, now: call.now), of: device, credentialsBody, principal,
                isPartOfDevice: true)
            return .json(device)
        }
        let policy = try NameConflictPolicy(call)
        return .json(
            try await create(deviceBody, call, principal, policy) { device in
                try read(credentialsBody, for: device.id, now: call.now).normalized()
            })
    }

    func create(
        _ body: RequestObject, _ call: Call, _ principal: Principal, _ policy: NameConflictPolicy,
        _ makeCredentials: (Device) throws -> DeviceCredentials
    ) async throws -> Device {
        try Permissions.require(
            principal, .create, .device,
            of: Permissions.Owner(tenant: principal.tenantID, customer: principal.customerID))
        var device = try described(body, principal, now: call.now)
        device.id = DeviceID(.ordered())
        let profile = try await resolveProfile(of: &device, body, now: call.now)
        try await checkCustomer(of: device)
        try await checkPackages(of: device)
        let described = device
        let credentials = try makeCredentials(described)
        let created = try await policy.apply(to: device.name, conflict: "Device with such name already exists!") {
            name in
            var device = described
            device.name = name
            try await insert(device, credentials)
            return device
        }
        var subject = ActionSubject(created)
        subject.route = MessageRoute(profile)
        let hasPackages = [created.firmwareID, created.softwareID, profile.firmwareID, profile.softwareID]
            .contains { $0 != nil }
        await services.actions.record(
            .added(subject), by: principal, event: .deviceCreated(created, hasPackages: hasPackages))
        return created
    }

    /// Inserts the device with what every device has: all of it or nothing.
    private func insert(_ device: Device, _ credentials: DeviceCredentials) async throws {
        let keepsTelemetry = services.persistsStateToTelemetry
        if !keepsTelemetry {
            let active = try await services.attributes.number(of: "active")
            if try await services.devices.insertUnlessLimited(device, credentials, active: active) { return }
        }
        try await services.database.inTransaction { transaction in
            try await EntityLimits(transaction).check(.device, tenant: device.tenantID)
            try await Services.hold(device.customerID, for: "device", in: transaction)
            try await DeviceRepository(transaction).insert(device)
            try await DeviceCredentialsRepository(transaction).insert(credentials)
            if keepsTelemetry { return }
            try await services.attributes.inside(transaction).save(
                entity: device.id.uuid, scope: .server, [("active", .boolean(false))], at: device.createdTime)
        }
    }

    func update(
        _ id: DeviceID, _ body: RequestObject, _ call: Call, _ principal: Principal
    ) async throws -> Device {
        try await update(try await services.device(id, for: principal, .write), body, principal, now: call.now)
    }

    /// - Parameter stored: The device as the caller found it, who may change it.
    func update(_ stored: Device, _ body: RequestObject, _ principal: Principal, now: Int64) async throws -> Device {
        var device = try described(body, principal, now: now)
        device.id = stored.id
        device.createdTime = stored.createdTime
        if principal.authority == .customerUser { device.customerID = stored.customerID }
        if !body.contains("deviceProfileId"), !body.contains("type") {
            device.deviceProfileID = stored.deviceProfileID
            device.type = stored.type
        }
        let profile = try await resolveProfile(of: &device, body, now: now)
        try await checkCustomer(of: device)
        try await checkPackages(of: device)
        let changed = device
        let version = try body.integer("version")
        let updated: Device
        if changed.customerID == stored.customerID {
            updated = try await services.devices.update(changed, replacing: version)
        } else {
            updated = try await services.database.inTransaction { transaction in
                try await Services.hold(changed.customerID, for: "device", in: transaction)
                return try await DeviceRepository(transaction).update(changed, replacing: version)
            }
        }
        var subject = ActionSubject(updated)
        subject.route = MessageRoute(profile)
        await services.actions.record(
            .updated(subject), by: principal, event: .deviceUpdated(old: stored, new: updated))
        return updated
    }

    /// The device in `body`, its profile still to be found.
    private func described(
        _ body: RequestObject, _ principal: Principal, now: Int64
    ) throws(APIError) -> Device {
        let customer: CustomerID? = try body.id("customerId")
        let data = try body.object("deviceData")
        _ = try data?.typed("configuration", of: ["DEFAULT"])
        _ = try data?.typed("transportConfiguration", of: DeviceProfileEndpoints.transportTypes)
        let device = Device(
            id: .null, createdTime: now, tenantID: principal.tenantID, customerID: customer ?? .null,
            name: try body.text("name") ?? "", type: try body.storedText("type") ?? "",
            label: try body.storedText("label"), deviceProfileID: try body.id("deviceProfileId") ?? .null,
            deviceData: body.storedDocument("deviceData"), firmwareID: try body.uuid("firmwareId", .otaPackage),
            softwareID: try body.uuid("softwareId", .otaPackage), externalID: try body.uuid("externalId", .device),
            additionalInfo: body.document("additionalInfo"))
        var validation = Validation()
        validation.text("name", device.name)
        validation.text("type", device.type)
        validation.text("label", device.label)
        try validation.check()
        _ = try Validation.name("Device name", device.name)
        return device
    }

    /// The table "Device save rules" of `rest-api.md` 3.2.
    private func resolveProfile(
        of device: inout Device, _ body: RequestObject, now: Int64
    ) async throws -> DeviceProfile {
        let profile: DeviceProfile
        if !device.deviceProfileID.isNull {
            guard let found = try await find(device.deviceProfileID, tenant: device.tenantID) else {
                let isForeign = try await services.profiles.belongsToOther(
                    device.deviceProfileID, than: device.tenantID)
                throw APIError.invalid(
                    isForeign
                        ? "Device can`t be referencing to device profile from different tenant!"
                        : "Device is referencing non existing device profile!")
            }
            profile = found
        } else if !device.type.isEmpty {
            profile = try await services.profiles.findOrCreate(name: device.type, tenant: device.tenantID, now: now)
        } else {
            guard let found = try await services.profiles.findDefault(tenant: device.tenantID) else {
                throw APIError.invalid("Device is referencing non existing device profile!")
            }
            profile = found
        }
        device.deviceProfileID = profile.id
        device.type = profile.name
        let transport = device.deviceData?.value["transportConfiguration"]?["type"]?.stringValue
        if transport == nil || transport != profile.transportType {
            let configuration = device.deviceData?.value["configuration"] ?? ["type": "DEFAULT"]
            device.deviceData = RawJSON([
                "configuration": configuration,
                "transportConfiguration": DeviceTransportDefaults.device(profile.transportType),
            ])
        }
        return profile
    }

    private func find(_ id: DeviceProfileID, tenant: TenantID) async throws -> DeviceProfile? {
        if let profile = known?.devices.withLock({ $0[id.uuid] }), profile.tenantID == tenant { return profile }
        let found = try await services.profiles.find(id, tenant: tenant)
        if let found { known?.devices.withLock { $0[id.uuid] = found } }
        return found
    }

    private func checkPackages(of device: Device) async throws {
        try await OTAPackageReferences(
            firmware: device.firmwareID, software: device.softwareID, profile: device.deviceProfileID
        ).check(tenant: device.tenantID, in: services)
    }

    private func checkCustomer(of device: Device) async throws {
        if device.customerID.isNull { return }
        guard let customer = try await services.customers.find(device.customerID) else {
            throw APIError.invalid("Can't assign device to non-existent customer!")
        }
        if customer.tenantID != device.tenantID {
            throw APIError.invalid("Can't assign device to customer from different tenant!")
        }
    }

    // MARK: - Credentials

    @Sendable private func readCredentials(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let device = try await services.device(try call.id("deviceId"), for: principal, .readCredentials)
        guard let credentials = try await services.credentials.find(device: device.id) else {
            throw APIError.itemNotFound
        }
        await services.actions.record(.onlyID(.credentialsRead, ActionSubject(device)), by: principal)
        return .json(credentials)
    }

    @Sendable private func saveCredentials(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        guard let id: DeviceID = try body.id("deviceId") else {
            throw APIError.invalid("Invalid entity id")
        }
        guard let device = try await services.devices.find(id, tenant: principal.tenantID) else {
            throw APIError.notFound(.device, id.uuid)
        }
        return .json(
            try await store(
                try read(body, for: id, now: call.now), of: device, body, principal, isPartOfDevice: false))
    }

    /// Stores `credentials` over those that their device has.
    ///
    /// - Parameter isPartOfDevice: Whether they came with the device, which says whose they are; otherwise their id has to.
    func store(
        _ credentials: DeviceCredentials, of device: Device, _ body: RequestObject, _ principal: Principal,
        isPartOfDevice: Bool
    ) async throws -> DeviceCredentials {
        guard let stored = try await services.credentials.find(device: credentials.deviceID) else {
            throw APIError.invalid("Unable to update non-existent device credentials!")
        }
        var normal = try credentials.normalized()
        if let given = try body.uuid("id", nil) {
            if given != stored.id { throw APIError.invalid("Unable to update non-existent device credentials!") }
        } else if !isPartOfDevice {
            throw APIError.invalid("Credentials for this device are already specified!")
        }
        normal.id = stored.id
        if let other = try await services.credentials.find(credentialsID: normal.credentialsID), other.id != stored.id {
            throw APIError.invalid("Device credentials are already assigned to another device!")
        }
        let saved = try await services.credentials.update(normal, replacing: try body.integer("version"))
        await credentialsChanged(of: device, to: saved, principal)
        return saved
    }

    private func replaceToken(of device: Device, with token: String, _ principal: Principal) async throws {
        guard var credentials = try await services.credentials.find(device: device.id) else { return }
        credentials.type = .accessToken
        credentials.credentialsID = token
        let saved = try await services.credentials.update(try credentials.normalized(), replacing: nil)
        await credentialsChanged(of: device, to: saved, principal)
    }

    private func credentialsChanged(
        of device: Device, to credentials: DeviceCredentials, _ principal: Principal
    ) async {
        await services.actions.record(
            .credentialsUpdated(ActionSubject(device), kind: credentials.type.rawValue), by: principal,
            event: .credentialsChanged(tenant: device.tenantID, device: device.id))
    }

    func read(_ body: RequestObject, for device: DeviceID, now: Int64) throws(APIError) -> DeviceCredentials {
        guard let name = try body.text("credentialsType") else {
            throw .invalid("Device credentials type should be specified!")
        }
        guard let type = DeviceCredentialsType(rawValue: name) else {
            throw .malformedBody("unknown credentialsType '\(name)'")
        }
        return DeviceCredentials(
            id: .ordered(), createdTime: now, deviceID: device, type: type,
            credentialsID: try body.text("credentialsId") ?? "",
            credentialsValue: try body.storedText("credentialsValue"))
    }
}
