internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Queries for entities with what is known of them (`rest-api.md` 4.15).
struct EntityQueryEndpoints: EndpointGroup {
    let services: Services

    static let schemas = [
        "EntityCountQuery": "entityFilter:object!", "EntityDataQuery": "entityFilter:object! pageLink:object!",
        "AlarmDataQuery": "entityFilter:object pageLink:object!", "AlarmCountQuery": "entityFilter:object",
    ]

    /// Entities whose keys are looked at.
    private static let sampleSize = 100

    var endpoints: [Endpoint] {
        [
            Endpoint(.post, "/api/entitiesQuery/count", roles: .everyone, count)
                .docs("How many entities a query finds", body: "EntityCountQuery"),
            Endpoint(.post, "/api/entitiesQuery/find", roles: .everyone, find)
                .docs("Entities with fields and latest values", body: "EntityDataQuery", answer: .page("EntityData")),
            Endpoint(.post, "/api/entitiesQuery/find/keys", roles: [.tenant, .customer], keys)
                .docs(
                    "The keys of entities that a query finds",
                    query: [.boolean("timeseries").required, .boolean("attributes").required, .text("scope")],
                    body: "EntityDataQuery"),
            Endpoint(.post, "/api/v2/entitiesQuery/find/keys", roles: [.tenant, .customer], keysByScope)
                .docs(
                    "The keys of entities that a query finds, attributes by scope",
                    query: [.boolean("includeTimeseries"), .boolean("includeAttributes"), .list("scopes")],
                    body: "EntityDataQuery"),
            Endpoint(.post, "/api/alarmsQuery/find", roles: [.tenant, .customer], findAlarms)
                .docs("Alarms of entities that a query finds", body: "AlarmDataQuery", answer: .page("AlarmData")),
            Endpoint(.post, "/api/alarmsQuery/count", roles: [.tenant, .customer], countAlarms)
                .docs("How many alarms a query finds", body: "AlarmCountQuery"),
        ]
    }

    private var queries: EntityQueryRepository {
        EntityQueryRepository(services.database, reader: services.reader)
    }

    private func request(_ principal: Principal) -> EntityQueryRequest {
        EntityQueryRequest(services: services, principal: principal)
    }

    // MARK: - Entities

    @Sendable private func count(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json("\(try await queries.count(try await request(principal).count(try call.object())))")
    }

    @Sendable private func find(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let (query, link) = try await request(principal).find(try call.object())
        let page = try await queries.page(query, link, now: call.now)
        return .json {
            $0.page(page) { found, writer in
                writer.object { writer in
                    writer.id("entityId", found.entity.type, found.entity.uuid)
                    writer.latest(query.fields, found.values)
                    writer.key("timeseries")
                    writer.object { _ in }
                    writer.key("aggLatest")
                    writer.object { _ in }
                }
            }
        }
    }

    // MARK: - Keys

    private func sample(_ call: Call, _ principal: Principal) async throws -> [EntityID] {
        var (query, link) = try await request(principal).find(try call.object())
        query.fields = []
        link.pageSize = min(link.pageSize, Self.sampleSize)
        return try await queries.page(query, link, now: call.now).elements.map(\.entity)
    }

    @Sendable private func keys(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        guard let timeseries = try call.boolean("timeseries") else {
            throw APIError.missingParameter("timeseries", "boolean")
        }
        guard let attributes = try call.boolean("attributes") else {
            throw APIError.missingParameter("attributes", "boolean")
        }
        let scope = try call.text("scope").map { try call.scope(named: $0, of: "scope") }
        let entities = try await sample(call, principal)
        let found = try await queries.keys(
            of: entities.map(\.uuid), timeseries: timeseries, attributes: attributes)
        var names: [String] = []
        for (of, key) in found.attributes where scope == nil || scope == of {
            if !names.contains(key) { names.append(key) }
        }
        return .json { writer in
            writer.object { writer in
                writer.entityTypes(of: entities)
                writer.key("timeseries")
                writer.array { writer in for key in found.timeseries { writer.value(key) } }
                writer.key("attribute")
                writer.array { writer in for key in names { writer.value(key) } }
            }
        }
    }

    @Sendable private func keysByScope(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let timeseries = try call.boolean("includeTimeseries") ?? true
        let attributes = try call.boolean("includeAttributes") ?? true
        var scopes: [AttributeScope] = []
        for name in call.list("scopes") { scopes.append(try call.scope(named: name, of: "scopes")) }
        if scopes.isEmpty { scopes = AttributeScope.allCases }
        let entities = try await sample(call, principal)
        let found = try await queries.keys(
            of: entities.map(\.uuid), timeseries: timeseries, attributes: attributes)
        return .json { writer in
            writer.object { writer in
                writer.entityTypes(of: entities)
                writer.key("timeseries")
                writer.array { writer in
                    for key in found.timeseries { writer.object { $0.member("key", key) } }
                }
                writer.key("attributes")
                writer.object { writer in
                    for scope in scopes {
                        let keys = found.attributes.filter { $0.scope == scope }.map(\.key)
                        if keys.isEmpty { continue }
                        writer.key(scope.name)
                        writer.array { writer in for key in keys { writer.object { $0.member("key", key) } } }
                    }
                }
            }
        }
    }

    // MARK: - Alarms

    @Sendable private func countAlarms(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        let request = AlarmQueryRequest(services: services, principal: principal)
        return .json("\(try await request.alarms.count(try await request.count(body, now: call.now)))")
    }

    @Sendable private func findAlarms(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        let request = AlarmQueryRequest(services: services, principal: principal)
        let (query, link, fields) = try await request.find(body, now: call.now)
        let found = try await request.alarms.page(query, link)
        let values = try await request.latest(fields, of: found.elements.map(\.entity), now: call.now)
        return .json {
            $0.page(found) { alarm, writer in
                writer.object { writer in
                    alarm.alarm.writeMembers(to: &writer)
                    writer.id("entityId", alarm.entity.type, alarm.entity.uuid)
                    writer.latest(fields, values[alarm.entity] ?? [])
                }
            }
        }
    }
}

extension Call {
    func scope(named name: String, of parameter: String) throws(APIError) -> AttributeScope {
        guard let scope = AttributeScope(name: name) else { throw .conversion(parameter, name, to: "AttributeScope") }
        return scope
    }
}

extension JSONWriter {
    /// `"latest":{"ENTITY_FIELD":{"name":{"ts":1,"value":"x"}}}`
    mutating func latest(_ fields: [EntityKey], _ values: [KnownValue]) {
        key("latest")
        object { writer in
            for kind in EntityKey.Kind.allCases where fields.contains(where: { $0.kind == kind }) {
                writer.key(kind.rawValue)
                writer.object { writer in
                    for (index, field) in fields.enumerated() where field.kind == kind {
                        let value = values.indices.contains(index) ? values[index] : KnownValue(timestamp: 0, text: "")
                        writer.key(field.name)
                        writer.object { writer in
                            writer.member("ts", value.timestamp)
                            writer.member("value", value.text)
                        }
                    }
                }
            }
        }
    }

    fileprivate mutating func entityTypes(of entities: [EntityID]) {
        key("entityTypes")
        array { writer in
            for type in EntityType.allCases where entities.contains(where: { $0.type == type }) {
                writer.value(type.name)
            }
        }
    }
}
