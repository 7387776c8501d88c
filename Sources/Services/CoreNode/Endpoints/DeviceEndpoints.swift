internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Devices: reading, listing, assigning, deleting (`rest-api.md` 4.4). Saving is in `DeviceSaving`.
struct DeviceEndpoints: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/device/{deviceId}", roles: [.tenant, .customer], read)
                .docs("A device", answer: "Device"),
            Endpoint(.get, "/api/device/info/{deviceId}", roles: [.tenant, .customer], readInfo)
                .docs("A device with its customer's title and whether it is active", answer: "DeviceInfo"),
            Endpoint(.get, "/api/device/types", roles: [.tenant, .customer], types)
                .docs("Types that devices have", answer: .list("EntitySubtype")),
            Endpoint(.delete, "/api/device/{deviceId}", roles: .tenant, delete)
                .docs("Deletes a device", answer: .nothing),
            Endpoint(.get, "/api/tenant/devices", roles: .tenant, list)
                .docs("Devices of the tenant", query: Self.lists + [.text("deviceName")], answer: .page("Device")),
            Endpoint(.get, "/api/tenant/device", roles: .tenant, byName)
                .docs("The device of a name", query: [.text("deviceName").required], answer: "Device"),
            Endpoint(.get, "/api/tenant/deviceInfos", roles: .tenant, listInfos)
                .docs("Devices of the tenant", query: Self.infoLists, answer: .page("DeviceInfo")),
            Endpoint(.get, "/api/devices", roles: [.tenant, .customer], byIDs)
                .docs("Devices by their ids", query: [.uuids("deviceIds").required], answer: .list("Device")),
            Endpoint(.get, "/api/devices/list", roles: [.tenant, .customer], byIDs)
                .docs("Devices by their ids", query: [.uuids("deviceIds").required], answer: .list("Device")),
            Endpoint(.get, "/api/customer/{customerId}/devices", roles: [.tenant, .customer], listOfCustomer)
                .docs("Devices of a customer", query: Self.lists, answer: .page("Device")),
            Endpoint(.get, "/api/customer/{customerId}/deviceInfos", roles: [.tenant, .customer], listInfosOfCustomer)
                .docs("Devices of a customer", query: Self.infoLists, answer: .page("DeviceInfo")),
            Endpoint(.post, "/api/customer/{customerId}/device/{deviceId}", roles: .tenant, assign)
                .docs("Assigns a device to a customer", answer: "Device"),
            Endpoint(.post, "/api/customer/public/device/{deviceId}", roles: .tenant, makePublic)
                .docs("Lets everybody see a device", answer: "Device"),
            Endpoint(.delete, "/api/customer/device/{deviceId}", roles: .tenant, unassign)
                .docs("Takes a device back from its customer", answer: "Device"),
        ]
    }

    private static let lists: [QueryParameter] = .page + [.text("type")]
    private static let infoLists: [QueryParameter] = lists + [.uuid("deviceProfileId"), .boolean("active")]

    static let schemas = [
        "Device": """
        id:id(DEVICE) createdTime:integer tenantId:id(TENANT) customerId:id(CUSTOMER) name:string! type:string label:string \
        deviceProfileId:id(DEVICE_PROFILE) deviceData:any firmwareId:id(OTA_PACKAGE) softwareId:id(OTA_PACKAGE) \
        externalId:id(DEVICE) version:integer additionalInfo:any
        """
    ]

    // MARK: - One

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await services.device(try call.id("deviceId"), for: principal, .read))
    }

    @Sendable private func readInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let id: DeviceID = try call.id("deviceId")
        guard let info = try await services.devices.info(id, tenant: principal.tenantID) else {
            throw APIError.notFound(.device, id.uuid)
        }
        try Permissions.require(principal, .read, .device, of: Permissions.Owner(info.device))
        return .json(info)
    }

    @Sendable private func byName(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let name = try call.requiredText("deviceName")
        guard let device = try await services.devices.find(name: name, tenant: principal.tenantID) else {
            throw APIError.itemNotFound
        }
        return .json(device)
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let device = try await services.device(try call.id("deviceId"), for: principal, .delete)
        if try await services.devices.isReferenced(device.id, tenant: principal.tenantID) {
            throw APIError.invalid("Can't delete device that has entity views or is referenced in calculated fields!")
        }
        let isDeleted = try await services.database.inTransaction { transaction in
            let devices = DeviceRepository(transaction)
            guard try await devices.delete(device.id, tenant: principal.tenantID) else { return false }
            // A view may have been made meanwhile.
            if try await devices.isReferenced(device.id, tenant: principal.tenantID) {
                throw APIError.invalid(
                    "Can't delete device that has entity views or is referenced in calculated fields!")
            }
            return true
        }
        guard isDeleted else { throw APIError.notFound(.device, device.id.uuid) }
        await services.actions.record(
            .deleted(ActionSubject(device)), by: principal, event: .deviceDeleted(device))
        services.housekeeper.entityDeleted(device.id.uuid, of: device.tenantID)
        return .empty(200)
    }

    // MARK: - Lists

    /// One path for two: with `deviceName` the device of that name.
    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        if call.query.first("deviceName") != nil { return try await byName(call, principal) }
        let filter = DeviceRepository.Filter(type: call.text("type"))
        return .json(try await services.devices.page(tenant: principal.tenantID, filter, try call.pageLink()))
    }

    @Sendable private func listInfos(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(
            try await services.devices.infoPage(
                tenant: principal.tenantID, try filter(call, customer: nil), try call.pageLink()))
    }

    @Sendable private func listOfCustomer(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let customer = try await ownCustomer(call, principal)
        let filter = DeviceRepository.Filter(customer: customer, type: call.text("type"))
        return .json(try await services.devices.page(tenant: principal.tenantID, filter, try call.pageLink()))
    }

    @Sendable private func listInfosOfCustomer(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let customer = try await ownCustomer(call, principal)
        return .json(
            try await services.devices.infoPage(
                tenant: principal.tenantID, try filter(call, customer: customer), try call.pageLink()))
    }

    private func filter(_ call: Call, customer: CustomerID?) throws(APIError) -> DeviceRepository.Filter {
        DeviceRepository.Filter(
            customer: customer, type: call.text("type"),
            deviceProfile: try call.uuid(query: "deviceProfileId").map(DeviceProfileID.init),
            isActive: try call.boolean("active"))
    }

    /// The customer in the path, if the caller may look at it.
    private func ownCustomer(_ call: Call, _ principal: Principal) async throws -> CustomerID {
        let id: CustomerID = try call.id("customerId")
        guard let customer = try await services.customers.find(id) else { throw APIError.notFound(.customer, id.uuid) }
        try Permissions.require(
            principal, .read, .customer, of: Permissions.Owner(tenant: customer.tenantID, customer: id))
        return id
    }

    @Sendable private func byIDs(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let customer = principal.authority == .customerUser ? principal.customerID : nil
        return .json(
            try await services.devices.find(
                try call.requiredIDs("deviceIds"), tenant: principal.tenantID, customer: customer))
    }

    @Sendable private func types(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let types = try await services.devices.types(tenant: principal.tenantID)
        return .json(types.map { EntitySubtype(tenant: principal.tenantID, entityType: .device, type: $0) })
    }

    // MARK: - Assigning

    @Sendable private func assign(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let id: CustomerID = try call.id("customerId")
        guard let customer = try await services.customers.find(id) else { throw APIError.notFound(.customer, id.uuid) }
        try Permissions.require(
            principal, .read, .customer, of: Permissions.Owner(tenant: customer.tenantID, customer: id))
        return try await assign(try call.id("deviceId"), to: customer, principal)
    }

    @Sendable private func makePublic(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let device = try await services.device(try call.id("deviceId"), for: principal, .assignToCustomer)
        let customer = try await services.customers.findOrCreatePublic(tenant: principal.tenantID, now: call.now)
        return try await assign(device.id, to: customer, principal)
    }

    @Sendable private func unassign(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let device = try await services.device(try call.id("deviceId"), for: principal, .assignToCustomer)
        if device.customerID.isNull { throw APIError.invalid("Device isn't assigned to any customer!") }
        let former = try await services.customers.find(device.customerID)
        let updated = try await reassign(device, to: .null)
        await services.actions.record(
            .unassigned(ActionSubject(updated), from: device.customerID, title: former?.title ?? ""), by: principal,
            event: .deviceUpdated(old: device, new: updated))
        return .json(updated)
    }

    private func assign(
        _ id: DeviceID, to customer: Customer, _ principal: Principal
    ) async throws -> HTTPResponse {
        let old = try await services.device(id, for: principal, .assignToCustomer)
        let device = old.customerID == customer.id ? old : try await reassign(old, to: customer.id)
        await services.actions.record(
            .assigned(ActionSubject(device), to: customer.id, title: customer.title), by: principal,
            event: .deviceUpdated(old: old, new: device))
        return .json(device)
    }

    private func reassign(_ device: Device, to customer: CustomerID) async throws -> Device {
        let updated = try await services.devices.assign(device.id, tenant: device.tenantID, customer: customer)
        guard let updated else { throw APIError.notFound(.device, device.id.uuid) }
        return updated
    }
}

extension Services {
    /// The device of the caller's tenant, if the caller may do `operation` with it.
    func device(
        _ id: DeviceID, for principal: Principal, _ operation: Permissions.Operation
    ) async throws -> Device {
        guard let device = try await devices.find(id, tenant: principal.tenantID) else {
            throw APIError.notFound(.device, id.uuid)
        }
        try Permissions.require(principal, operation, .device, of: Permissions.Owner(device))
        return device
    }
}

extension Permissions.Owner {
    init(_ device: Device) { self.init(tenant: device.tenantID, customer: device.customerID) }
}
