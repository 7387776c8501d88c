internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Events of entities (`rest-api.md` 4.16).
struct EventEndpoints: EndpointGroup {
    let services: Services

    private static let base = "/api/events/{entityType}/{entityId}"

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, Self.base, roles: .everyone, lifecycle)
                .docs(
                    "What happened to the life of an entity", query: .timePage + [.uuid("tenantId").required],
                    answer: .page("EventInfo")),
            Endpoint(.get, Self.base + "/{eventType}", roles: .everyone, byKind)
                .docs(
                    "Events of one kind", query: .timePage + [.uuid("tenantId").required], answer: .page("EventInfo")),
            Endpoint(.post, Self.base, roles: .everyone, filtered)
                .docs(
                    "Events that a filter lets through", query: .timePage + [.uuid("tenantId").required],
                    body: "EventFilter", answer: .page("EventInfo")),
            Endpoint(.post, Self.base + "/clear", roles: .everyone, clear)
                .docs(
                    "Deletes the events that a filter lets through",
                    query: [.integer("startTime"), .integer("endTime")], body: "EventFilter", answer: .nothing),
        ]
    }

    private var events: EventRepository { EventRepository(services.database) }

    private static func kind(_ name: String) throws(APIError) -> EventKind {
        guard let kind = EventKind(rawValue: name.uppercased()) else {
            throw .invalid("Event type: '\(name)' is not supported!")
        }
        return kind
    }

    // MARK: - Reading

    /// The old form: what happened to the entity's life.
    @Sendable private func lifecycle(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await page(call, principal, .lifecycle)
    }

    @Sendable private func byKind(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await page(call, principal, try Self.kind(call.path["eventType"]))
    }

    @Sendable private func filtered(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let (kind, conditions) = try Self.filter(try call.object())
        return try await page(call, principal, kind, conditions)
    }

    private func page(
        _ call: Call, _ principal: Principal, _ kind: EventKind, _ conditions: [EventCondition] = []
    ) async throws -> HTTPResponse {
        let tenant = TenantID(try call.uuid(try call.requiredText("tenantId")))
        let link = try call.pageLink()
        let start = try call.integer("startTime")
        let end = try call.integer("endTime")
        let access = try await EntityAccess.check(call, principal, .read, in: services)
        let page = try await events.page(
            of: kind, entity: access.entity.uuid, tenant: tenant, from: start, to: end, conditions, link)
        return .json { $0.page(page) { event, writer in event.write(of: access.entity.type, to: &writer) } }
    }

    // MARK: - Deleting

    @Sendable private func clear(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let (kind, conditions) = try Self.filter(try call.object())
        let start = try call.integer("startTime")
        let end = try call.integer("endTime")
        let access = try await EntityAccess.check(call, principal, .write, in: services)
        try await events.delete(
            of: kind, entity: access.entity.uuid, tenant: access.tenant, from: start, to: end, conditions)
        return .empty(200)
    }

    // MARK: - Filters

    /// A filter of the body (`rest-api.md` 3.6, EventFilter).
    static func filter(_ body: RequestObject) throws(APIError) -> (EventKind, [EventCondition]) {
        guard let name = try body.text("eventType") else { throw .malformedBody("'eventType' is missing") }
        guard let kind = EventKind(rawValue: name) else { throw .malformedBody("unknown eventType '\(name)'") }
        var conditions: [EventCondition] = []
        func text(_ member: String) throws(APIError) -> String? {
            guard let text = try body.storedText(member), !text.isEmpty else { return nil }
            return text
        }
        if let server = try text("server") { conditions.append(.service(server)) }
        if let error = try text("errorStr") { conditions.append(.contains(member: "error", error)) }
        if let flag = try body.boolean("isError") { conditions.append(.hasError(flag)) }
        for (member, filter) in [
            ("method", "method"), ("event", "event"), ("message", "message"), ("data", "dataSearch"),
            ("metadata", "metadataSearch"), ("relationType", "relationType"), ("msgType", "msgType"),
            ("arguments", "arguments"), ("result", "result"),
        ] {
            if let part = try text(filter) { conditions.append(.contains(member: member, part)) }
        }
        if let direction = try text("msgDirectionType") {
            conditions.append(.equals(member: "type", direction.uppercased()))
        }
        if let type = try text("entityType") { conditions.append(.equals(member: "entityType", type)) }
        for member in ["entityId", "msgId"] {
            guard let id = try text(member) else { continue }
            guard let uuid = UUID128(id) else { throw .invalid("Invalid UUID string: \(id)") }
            conditions.append(.isUUID(member: member, uuid))
        }
        if let status = try text("status") {
            conditions.append(.succeeded(status.lowercased() == "success"))
        }
        for (filter, member) in [("MessagesProcessed", "messagesProcessed"), ("ErrorsOccurred", "errorsOccurred")] {
            if let least = try body.integer("min" + filter) { conditions.append(.atLeast(member: member, least)) }
            if let most = try body.integer("max" + filter) { conditions.append(.atMost(member: member, most)) }
        }
        return (kind, conditions)
    }
}
