internal import CalculatedFields
internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Alarm rules: calculated fields of type `ALARM` under paths of their own, without their type (`rest-api.md` 4.11).
struct AlarmRuleEndpoints: EndpointGroup {
    let services: Services

    static let schemas = [
        "AlarmRule": """
        id:id(CALCULATED_FIELD) createdTime:integer tenantId:id(TENANT) entityId:object! name:string! \
        debugSettings:object configurationVersion:integer configuration:object! version:integer additionalInfo:object
        """
    ]

    var endpoints: [Endpoint] {
        [
            Endpoint(.post, "/api/alarm/rule", roles: .tenant, save)
                .docs("Creates or changes an alarm rule", body: "AlarmRule", answer: "AlarmRule"),
            Endpoint(.get, "/api/alarm/rule/{calculatedFieldId}", roles: .tenant, read)
                .docs("An alarm rule", answer: "AlarmRule"),
            Endpoint(.delete, "/api/alarm/rule/{calculatedFieldId}", roles: .tenant, delete)
                .docs("Deletes an alarm rule", answer: .nothing),
            Endpoint(.get, "/api/alarm/rule/{calculatedFieldId}/debug", roles: .tenant, debug)
                .docs("The newest recorded event of an alarm rule"),
            Endpoint(.get, "/api/alarm/rules/{entityType}/{entityId}", roles: .tenant, ofEntity)
                .docs("Alarm rules of an entity", query: .page, answer: .page("AlarmRule")),
            Endpoint(.get, "/api/alarm/rules", roles: .tenant, list)
                .docs(
                    "Alarm rules of the tenant, with the names of what they belong to",
                    query: .page + [.text("entityType"), .uuids("entities")], answer: .page("AlarmRule")),
            Endpoint(.get, "/api/alarm/rules/names", roles: .tenant, names)
                .docs("Names of alarm rules", query: .page),
            Endpoint(.post, "/api/alarm/rule/testScript", roles: .tenant, test)
                .docs(
                    "Runs the script of a condition", body: "CalculatedFieldScriptTest",
                    answer: "ScriptTestResult"),
        ]
    }

    private var access: CalculatedFieldAccess { CalculatedFieldAccess(services: services) }

    private func find(
        _ call: Call, _ principal: Principal, _ operation: Permissions.Operation
    ) async throws -> CalculatedField {
        let field = try await access.find(call, principal, operation)
        guard field.type == FieldType.alarm.rawValue else { throw APIError(404, .notFound, "Alarm rule not found") }
        return field
    }

    private func answer(_ field: CalculatedField) -> HTTPResponse {
        .json { field.write(to: &$0, isAlarmRule: true, entityName: nil) }
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        answer(try await find(call, principal, .read))
    }

    @Sendable private func debug(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await access.debug(try await find(call, principal, .read))
    }

    @Sendable private func ofEntity(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let link = try call.pageLink()
        let entity = try await access.entity(call, principal, .alarm)
        let filter = CalculatedFieldRepository.Filter(
            types: [FieldType.alarm.rawValue], entityTypes: [entity.type], entities: [entity.uuid])
        let page = try await services.calculatedFields.page(tenant: principal.tenantID, filter, link)
        return .json { $0.page(page) { $0.write(to: &$1, isAlarmRule: true, entityName: nil) } }
    }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let link = try call.pageLink()
        let filter = CalculatedFieldRepository.Filter(
            types: [FieldType.alarm.rawValue], entityTypes: try CalculatedFieldAccess.entityTypes(call),
            entities: try CalculatedFieldAccess.entities(call))
        let page = try await services.calculatedFields.page(tenant: principal.tenantID, filter, link)
        return try await access.named(page) { $0.write(to: &$1, isAlarmRule: true, entityName: $2) }
    }

    @Sendable private func names(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await access.names(call, principal, .alarm)
    }

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        if let id: CalculatedFieldID = try body.id("id") {
            let stored = try await services.calculatedFields.find(id, tenant: principal.tenantID)
            if let stored, stored.type != FieldType.alarm.rawValue {
                throw APIError(404, .notFound, "Alarm rule not found")
            }
        }
        let saving = CalculatedFieldSaving(services: services, principal: principal, now: call.now)
        return answer(try await saving.save(body, .alarm))
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await access.delete(try await find(call, principal, .write), principal)
        return .empty(200)
    }

    @Sendable private func test(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await access.test(call, principal)
    }
}
