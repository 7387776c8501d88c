internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Customers take devices that offered themselves (`rest-api.md` 4.4, `device-api.md` 8.5).
struct ClaimEndpoints: EndpointGroup {
    let services: Services

    private static let path = "/api/customer/device/{deviceName}/claim"

    var endpoints: [Endpoint] {
        [
            Endpoint(.post, Self.path, roles: .customer, claim)
                .docs("Takes a device that offered itself", body: "ClaimRequest", answer: "ClaimResult"),
            Endpoint(.delete, Self.path, roles: [.tenant, .customer], giveBack)
                .docs("Gives a claimed device back", answer: .nothing),
        ]
    }

    static let schemas = ["ClaimRequest": "secretKey:string", "ClaimResult": "device:Device response:string"]

    private func device(_ call: Call, _ principal: Principal) async throws -> Device {
        let name = call.path["deviceName"]
        guard let device = try await services.devices.find(name: name, tenant: principal.tenantID) else {
            throw APIError.itemNotFound
        }
        return device
    }

    @Sendable private func claim(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        // Everybody is a public user: what they took would belong to all.
        if principal.isPublic { throw APIError.permissionDenied }
        let secret = call.request.body.isEmpty ? "" : try call.object().text("secretKey") ?? ""
        let device = try await device(call, principal)
        guard device.customerID.isNull else { return Self.failed("CLAIMED") }
        let stored = try await services.attributes.find(
            entity: device.id.uuid, scope: .server, keys: [ClaimingInfo.attribute])
        guard let offer = stored.first.flatMap({ ClaimingInfo($0.value) }) else { return Self.failed("FAILURE") }
        // An offer is used once, also in vain.
        try await services.attributes.delete(
            entity: device.id.uuid, scope: .server, keys: [ClaimingInfo.attribute],
            origin: SaveOrigin(tenant: device.tenantID, entityType: .device))
        guard offer.expirationTime >= call.now, offer.secretKey == secret else { return Self.failed("FAILURE") }
        let claimed = try await services.devices.claim(
            device.id, tenant: principal.tenantID, customer: principal.customerID)
        guard let claimed else { return Self.failed("CLAIMED") }
        let customer = try await services.customers.find(principal.customerID)
        await services.actions.record(
            .assigned(ActionSubject(claimed), to: claimed.customerID, title: customer?.title ?? ""), by: principal,
            event: .deviceUpdated(old: device, new: claimed))
        return .json { writer in
            writer.object { writer in
                writer.key("device")
                claimed.write(to: &writer)
                writer.member("response", "SUCCESS")
            }
        }
    }

    /// Why a device could not be taken: a JSON string.
    private static func failed(_ reason: String) -> HTTPResponse {
        .json(JSONValue.string(reason).serialized(), status: 400)
    }

    @Sendable private func giveBack(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let device = try await device(call, principal)
        if device.customerID.isNull { return .empty(200) }
        if principal.authority == .customerUser, principal.isPublic || device.customerID != principal.customerID {
            throw APIError.permissionDenied
        }
        let former = try await services.customers.find(device.customerID)
        let free = try await services.devices.assign(device.id, tenant: principal.tenantID, customer: .null)
        guard let free else { throw APIError.itemNotFound }
        await services.actions.record(
            .unassigned(ActionSubject(free), from: device.customerID, title: former?.title ?? ""), by: principal,
            event: .deviceUpdated(old: device, new: free))
        return .empty(200)
    }
}
