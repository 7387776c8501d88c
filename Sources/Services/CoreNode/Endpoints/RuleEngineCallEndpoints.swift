internal import HTTPServer
internal import JSON
internal import Messages
internal import Model
internal import Queue
internal import Storage

/// Calls into the rule engine that wait for the answer of a "rest call reply" node (`rest-api.md` 4.14,
/// `rule-engine.md` 8.2).
struct RuleEngineCallEndpoints: EndpointGroup {
    let services: Services

    private static let root = "/api/rule-engine"
    private static let defaultTimeout: Int64 = 10_000
    private static let longestTimeout: Int64 = 3_600_000

    var endpoints: [Endpoint] {
        let paths = ["/", "/{entityType}/{entityId}", "/{entityType}/{entityId}/{timeout}"]
        return (paths + ["/{entityType}/{entityId}/{queueName}/{timeout}"]).map { path in
            Endpoint(.post, Self.root + path, roles: .everyone, errors: .text, handle)
                .docs("Sends a message through the rule engine and waits for the answer", body: .anything)
        }
    }

    @Sendable private func handle(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let timeout = try timeout(call)
        let access = try await originator(call, principal)
        guard (try? JSONValue.parse(call.request.body)) != nil else { throw APIError.invalid("Invalid request body") }
        let data = String(decoding: call.request.body, as: UTF8.self)
        let id = UUID128.random()
        let expiration = call.now + timeout
        let route = try await MessageRouteRepository(services.database).route(of: access.entity)
        let message = RuleMessage(
            id: .random(), timestamp: call.now, type: .known(.restAPIRequest), originator: access.entity,
            tenantID: access.tenant, customerID: principal.customerID.isNull ? nil : principal.customerID,
            metadata: MessageMetadata([
                "serviceId": services.rpc.serviceID, "requestUUID": id.text, "expirationTime": String(expiration),
            ]),
            payload: .text(data), ruleChainID: route.chain, queueName: call.path.value("queueName") ?? route.queue)
        let outcome = await services.rpc.waiters.wait(for: id, until: expiration) {
            services.actions.messages.send(message)
        }
        var action = EntityAction.onlyID(.restAPIRuleEngineCall, access.subject)
        action.audited["request"] = (try? JSONValue.parse(data)) ?? .null
        await services.actions.record(action, by: principal)
        return response(to: outcome)
    }

    private func timeout(_ call: Call) throws(APIError) -> Int64 {
        guard let text = call.path.value("timeout") else { return Self.defaultTimeout }
        guard let timeout = Int64(text), (0...Self.longestTimeout).contains(timeout) else {
            throw .conversion("timeout", text, to: "int")
        }
        return timeout
    }

    /// The entity of the path, or the calling user.
    private func originator(_ call: Call, _ principal: Principal) async throws -> TelemetryAccess {
        guard call.path.value("entityType") != nil else {
            return TelemetryAccess(
                tenant: principal.tenantID, entity: principal.userID.entityID, customer: principal.customerID)
        }
        return try await TelemetryAccess.check(call, principal, .write, in: services)
    }

    private func response(to outcome: DeviceCallOutcome) -> HTTPResponse {
        switch outcome {
        case .answered(nil), .answered(""): .empty(200)
        case .answered(let text?): (try? JSONValue.parse(text)) == nil ? .empty(406) : .json(text)
        case .failed(.internal): .empty(503)
        case .failed(.timeout), .failed(.notFound), .failed(.forbidden), .failed(.noActiveConnection): .empty(408)
        }
    }
}
