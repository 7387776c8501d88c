internal import CalculatedFields
internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Calculated fields (`rest-api.md` 4.20). Alarm rules, which are stored as some of them, have paths of their own.
struct CalculatedFieldEndpoints: EndpointGroup {
    let services: Services

    static let schemas = [
        "CalculatedField": """
        id:id(CALCULATED_FIELD) createdTime:integer tenantId:id(TENANT) entityId:object! type:string! name:string! \
        debugSettings:object configurationVersion:integer configuration:object! version:integer additionalInfo:object
        """,
        "CalculatedFieldScriptTest": "expression:string! arguments:object",
    ]

    private static let types = FieldType.allCases.map(\.rawValue)

    var endpoints: [Endpoint] {
        [
            Endpoint(.post, "/api/calculatedField", roles: .tenant, save)
                .docs("Creates or changes a calculated field", body: "CalculatedField", answer: "CalculatedField"),
            Endpoint(.get, "/api/calculatedField/{calculatedFieldId}", roles: .tenant, read)
                .docs("A calculated field", answer: "CalculatedField"),
            Endpoint(.delete, "/api/calculatedField/{calculatedFieldId}", roles: .tenant, delete)
                .docs("Deletes a calculated field", answer: .nothing),
            Endpoint(.get, "/api/calculatedField/{calculatedFieldId}/debug", roles: .tenant, debug)
                .docs("The newest recorded event of a calculated field"),
            Endpoint(.get, "/api/{entityType}/{entityId}/calculatedFields", roles: .tenant, ofEntityByForm)
                .docs(
                    "Calculated fields of an entity", query: .page + [.choice("type", Self.types)],
                    answer: .page("CalculatedField")),
            Endpoint(.get, "/api/calculatedField/{entityType}/{entityId}", roles: .tenant, ofEntity)
                .docs(
                    "Calculated fields of an entity, older form", query: .page + [.choice("type", Self.types)],
                    answer: .page("CalculatedField")),
            Endpoint(.get, "/api/calculatedFields", roles: .tenant, list)
                .docs(
                    "Calculated fields of the tenant, with the names of what they belong to",
                    query: .page + [.list("types"), .text("entityType"), .uuids("entities"), .list("name")],
                    answer: .page("CalculatedField")),
            Endpoint(.get, "/api/calculatedFields/names", roles: .tenant, names)
                .docs("Names of calculated fields", query: .page + [.choice("type", Self.types).required]),
            Endpoint(.post, "/api/calculatedField/testScript", roles: .tenant, test)
                .docs(
                    "Runs the script of a calculated field", body: "CalculatedFieldScriptTest",
                    answer: "ScriptTestResult"),
        ]
    }

    private var access: CalculatedFieldAccess { CalculatedFieldAccess(services: services) }

    // MARK: - Reading

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await access.find(call, principal, .read))
    }

    @Sendable private func debug(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await access.debug(try await access.find(call, principal, .read))
    }

    @Sendable private func ofEntityByForm(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try call.requireForm(["pageSize", "page"])
        return try await ofEntity(call, principal)
    }

    @Sendable private func ofEntity(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let link = try call.pageLink()
        let type = try Self.type(call)
        let entity = try await access.entity(call, principal, type)
        let types = type.map { [$0.rawValue] } ?? Self.types.filter { $0 != FieldType.alarm.rawValue }
        let filter = CalculatedFieldRepository.Filter(
            types: types, entityTypes: [entity.type], entities: [entity.uuid])
        return .json(try await services.calculatedFields.page(tenant: principal.tenantID, filter, link))
    }

    private static func type(_ call: Call) throws(APIError) -> FieldType? {
        guard let name = call.text("type"), !name.isEmpty else { return nil }
        guard let type = FieldType(rawValue: name) else {
            throw .conversion("type", name, to: "CalculatedFieldType")
        }
        return type
    }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let link = try call.pageLink()
        var types: [String] = []
        for name in call.list("types") {
            guard let type = FieldType(rawValue: name) else { throw APIError.conversion("types", name, to: "Set") }
            types.append(type.rawValue)
        }
        if types.isEmpty { types = Self.types.filter { $0 != FieldType.alarm.rawValue } }
        let names = call.query.all("name")
        let filter = CalculatedFieldRepository.Filter(
            types: types, entityTypes: try CalculatedFieldAccess.entityTypes(call),
            entities: try CalculatedFieldAccess.entities(call), names: names.isEmpty ? nil : names)
        let page = try await services.calculatedFields.page(tenant: principal.tenantID, filter, link)
        return try await access.named(page) { $0.write(to: &$1, entityName: $2) }
    }

    @Sendable private func names(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        guard let type = try Self.type(call) else {
            throw APIError.missingParameter("type", "CalculatedFieldType")
        }
        return try await access.names(call, principal, type)
    }

    // MARK: - Changing

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        guard let name = try body.text("type") else {
            throw APIError.invalid("Calculated field type should be specified!")
        }
        guard let type = FieldType(rawValue: name) else { throw APIError.malformedBody("unknown type '\(name)'") }
        let saving = CalculatedFieldSaving(services: services, principal: principal, now: call.now)
        return .json(try await saving.save(body, type))
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await access.delete(try await access.find(call, principal, .write), principal)
        return .empty(200)
    }

    @Sendable private func test(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await access.test(call, principal)
    }
}
