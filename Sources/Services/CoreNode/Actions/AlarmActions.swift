internal import JSON
internal import Logging
internal import Model
internal import Storage

/// What users do to alarms, from the database to the rule engine: each with its system comment (`rest-api.md` 4.11).
struct AlarmActions: Sendable {
    let services: Services

    private var alarms: AlarmRepository { AlarmRepository(services.database) }
    private var comments: AlarmCommentRepository { AlarmCommentRepository(services.database) }

    // MARK: - Changes

    /// - Throws: ``APIError`` when it was acknowledged before.
    func acknowledge(
        _ alarm: AlarmInfo, by principal: Principal, at time: Int64, now: Int64
    ) async throws -> AlarmInfo {
        guard try await alarms.acknowledge(alarm.alarm.id, tenant: alarm.alarm.tenantID, at: time) else {
            throw APIError.invalid("Alarm was already acknowledged!")
        }
        await note(
            "Alarm was acknowledged by user \(principal.title)", "ACK", on: alarm, principal, now)
        return try await announce(.alarmAck, alarm, principal)
    }

    /// - Throws: ``APIError`` when it was cleared before.
    func clear(_ alarm: AlarmInfo, by principal: Principal, at time: Int64, now: Int64) async throws -> AlarmInfo {
        guard try await alarms.clear(alarm.alarm.id, tenant: alarm.alarm.tenantID, at: time) else {
            throw APIError.invalid("Alarm was already cleared!")
        }
        await note("Alarm was cleared by user \(principal.title)", "CLEAR", on: alarm, principal, now)
        return try await announce(.alarmClear, alarm, principal)
    }

    /// - Throws: ``APIError`` when the user has it already.
    func assign(
        _ alarm: AlarmInfo, to assignee: User, by principal: Principal, now: Int64
    ) async throws -> AlarmInfo {
        let id = alarm.alarm.id
        guard try await alarms.assign(id, tenant: alarm.alarm.tenantID, to: assignee.id, at: now) else {
            throw APIError.invalid("Alarm was already assigned to this user!")
        }
        await note(
            "Alarm was assigned by user \(principal.title) to user \(assignee.title)", "ASSIGN",
            assignee: assignee, on: alarm, principal, now)
        return try await announce(.alarmAssigned, alarm, principal)
    }

    /// - Throws: ``APIError`` when nobody has it.
    func unassign(_ alarm: AlarmInfo, by principal: Principal, now: Int64) async throws -> AlarmInfo {
        guard try await alarms.assign(alarm.alarm.id, tenant: alarm.alarm.tenantID, to: nil, at: now) else {
            throw APIError.invalid("Alarm was already unassigned!")
        }
        await note(
            "Alarm was unassigned by user \(principal.title)", "ASSIGN", on: alarm, principal, now)
        return try await announce(.alarmUnassigned, alarm, principal)
    }

    /// - Returns: Whether there was one still.
    func delete(_ alarm: AlarmInfo, by principal: Principal) async throws -> Bool {
        let (id, tenant) = (alarm.alarm.id, alarm.alarm.tenantID)
        let isGone = try await services.database.inTransaction { transaction in
            try await AlarmRepository(transaction).delete(id, tenant: tenant)
        }
        if isGone {
            var action = EntityAction.whole(.alarmDelete, ActionSubject(alarm, as: alarm.alarm.originator))
            action.audited = [
                "alarmId": .string(id.description), "originatorId": .string(alarm.alarm.originator.uuid.text),
            ]
            await services.actions.record(action, by: principal)
        }
        return isGone
    }

    /// Tells of a saved alarm, if anything changed.
    func saved(_ outcome: AlarmOutcome, by principal: Principal, now: Int64) async {
        guard outcome.isModified else { return }
        let severity = outcome.alarm.alarm.severity
        if let old = outcome.oldSeverity, old != severity {
            await note(
                "Alarm severity was updated from \(old.rawValue) to \(severity.rawValue)", nil, on: outcome.alarm,
                principal, now)
        }
        await record(outcome.isCreated ? .added : .updated, outcome.alarm, principal)
    }

    // MARK: - Telling

    private func announce(
        _ type: ActionType, _ alarm: AlarmInfo, _ principal: Principal
    ) async throws -> AlarmInfo {
        let changed = try await alarms.find(alarm.alarm.id) ?? alarm
        await record(type, changed, principal)
        return changed
    }

    /// The rule engine hears of an alarm as of its originator (`rule-engine.md` 1.8).
    private func record(_ type: ActionType, _ alarm: AlarmInfo, _ principal: Principal) async {
        await services.actions.record(.whole(type, ActionSubject(alarm, as: alarm.alarm.originator)), by: principal)
    }

    /// A comment of the platform itself, on what `principal` did. One that cannot be written does not undo what it tells of.
    ///
    /// - Parameter subtype: What was done; `nil` leaves the text alone.
    private func note(
        _ text: String, _ subtype: String?, assignee: User? = nil, on alarm: AlarmInfo, _ principal: Principal,
        _ now: Int64
    ) async {
        var comment: JSONObject = ["text": .string(text)]
        if let subtype {
            comment["subtype"] = .string(subtype)
            comment["userId"] = .string(principal.userID.description)
        }
        if let assignee { comment["assigneeId"] = .string(assignee.id.description) }
        do {
            try await comments.insert(
                AlarmComment(
                    id: .ordered(), createdTime: now, alarmID: alarm.alarm.id, userID: principal.userID,
                    kind: .system, comment: RawJSON(.object(comment))))
        } catch {
            services.logger.limited(
                .warning, "the comment of a changed alarm could not be written", ["error": .string("\(error)")])
        }
    }
}

extension ActionSubject {
    /// - Parameter entity: The alarm itself, or its originator.
    init(_ alarm: AlarmInfo, as entity: EntityID) {
        self.init(tenant: alarm.alarm.tenantID, entity: entity, customer: alarm.alarm.customerID ?? .null)
        name = alarm.alarm.type
        var writer = JSONWriter()
        alarm.write(to: &writer)
        document = String(decoding: writer.bytes, as: UTF8.self)
    }
}

extension Principal {
    /// The name that people see.
    var title: String { Self.title(firstName, lastName, subject) }

    static func title(_ first: String?, _ last: String?, _ email: String) -> String {
        let name = [first, last].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: " ")
        return name.isEmpty ? email : name
    }
}

extension User {
    /// The name that people see.
    var title: String { Principal.title(firstName, lastName, email) }
}
