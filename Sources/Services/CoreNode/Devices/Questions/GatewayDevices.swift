internal import JSON
internal import Logging
internal import Messages
internal import Model
internal import Storage

/// The devices that gateways speak for (`device-api.md` 3.3).
struct GatewayDevices: Sendable {
    let lookup: DeviceLookup
    let database: any TransactionRunner
    let creator: DeviceCreator
    let logger: Logger

    private static let maximumNameLength = 255

    func device(gateway: DeviceID, name: String, type: String, now: Int64) async -> GatewayDeviceResponse {
        do {
            guard !name.isEmpty, name.unicodeScalars.count <= Self.maximumNameLength, !name.utf8.contains(0),
                type.unicodeScalars.count <= Self.maximumNameLength, !type.utf8.contains(0),
                let owner = try await lookup.device(gateway)
            else { return .failed }
            if let found = try await lookup.device(named: name, tenant: owner.tenantID) {
                try await note(gateway, at: found)
                return .found(found.deviceInfo, found.profile.info)
            }
            do {
                try await create(name, type, gateway: owner, now: now)
            } catch let error as EntityError {
                if case .limitExceeded = error { return .limitReached }
                throw error
            } catch {
                // Another node may have made it meanwhile.
                guard StorageFailure.violation(error) != nil else { throw error }
            }
            guard let made = try await lookup.device(named: name, tenant: owner.tenantID) else { return .failed }
            return .found(made.deviceInfo, made.profile.info)
        } catch {
            logger.limited(
                .error, "a device behind a gateway cannot be looked up or made",
                ["gateway.id": .string(gateway.description), "error": .string(String(describing: error))])
            return .failed
        }
    }

    private func create(_ name: String, _ type: String, gateway: DeviceLookupResult, now: Int64) async throws {
        let profile = try await DeviceProfileRepository(database).findOrCreate(
            name: type.isEmpty ? "default" : type, tenant: gateway.tenantID, now: now)
        let device = creator.describe(
            name: name, profile: profile, customer: gateway.customerID,
            additionalInfo: ["lastConnectedGateway": .string(gateway.deviceID.description)], now: now)
        try await creator.create(
            device,
            DeviceCreator.Extras(
                credentials: .accessToken(nil, for: device.id, now: now),
                relation: EntityRelation(
                    from: gateway.deviceID.entityID, to: device.id.entityID, type: "Created")), now: now)
        var metadata = ["gatewayId": gateway.deviceID.description]
        if !device.customerID.isNull { metadata["customerId"] = device.customerID.description }
        let route = try await MessageRouteRepository(database).route(of: device.id.entityID)
        creator.announce(device, metadata: metadata, route: route, now: now)
    }

    /// Writes down which gateway the device came through last.
    private func note(_ gateway: DeviceID, at device: DeviceLookupResult) async throws {
        guard device.lastConnectedGateway != gateway.description else { return }
        try await DeviceRepository(database).setAdditionalInfo(
            device.deviceID, tenant: device.tenantID, key: "lastConnectedGateway", value: gateway.description)
    }
}
