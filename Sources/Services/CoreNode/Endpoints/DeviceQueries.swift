internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// What else is asked about devices (`rest-api.md` 4.4): found along relations, counted, given to another tenant.
struct DeviceQueries: EndpointGroup {
    let services: Services

    var endpoints: [Endpoint] {
        [
            Endpoint(.post, "/api/devices", roles: [.tenant, .customer], search)
                .docs("Devices that relations lead to", body: "DeviceSearchQuery", answer: .list("Device")),
            Endpoint(.get, "/api/devices/count/{otaPackageType}/{deviceProfileId}", roles: [.tenant, .customer], count)
                .docs("Devices of a profile that no package is assigned to"),
            Endpoint(.post, "/api/tenant/{tenantId}/device/{deviceId}", roles: .tenant, moveToTenant)
                .docs("Gives a device to another tenant", answer: "Device"),
        ]
    }

    @Sendable private func search(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let query = try EntitySearchQuery(try call.object(), finding: .device, types: "deviceTypes")
        let ids = try await query.run(for: principal, in: services)
        let devices = try await services.devices.find(
            ids, tenant: principal.tenantID, customer: principal.customerFilter)
        return .json(devices.filter { query.accepts(type: $0.type) })
    }

    @Sendable private func count(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let name = call.path["otaPackageType"]
        guard let package = DeviceRepository.PackageKind(rawValue: name) else {
            throw APIError.conversion("otaPackageType", name, to: "OtaPackageType")
        }
        let profile: DeviceProfileID = try call.id("deviceProfileId")
        let count = try await services.devices.count(
            without: package, profile: profile, tenant: principal.tenantID, customer: principal.customerFilter)
        return .json("\(count)")
    }

    /// Telemetry, attributes and credentials go along; customer, relations, packages and profile stay behind.
    @Sendable private func moveToTenant(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let device = try await services.device(try call.id("deviceId"), for: principal, .delete)
        let target: TenantID = try call.id("tenantId")
        guard try await services.tenants.find(target) != nil else {
            throw APIError.invalid("Could not find the specified Tenant!")
        }
        if try await services.entityViews.isReferenced(device.id.entityID, tenant: principal.tenantID) {
            throw APIError.invalid("Can't assign device that has entity views to another tenant!")
        }
        guard let profile = try await services.profiles.findDefault(tenant: target) else {
            throw APIError.invalid("Device is referencing non existing device profile!")
        }
        let moved = try await services.database.inTransaction { transaction in
            try await EntityLimits(transaction).check(.device, tenant: target)
            for group in RelationTypeGroup.allCases {
                try await RelationRepository(transaction).deleteAll(of: device.id.entityID, group: group)
            }
            return try await DeviceRepository(transaction).move(
                device.id, from: principal.tenantID, to: target, profile: profile)
        }
        guard let moved else { throw APIError.notFound(.device, device.id.uuid) }
        await services.actions.record(
            .whole(.assignedToTenant, ActionSubject(device)), by: principal,
            event: .deviceUpdated(old: device, new: moved))
        await services.actions.record(.whole(.assignedFromTenant, ActionSubject(moved)), by: principal)
        // Sessions belong to the former tenant.
        await services.actions.events.post(.credentialsChanged(tenant: target, device: moved.id))
        return .json(moved)
    }
}
