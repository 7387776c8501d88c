internal import HTTPServer
internal import JSON
internal import Model
internal import Storage
internal import Telemetry

/// Attributes (`rest-api.md` 4.9).
struct AttributeEndpoints: EndpointGroup {
    let services: Services

    private static let root = "/api/plugins/telemetry"
    private static let base = root + "/{entityType}/{entityId}"

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, Self.base + "/keys/attributes", roles: .everyone, errors: .text, keys)
                .docs("Names of attributes"),
            Endpoint(.get, Self.base + "/keys/attributes/{scope}", roles: .everyone, errors: .text, keys)
                .docs("Names of attributes"),
            Endpoint(.get, Self.base + "/values/attributes", roles: .everyone, errors: .text, values)
                .docs("Attributes with their types", query: [.list("keys")]),
            Endpoint(.get, Self.base + "/values/attributes/{scope}", roles: .everyone, errors: .text, values)
                .docs("Attributes with their types", query: [.list("keys")]),
            Endpoint(.post, Self.base + "/{scope}", roles: .everyone, errors: .text, save)
                .docs("Saves attributes", body: .anything, answer: .nothing),
            Endpoint(.post, Self.base + "/attributes/{scope}", roles: .everyone, errors: .text, save)
                .docs("Saves attributes", body: .anything, answer: .nothing),
            Endpoint(.post, Self.root + "/{entityId}/{scope}", roles: .everyone, errors: .text, save)
                .docs("Saves attributes", body: .anything, answer: .nothing),
            Endpoint(.delete, Self.base + "/{scope}", roles: .everyone, errors: .text, delete)
                .docs("Deletes attributes", query: [.list("keys").required], answer: .nothing),
            Endpoint(.delete, Self.root + "/{entityId}/{scope}", roles: .everyone, errors: .text, delete)
                .docs("Deletes attributes", query: [.list("keys").required], answer: .nothing),
        ]
    }

    /// Paths without a type are those of devices.
    private func type(_ call: Call) -> EntityType? { call.path.value("entityType") == nil ? .device : nil }

    private func access(
        _ call: Call, _ principal: Principal, _ operation: Permissions.Operation
    ) async throws -> TelemetryAccess {
        try await TelemetryAccess.check(call, principal, operation, type: type(call), in: services)
    }

    @Sendable private func keys(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let scope = try optionalScope(call)
        let entity = try await access(call, principal, .readAttributes).entity
        let names = try await services.attributes.keyNames(entity: entity.uuid, scope: scope)
        return .json { writer in writer.array { writer in for name in names { writer.value(name) } } }
    }

    @Sendable private func values(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let scope = try optionalScope(call)
        let entity = try await access(call, principal, .readAttributes).entity
        var writer = JSONWriter()
        try await services.attributes.write(entity: entity.uuid, scope: scope, keys: call.telemetryKeys, to: &writer)
        return .json(writer.bytes)
    }

    private func optionalScope(_ call: Call) throws(APIError) -> AttributeScope? {
        call.path.value("scope") == nil ? nil : try call.scope()
    }

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let scope = try call.scope()
        let body = try call.bytes()
        try TelemetryAccess.entity(call, type(call))
        if scope == .client { throw APIError.invalid("Invalid scope: \(scope.name)") }
        let payload = try TelemetryPayload.attributes(body)
        let access = try await access(call, principal, .writeAttributes)
        try payload.check()
        let attributes = payload.arena.entries
        try await services.attributes.save(
            entity: access.entity.uuid, scope: scope, attributes, at: call.now, origin: access.origin)
        await services.actions.record(
            .attributesUpdated(access.subject, scope, attributes), by: principal,
            event: .attributesUpdated(
                tenant: access.tenant, entity: access.entity, scope: scope, attributes, time: call.now))
        return .empty(200)
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let scope = try call.scope()
        try TelemetryAccess.entity(call, type(call))
        guard let keys = call.telemetryKeys else { throw APIError.invalid("Empty keys: []") }
        let access = try await access(call, principal, .writeAttributes)
        try await services.attributes.delete(
            entity: access.entity.uuid, scope: scope, keys: keys, origin: access.origin)
        // All that were named, existing or not (`device-api.md` 7.5).
        await services.actions.record(
            .attributesDeleted(access.subject, scope, keys: keys), by: principal,
            event: .attributesDeleted(tenant: access.tenant, entity: access.entity, scope: scope, keys: keys))
        return .empty(200)
    }
}
