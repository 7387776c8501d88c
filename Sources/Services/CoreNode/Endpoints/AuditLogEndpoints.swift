internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Who did what (`rest-api.md` 4.17).
struct AuditLogEndpoints: EndpointGroup {
    let services: Services

    static let schemas = [
        "AuditLog": """
        id:object createdTime:integer tenantId:id(TENANT) customerId:id(CUSTOMER) entityId:id entityName:string \
        userId:id(USER) userName:string actionType:string actionData:any actionStatus:string \
        actionFailureDetails:string
        """
    ]

    private static let query: [QueryParameter] = .timePage + [.list("actionTypes")]

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/audit/logs", roles: .tenant, list)
                .docs("What was done in the tenant", query: Self.query, answer: .page("AuditLog")),
            Endpoint(.get, "/api/audit/logs/customer/{customerId}", roles: .tenant, listOfCustomer)
                .docs("What was done to things of a customer", query: Self.query, answer: .page("AuditLog")),
            Endpoint(.get, "/api/audit/logs/user/{userId}", roles: .tenant, listOfUser)
                .docs("What a user did", query: Self.query, answer: .page("AuditLog")),
            Endpoint(.get, "/api/audit/logs/entity/{entityType}/{entityId}", roles: .tenant, listOfEntity)
                .docs("What was done to an entity", query: Self.query, answer: .page("AuditLog")),
        ]
    }

    private func filter(_ call: Call) throws(APIError) -> AuditLogRepository.Filter {
        var filter = AuditLogRepository.Filter(
            start: try call.integer("startTime") ?? 1, end: try call.integer("endTime") ?? call.now)
        for name in call.list("actionTypes") {
            guard ActionType(rawValue: name) != nil else {
                throw .invalid("No enum constant org.thingsboard.server.common.data.audit.ActionType.\(name)")
            }
            filter.actionTypes.append(name)
        }
        return filter
    }

    private func page(
        _ call: Call, _ principal: Principal, _ filter: AuditLogRepository.Filter
    ) async throws -> HTTPResponse {
        .json(
            try await AuditLogRepository(services.database).page(
                tenant: principal.tenantID, filter, try call.pageLink()))
    }

    @Sendable private func list(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await page(call, principal, try filter(call))
    }

    @Sendable private func listOfCustomer(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        var filter = try filter(call)
        filter.customer = try call.id("customerId")
        return try await page(call, principal, filter)
    }

    @Sendable private func listOfUser(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        var filter = try filter(call)
        filter.user = try call.id("userId")
        return try await page(call, principal, filter)
    }

    @Sendable private func listOfEntity(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let name = call.path["entityType"]
        guard let type = EntityType(name: name) else { throw APIError.conversion("entityType", name, to: "EntityType") }
        var filter = try filter(call)
        filter.entity = EntityID(type: type, uuid: try call.uuid(call.path["entityId"]))
        return try await page(call, principal, filter)
    }
}

extension AuditLog: JSONRendered {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("id")
            writer.object { $0.member("id", id.text) }
            writer.member("createdTime", createdTime)
            writer.id("tenantId", tenantID)
            writer.id("customerId", customerID)
            if let entity {
                writer.id("entityId", entity.type, entity.uuid)
            } else {
                writer.member("entityId", String?.none)
            }
            writer.member("entityName", entityName)
            writer.id("userId", userID)
            writer.member("userName", userName)
            writer.member("actionType", actionType)
            writer.document("actionData", actionData)
            writer.member("actionStatus", failure == nil ? "SUCCESS" : "FAILURE")
            writer.member("actionFailureDetails", failure ?? "")
        }
    }
}
