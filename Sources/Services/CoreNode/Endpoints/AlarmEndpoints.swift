internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Alarms one by one (`rest-api.md` 4.11).
struct AlarmEndpoints: EndpointGroup {
    let services: Services

    static let schemas = [
        "Alarm": "id:id(ALARM) type:string! originator:object! severity:string! startTs:integer endTs:integer",
        "AlarmInfo": "id:id(ALARM) type:string originator:object severity:string status:string originatorName:string",
    ]

    private static let one = "/api/alarm/{alarmId}"

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, Self.one, roles: [.tenant, .customer], read).docs("An alarm", answer: "Alarm"),
            Endpoint(.get, "/api/alarm/info/{alarmId}", roles: [.tenant, .customer], readInfo)
                .docs("An alarm with names", answer: "AlarmInfo"),
            Endpoint(.post, "/api/alarm", roles: [.tenant, .customer], save)
                .docs("Raises an alarm, or changes the active one of the type", body: "Alarm", answer: "Alarm"),
            Endpoint(.delete, Self.one, roles: [.tenant, .customer], delete).docs("Deletes an alarm"),
            Endpoint(.post, Self.one + "/ack", roles: [.tenant, .customer], acknowledge)
                .docs("Acknowledges an alarm", answer: "AlarmInfo"),
            Endpoint(.post, Self.one + "/clear", roles: [.tenant, .customer], clear)
                .docs("Clears an alarm", answer: "AlarmInfo"),
            Endpoint(.post, Self.one + "/assign/{assigneeId}", roles: [.tenant, .customer], assign)
                .docs("Gives an alarm to a user", answer: "AlarmInfo"),
            Endpoint(.delete, Self.one + "/assign", roles: [.tenant, .customer], unassign)
                .docs("Takes an alarm from its user", answer: "AlarmInfo"),
        ]
    }

    private var access: AlarmAccess { AlarmAccess(services: services) }
    private var actions: AlarmActions { AlarmActions(services: services) }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await access.find(call, principal, .read).alarm)
    }

    @Sendable private func readInfo(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        .json(try await access.find(call, principal, .read))
    }

    // MARK: - States

    @Sendable private func acknowledge(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let alarm = try await access.find(call, principal, .write)
        return .json(try await actions.acknowledge(alarm, by: principal, at: call.now, now: call.now))
    }

    @Sendable private func clear(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let alarm = try await access.find(call, principal, .write)
        return .json(try await actions.clear(alarm, by: principal, at: call.now, now: call.now))
    }

    @Sendable private func assign(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let alarm = try await access.find(call, principal, .write)
        let assignee = try await assignee(try call.id("assigneeId"), principal)
        return .json(try await actions.assign(alarm, to: assignee, by: principal, now: call.now))
    }

    @Sendable private func unassign(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let alarm = try await access.find(call, principal, .write)
        return .json(try await actions.unassign(alarm, by: principal, now: call.now))
    }

    /// A user whom the caller may see.
    private func assignee(_ id: UserID, _ principal: Principal) async throws -> User {
        try await services.require(id.entityID, for: principal, .read)
        guard let user = try await services.users.find(id) else { throw APIError.notFound(.user, id.uuid) }
        return user
    }

    @Sendable private func delete(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let alarm = try await access.find(call, principal, .delete)
        return .json(try await actions.delete(alarm, by: principal) ? "true" : "false")
    }

    // MARK: - Saving

    @Sendable private func save(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let body = try call.object()
        let (draft, id) = try await draft(body, principal)
        let outcome = try await services.database.inTransaction { transaction in
            let alarms = AlarmRepository(transaction)
            guard let id else { return try await alarms.createOrUpdateActive(draft, now: call.now) }
            return try await alarms.update(id, draft, now: call.now)
        }
        await actions.saved(outcome, by: principal, now: call.now)
        return .json(try await applyStates(body, to: outcome.alarm, call, principal).alarm)
    }

    private func draft(
        _ body: RequestObject, _ principal: Principal
    ) async throws -> (AlarmRepository.Draft, AlarmID?) {
        // Whose alarm it would be is asked first: what nobody is named for is not found.
        guard let originator = try body.entity("originator") else { throw APIError.itemNotFound }
        let type = try body.text("type")
        var validation = Validation()
        validation.text("type", type)
        validation.presence("type", type != nil)
        let severity = try Self.severity(body)
        validation.presence("severity", severity != nil)
        let id: AlarmID? = try body.id("id")
        if let id {
            let stored = try await access.find(id, principal, .write).alarm
            if stored.originator != originator {
                throw APIError.invalid("The originator of an alarm cannot be changed!")
            }
        }
        let owner = try await EntityAccess.check(originator, principal, .read, in: services)
        try validation.check()
        let checked = try Validation.name("Alarm type", type)
        guard let severity else { preconditionFailure("an alarm without severity passed the checks") }
        var draft = AlarmRepository.Draft(
            tenantID: principal.tenantID, customerID: owner.customer.isNull ? nil : owner.customer,
            originator: originator, type: checked, severity: severity)
        draft.startTime = try body.integer("startTs")
        draft.endTime = try body.integer("endTs")
        if let end = draft.endTime, end > 0, draft.startTime ?? 0 > end {
            throw APIError.invalid("Alarm start ts can't be greater then alarm end ts!")
        }
        try Self.checkCustomer(body, of: owner.customer)
        // Null is kept as null, none is none: an alarm has the details that it was last saved with.
        draft.details =
            body.members["details"] == nil ? RawJSON([:]) : body.storedDocument("details") ?? RawJSON(JSONValue.null)
        draft.propagation = try propagation(body)
        return (draft, id)
    }

    private static func severity(_ body: RequestObject) throws(APIError) -> AlarmSeverity? {
        guard let name = try body.text("severity") else { return nil }
        guard let severity = AlarmSeverity(rawValue: name) else {
            throw .malformedBody("a severity is expected in 'severity'")
        }
        return severity
    }

    /// Whose an alarm is, is said by its originator.
    private static func checkCustomer(_ body: RequestObject, of customer: CustomerID) throws(APIError) {
        guard let given: CustomerID = try body.id("customerId"), !given.isNull, given != customer else { return }
        throw .invalid(
            customer.isNull
                ? "Can't assign alarm to customer. Originator is not assigned to customer!"
                : "Can't assign alarm to customer. Originator belongs to different customer!")
    }

    private func propagation(_ body: RequestObject) throws(APIError) -> AlarmPropagation {
        var types: [String] = []
        for value in body.value("propagateRelationTypes")?.arrayValue ?? [] {
            guard let type = value.stringValue, !type.contains(","), !type.utf8.contains(0) else {
                throw .invalid("Relation types are texts without commas!")
            }
            types.append(type)
        }
        return AlarmPropagation(
            isOn: try body.boolean("propagate") ?? false, toOwner: try body.boolean("propagateToOwner") ?? false,
            toTenant: try body.boolean("propagateToTenant") ?? false, relationTypes: types)
    }

    /// What the body says of acknowledgement, clearing and assignment, where the alarm is not so already.
    private func applyStates(
        _ body: RequestObject, to saved: AlarmInfo, _ call: Call, _ principal: Principal
    ) async throws -> AlarmInfo {
        var alarm = saved
        func time(_ member: String) throws(APIError) -> Int64 {
            guard let time = try body.integer(member), time > 0 else { return call.now }
            return time
        }
        if try body.boolean("acknowledged") ?? false, !alarm.alarm.isAcknowledged {
            alarm = try await actions.acknowledge(alarm, by: principal, at: try time("ackTs"), now: call.now)
        }
        if try body.boolean("cleared") ?? false, !alarm.alarm.isCleared {
            alarm = try await actions.clear(alarm, by: principal, at: try time("clearTs"), now: call.now)
        }
        let wanted: UserID? = try body.id("assigneeId")
        if let wanted, wanted != alarm.alarm.assigneeID {
            let user = try await assignee(wanted, principal)
            alarm = try await actions.assign(alarm, to: user, by: principal, now: call.now)
        } else if wanted == nil, alarm.alarm.assigneeID != nil {
            alarm = try await actions.unassign(alarm, by: principal, now: call.now)
        }
        return alarm
    }
}
