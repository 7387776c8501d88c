internal import HTTPServer
internal import JSON
internal import Messages
internal import Model
internal import Queue
internal import Storage

/// Calls to devices (`rest-api.md` 4.10).
struct RPCEndpoints: EndpointGroup {
    let services: Services

    /// The forms of the API differ in how they tell that no answer came.
    private enum Form {
        case first
        case second
    }

    var endpoints: [Endpoint] {
        [
            calling("/api/plugins/rpc/oneway/{deviceId}", isOneWay: true, .first),
            calling("/api/plugins/rpc/twoway/{deviceId}", isOneWay: false, .first),
            calling("/api/rpc/oneway/{deviceId}", isOneWay: true, .second),
            calling("/api/rpc/twoway/{deviceId}", isOneWay: false, .second),
            Endpoint(.get, "/api/rpc/persistent/{rpcId}", roles: [.tenant, .customer], read)
                .docs("A persistent call", answer: "Rpc"),
            Endpoint(.get, "/api/rpc/persistent/device/{deviceId}", roles: [.tenant, .customer], errors: .text, list)
                .docs("Persistent calls of a device", query: .page + [.text("rpcStatus")], answer: .page("Rpc")),
            Endpoint(.delete, "/api/rpc/persistent/{rpcId}", roles: .tenant, delete).docs("Deletes a persistent call"),
        ]
    }

    // MARK: - Calling

    private func calling(_ pattern: String, isOneWay: Bool, _ form: Form) -> Endpoint {
        Endpoint(.post, pattern, roles: .everyone, errors: .text) {
            try await call($0, $1, isOneWay: isOneWay, form)
        }.docs(
            isOneWay ? "Calls a device without an answer" : "Calls a device and waits for its answer", body: "RpcBody")
    }

    private func call(
        _ call: Call, _ principal: Principal, isOneWay: Bool, _ form: Form
    ) async throws -> HTTPResponse {
        let id: DeviceID = try call.id("deviceId")
        let body = try RPCBody(call)
        let device = try await callee(id, body, isOneWay: isOneWay, of: principal)
        let settings = services.rpc
        let timeout = max(settings.timeouts.minimum, body.timeout ?? settings.timeouts.standard)
        let expiration = body.expirationTime ?? call.now + min(timeout, Int64.max - call.now)
        let message = body.message(
            device, isOneWay: isOneWay, expiration: expiration, origin: settings.serviceID,
            customer: principal.customerID,
            route: try await MessageRouteRepository(services.database).route(of: device.id.entityID), now: call.now)
        let outcome = await settings.waiters.wait(
            for: body.id,
            until: min(max(expiration, call.now), call.now + Self.longestWait) + Self.graceMilliseconds
        ) {
            services.actions.messages.send(message)
        }
        await audit(outcome, action(device, body, isOneWay: isOneWay), by: principal)
        return response(to: outcome, form)
    }

    /// The device that is called. Whoever may not call it leaves a record.
    private func callee(
        _ id: DeviceID, _ body: RPCBody, isOneWay: Bool, of principal: Principal
    ) async throws -> Device {
        let device = try await device(id, of: principal)
        do throws(APIError) {
            try Permissions.require(principal, .rpcCall, .device, of: Permissions.Owner(device))
        } catch {
            await services.actions.recordFailure(action(device, body, isOneWay: isOneWay), by: principal, error)
            throw error
        }
        return device
    }

    private func action(_ device: Device, _ body: RPCBody, isOneWay: Bool) -> EntityAction {
        var subject = ActionSubject(
            tenant: device.tenantID, entity: device.id.entityID, customer: device.customerID)
        subject.name = device.name
        return .called(subject, method: body.method, params: body.params, isOneWay: isOneWay)
    }

    private func audit(_ outcome: DeviceCallOutcome, _ action: EntityAction, by principal: Principal) async {
        switch outcome {
        case .answered: await services.actions.record(action, by: principal)
        case .failed(let error):
            let failure = APIError(504, .general, "RPC Error: \(error.name)")
            await services.actions.recordFailure(action, by: principal, failure)
        }
    }

    /// The owner of the device tells first that time is over.
    private static let graceMilliseconds: Int64 = 1_500
    /// Nobody waits longer, however late a call expires: those who wait are bounded.
    private static let longestWait: Int64 = 3_600_000

    private func response(to outcome: DeviceCallOutcome, _ form: Form) -> HTTPResponse {
        switch outcome {
        case .answered(nil), .answered(""): .empty(200)
        case .answered(let text?): (try? JSONValue.parse(text)) == nil ? .empty(406) : .json(text)
        case .failed(.noActiveConnection): .empty(form == .first ? 409 : 504)
        case .failed(.internal): .empty(503)
        case .failed(.timeout), .failed(.notFound), .failed(.forbidden): .empty(form == .first ? 408 : 504)
        }
    }

    /// Devices are looked up inside the caller's tenant (`rest-api.md` 2.12).
    private func device(_ id: DeviceID, of principal: Principal) async throws -> Device {
        if principal.authority == .systemAdministrator {
            throw APIError(403, .permissionDenied, "System administrator is not allowed to perform this operation!")
        }
        guard let device = try await services.devices.find(id, tenant: principal.tenantID) else {
            throw APIError(404, .notFound, "Device with requested id wasn't found!")
        }
        return device
    }

    // MARK: - Persistent calls

    private var stored: RPCRepository { RPCRepository(services.database) }

    private func find(_ call: Call, _ principal: Principal) async throws -> PersistentRPC {
        let id = try call.uuid(call.path["rpcId"])
        guard let found = try await stored.find(id, tenant: principal.tenantID) else {
            throw APIError.notFound(.rpc, id)
        }
        return found
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let found = try await find(call, principal)
        if principal.authority == .customerUser {
            // Calls of devices that the customer may not see are none of its business.
            guard let device = try await services.devices.find(found.deviceID, tenant: found.tenantID) else {
                throw APIError.notFound(.rpc, found.id)
            }
            try Permissions.require(principal, .read, .device, of: Permissions.Owner(device))
        }
        return .json(found)
    }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let id: DeviceID = try call.id("deviceId")
        let link = try call.pageLink()
        var status: RPCStatus?
        if let name = call.text("rpcStatus") {
            guard let known = RPCStatus(rawValue: name) else {
                throw APIError.conversion("rpcStatus", name, to: "RpcStatus")
            }
            if known == .deleted {
                throw APIError(400, .badRequest, "RpcStatus: DELETED", isEarly: true)
            }
            status = known
        }
        let device = try await device(id, of: principal)
        try Permissions.require(principal, .read, .device, of: Permissions.Owner(device))
        return .json(try await stored.page(tenant: device.tenantID, device: device.id, status: status, link))
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let found = try await find(call, principal)
        guard var gone = try await stored.delete(found.id, tenant: found.tenantID) else {
            throw APIError.notFound(.rpc, found.id)
        }
        _ = services.owners.send(
            .device(.removeRPC(gone.tenantID, gone.deviceID, rpcID: gone.id)), device: gone.deviceID)
        gone.status = .deleted
        await post(gone)
        return .empty(200)
    }

    /// Tells the rule engine that a call was deleted.
    private func post(_ call: PersistentRPC) async {
        guard let device = try? await services.devices.find(call.deviceID, tenant: call.tenantID) else { return }
        let route = try? await MessageRouteRepository(services.database).route(of: device.id.entityID)
        var writer = JSONWriter()
        call.write(to: &writer)
        services.actions.messages.send(
            RuleMessage(
                id: .random(), timestamp: CurrentTime.milliseconds, type: .known(.rpcDeleted),
                originator: device.id.entityID, tenantID: device.tenantID,
                customerID: device.customerID.isNull ? nil : device.customerID, metadata: MessageMetadata(),
                payload: .text(String(decoding: writer.bytes, as: UTF8.self)), ruleChainID: route?.chain,
                queueName: route?.queue))
    }
}

/// The body of a call.
struct RPCBody {
    let id: UUID128
    let method: String
    /// JSON text.
    let params: String
    /// Milliseconds.
    let timeout: Int64?
    let expirationTime: Int64?
    let isPersistent: Bool
    let retries: Int64?
    /// JSON text.
    let additionalInfo: String?

    private static let invalid = APIError(400, .badRequest, "Invalid request body", isEarly: true)

    init(_ call: Call) throws(APIError) {
        guard let body = (try? JSONValue.parse(call.request.body))?.objectValue,
            let method = body["method"]?.stringValue
        else { throw Self.invalid }
        self.method = method
        params = (body["params"] ?? .null).serializedString
        timeout = body["timeout"]?.integerValue
        expirationTime = body["expirationTime"]?.integerValue
        isPersistent = body["persistent"]?.boolValue ?? false
        retries = body["retries"]?.integerValue
        additionalInfo = body["additionalInfo"].flatMap { $0 == .null ? nil : $0.serializedString }
        if let text = body["requestUUID"], text != .null {
            guard let uuid = text.stringValue.flatMap({ UUID128($0) }) else { throw Self.invalid }
            id = uuid
        } else {
            id = .random()
        }
    }

    /// The message that the device's chain turns into a call (`rule-engine.md` 1.8).
    func message(
        _ device: Device, isOneWay: Bool, expiration: Int64, origin: String, customer: CustomerID,
        route: MessageRoute, now: Int64
    ) -> RuleMessage {
        var metadata = [
            "requestUUID": id.text, "originServiceId": origin, "expirationTime": String(expiration),
            "oneway": String(isOneWay), "persistent": String(isPersistent), "deviceName": device.name,
            "deviceType": device.type,
        ]
        if let retries { metadata["retries"] = String(retries) }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("method", method)
            writer.member("params", params)
            writer.member("additionalInfo", additionalInfo)
        }
        return RuleMessage(
            id: .random(), timestamp: now, type: .known(.rpcCallFromServerToDevice),
            originator: device.id.entityID, tenantID: device.tenantID, customerID: customer.isNull ? nil : customer,
            metadata: MessageMetadata(metadata), payload: .text(String(decoding: writer.bytes, as: UTF8.self)),
            ruleChainID: route.chain, queueName: route.queue)
    }
}
