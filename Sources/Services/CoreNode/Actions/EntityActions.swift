internal import JSON
internal import Logging
internal import Messages
internal import Model
internal import Storage

/// The one place that every change of an entity goes through once it is stored: caches and sessions are told, the rule
/// engine gets its message, the audit log its record. No endpoint does any of these by itself.
///
///     await services.actions.record(.added(ActionSubject(asset)), by: principal)
///     await services.actions.record(.updated(ActionSubject(device)), by: principal, event: .deviceUpdated(...))
///
/// Nothing here fails the request: the change is stored.
struct EntityActions: Sendable {
    let events: any DeviceEvents
    let messages: any RuleMessageSink
    let audit: AuditTrail
    let mask: AuditMask
    let database: any StatementRunner
    let logger: Logger
    /// Where actions wait for the commit of their transaction; `nil`: they are stored already.
    var deferred: DeferredActions?

    /// - Parameter event: For those who hold state of devices; posted first, so that a client that has its answer never
    ///   meets the state before.
    func record(
        _ action: EntityAction, by principal: Principal, event: DeviceEvent? = nil,
        now: Int64 = CurrentTime.milliseconds
    ) async {
        if let deferred { return deferred.add(action, principal, event, now) }
        if let event {
            await events.post(event)
            await feedFields(event, now)
        }
        // The platform itself has no rule chain.
        if let type = action.type.messageType, action.subject.tenant != .system {
            await send(type, action, principal, now)
        }
        for entity in [action.subject.entity, action.otherEnd].compactMap(\.self)
        where mask.includes(action.type, of: entity.type) {
            var subject = action.subject
            subject.entity = entity
            await audit.add(record(of: action.type, subject, .object(action.audited), principal, now))
        }
    }

    /// Writes the audit record of something that was refused (`rest-api.md` 4.17). What was never made has the null id.
    func recordFailure(
        _ action: EntityAction, by principal: Principal, _ error: any Error, now: Int64 = CurrentTime.milliseconds
    ) async {
        guard mask.includes(action.type, of: action.subject.entity.type) else { return }
        var log = record(of: action.type, action.subject, .object(action.audited), principal, now)
        log.failure = APIError(error)?.message ?? "Internal server error"
        await audit.add(log)
    }

    private func record(
        of type: ActionType, _ subject: ActionSubject, _ data: JSONValue, _ principal: Principal, _ now: Int64
    ) -> AuditLog {
        AuditLog(
            id: .ordered(), createdTime: now, tenantID: subject.tenant, customerID: subject.customer,
            entity: subject.entity, entityName: subject.name, userID: principal.userID, userName: principal.subject,
            actionType: type.rawValue, actionData: RawJSON(data.withoutNullCharacters))
    }

    // MARK: - Messages

    private func send(
        _ type: KnownMessageType, _ action: EntityAction, _ principal: Principal, _ now: Int64
    ) async {
        let subject = action.subject
        var metadata = action.metadata
        metadata["userId"] = principal.userID.description
        metadata["userName"] = principal.subject
        metadata["userEmail"] = principal.subject
        metadata["userFirstName"] = principal.firstName
        metadata["userLastName"] = principal.lastName
        if !subject.customer.isNull { metadata["customerId"] = subject.customer.description }
        if let name = subject.name {
            metadata["entityName"] = name
            metadata["entityType"] = subject.entity.type.name
        }
        for originator in action.originators ?? [subject.entity] {
            let route = await route(of: originator, subject)
            messages.send(
                RuleMessage(
                    id: .random(), timestamp: now, type: .known(type), originator: originator, tenantID: subject.tenant,
                    customerID: subject.customer.isNull ? nil : subject.customer, metadata: MessageMetadata(metadata),
                    payload: .text(action.data ?? subject.document ?? "{}"), ruleChainID: route.chain,
                    queueName: route.queue))
        }
    }

    /// Chain and queue of the originator's profile (`rule-engine.md` 1.5). What cannot be read now is the root chain.
    private func route(of originator: EntityID, _ subject: ActionSubject) async -> MessageRoute {
        if originator == subject.entity, let route = subject.route { return route }
        let entity = originator == subject.entity ? subject.profile ?? originator : originator
        do {
            return try await MessageRouteRepository(database).route(of: entity)
        } catch {
            logger.limited(
                .warning, "the chain of a message could not be read", ["error": LogValue(describing: "\(error)")])
            return MessageRoute()
        }
    }
}
