internal import CalculatedFields
internal import HTTPServer
internal import JSON
internal import Messages
internal import Model
internal import ScriptEngine
internal import Storage

/// What the paths of calculated fields and those of alarm rules have in common.
struct CalculatedFieldAccess: Sendable {
    let services: Services

    /// The field that the path names, if the caller may use its entity so.
    func find(
        _ call: Call, _ principal: Principal, _ operation: Permissions.Operation
    ) async throws -> CalculatedField {
        let id: CalculatedFieldID = try call.id("calculatedFieldId")
        guard let field = try await services.calculatedFields.find(id, tenant: principal.tenantID) else {
            throw APIError.notFound(.calculatedField, id.uuid)
        }
        _ = try await EntityAccess.check(field.entity, principal, operation, in: services)
        return field
    }

    /// The entity that the path names, which may have fields of that type.
    func entity(_ call: Call, _ principal: Principal, _ type: FieldType?) async throws -> EntityID {
        let entity = try await EntityAccess.check(call, principal, .read, in: services).entity
        try Self.check(entity, type)
        return entity
    }

    static func check(_ entity: EntityID, _ type: FieldType?) throws(APIError) {
        guard FieldType.entityTypes.contains(entity.type) else {
            throw .invalid("Entity type '\(entity.type.name)' does not support calculated fields")
        }
        if let type, !type.suits(entity.type) {
            throw .invalid(
                "Entity type '\(entity.type.name)' does not support '\(type.rawValue)' calculated fields")
        }
    }

    static func entityTypes(_ call: Call) throws(APIError) -> [EntityType]? {
        guard let name = call.text("entityType"), !name.isEmpty else { return nil }
        guard let type = EntityType(name: name) else { throw .conversion("entityType", name, to: "EntityType") }
        return [type]
    }

    static func entities(_ call: Call) throws(APIError) -> [UUID128]? {
        var ids: [UUID128] = []
        for text in call.list("entities") {
            guard let id = UUID128(text) else { throw .conversion("entities", text, to: "Set") }
            ids.append(id)
        }
        return ids.isEmpty ? nil : ids
    }

    /// A page with the names of the fields' entities.
    func named(
        _ page: Page<CalculatedField>,
        _ write: @escaping (CalculatedField, inout JSONWriter, _ entityName: String?) -> Void
    ) async throws -> HTTPResponse {
        let names = try await EntityNames(services.database).find(page.elements.map(\.entity))
        return .json { $0.page(page) { field, writer in write(field, &writer, names[field.entity]) } }
    }

    func names(_ call: Call, _ principal: Principal, _ type: FieldType) async throws -> HTTPResponse {
        let page = try await services.calculatedFields.names(
            tenant: principal.tenantID, type: type.rawValue, try call.pageLink(sortedBy: "name"))
        return .json { $0.page(page) { name, writer in writer.value(name) } }
    }

    /// The newest event of a field; nothing when there is none.
    func debug(_ field: CalculatedField) async throws -> HTTPResponse {
        let page = try await EventRepository(services.database).page(
            of: .calculatedFieldDebug, entity: field.id.uuid, tenant: field.tenantID, from: nil, to: nil, [],
            PageLink(
                pageSize: 1, page: 0, textSearch: nil, sort: PageLink.Sort(property: "createdTime", descending: true)))
        guard let event = page.elements.first else { return .empty(200) }
        return .json { event.writeBody(to: &$0) }
    }

    func delete(_ field: CalculatedField, _ principal: Principal) async throws {
        let isDeleted = try await services.database.inTransaction { transaction in
            try await CalculatedFieldRepository(transaction).delete(field.id, tenant: field.tenantID)
        }
        guard isDeleted else { throw APIError.notFound(.calculatedField, field.id.uuid) }
        await services.actions.record(
            .deleted(ActionSubject(field)), by: principal,
            event: .calculatedFieldChanged(tenant: field.tenantID, field: field.id, .deleted))
        services.housekeeper.entityDeleted(field.id.uuid, of: field.tenantID)
    }

    /// Runs a script with arguments; what is wrong with it is part of the answer.
    func test(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        guard let expression = try body.text("expression"), !expression.isEmpty else {
            throw APIError.invalid("Parameter 'expression' can't be empty!")
        }
        let test: FieldScriptTest
        do {
            test = try FieldScriptTest(body.value("arguments"), now: call.now)
        } catch {
            throw APIError(error)
        }
        let features = try await UsageRepository(services.database).features(of: principal.tenantID)
        var (output, problem) = ("", "")
        do throws(ScriptError) {
            guard features.tbel != .disabled else { throw .disabled }
            let script = try await services.scripts.prepare(
                .field(expression, test.names, principal.tenantID), .tbel)
            output = ScriptResults.json(try await script.call(ScriptMessage(arguments: test.arguments)))
        } catch {
            problem = error.message
        }
        return .json { writer in
            writer.object { writer in
                writer.member("output", output)
                writer.member("error", problem)
            }
        }
    }
}

extension APIError {
    init(_ error: FieldError) {
        switch error {
        case .malformed(let text): self = .malformedBody(text)
        case .violations(let texts): self = .invalid("Validation error: " + texts.joined(separator: ", "))
        case .invalid(let text): self = .invalid(text)
        }
    }
}
