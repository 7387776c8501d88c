internal import JSON
internal import Model
internal import Storage

/// How many entities a query finds, told again when it is another number (`websocket-api.md` 6.1).
final class EntityCountSubscription: WebSocketSubscription {
    private let body: RequestObject
    private var count: Int64?

    private init(_ command: WebSocketCommand, _ body: RequestObject, in session: WebSocketSession) {
        self.body = body
        super.init(id: command.id, session: session)
    }

    static func execute(_ command: WebSocketCommand, in session: WebSocketSession) async throws {
        guard let body = try command.body.object("query") else { throw WebSocketFailure.noQuery }
        let subscription = EntityCountSubscription(command, body, in: session)
        session.subscribe(subscription)
        do {
            try await subscription.look()
        } catch {
            session.unsubscribe(command.id)
            throw error
        }
        subscription.refreshPeriodically()
    }

    private func look() async throws {
        guard let principal = session.principal else { return }
        let query = try await EntityQueryRequest(services: services, principal: principal).count(body)
        let found = try await EntityQueryRepository(services.database, reader: services.reader).count(query)
        guard found != count else { return }
        count = found
        send(WebSocketReply.data(id, "COUNT_DATA") { $0.member("count", found) })
    }

    override func refresh(isPeriodic: Bool) async { try? await look() }
}

/// How many alarms a query finds (`websocket-api.md` 7.2): looked at again when alarms of the query's entities change, and
/// from time to time.
final class AlarmCountSubscription: WebSocketSubscription {
    private let body: RequestObject
    private var count: Int64?
    private var alarmQueries = 0

    private init(_ command: WebSocketCommand, _ body: RequestObject, in session: WebSocketSession) {
        self.body = body
        super.init(id: command.id, session: session)
    }

    static func execute(_ command: WebSocketCommand, in session: WebSocketSession) async throws {
        guard let body = try command.body.object("query") else { throw WebSocketFailure.noQuery }
        let subscription = AlarmCountSubscription(command, body, in: session)
        session.subscribe(subscription)
        do {
            if body.contains("entityFilter") { try await subscription.watchEntities() }
            try await subscription.look()
        } catch {
            session.unsubscribe(command.id)
            throw error
        }
        subscription.release()
        subscription.refreshPeriodically()
    }

    private func watchEntities() async throws {
        guard let principal = session.principal else { return }
        let request = AlarmQueryRequest(services: services, principal: principal)
        watch(try await request.entities(body, limit: service.settings.maximumAlarmEntities).ids)
    }

    private func look() async throws {
        guard let principal = session.principal else { return }
        let request = AlarmQueryRequest(services: services, principal: principal)
        let found = try await request.alarms.count(try await request.count(body, now: CurrentTime.milliseconds))
        guard found != count else { return }
        count = found
        send(WebSocketReply.data(id, "ALARM_COUNT_DATA") { $0.member("count", found) })
    }

    override func changed(_ change: CommittedChange) {
        guard case .alarm = change.content else { return }
        alarmQueries += 1
        // What is too much waits for the next interval.
        if alarmQueries <= service.settings.maximumAlarmQueries { refreshSoon() }
    }

    override func refresh(isPeriodic: Bool) async {
        if isPeriodic {
            alarmQueries = 0
            if body.contains("entityFilter") {
                try? await watchEntities()
                release()
            }
        }
        try? await look()
    }
}

/// Whether an entity has an alarm that is not cleared, told when it changes (`websocket-api.md` 7.3).
final class AlarmStatusSubscription: WebSocketSubscription {
    private let filter: AlarmFilter
    private var isActive: Bool?

    private init(_ command: WebSocketCommand, _ filter: AlarmFilter, in session: WebSocketSession) {
        self.filter = filter
        super.init(id: command.id, session: session)
    }

    static func execute(_ command: WebSocketCommand, in session: WebSocketSession) async throws {
        guard let principal = session.principal else { return }
        guard let entity = try command.body.entity("originatorId") else {
            throw WebSocketFailure.bad("Originator id is empty!")
        }
        let access = try await TelemetryAccess.check(entity, principal, .read, in: session.service.services)
        var filter = AlarmFilter(tenant: access.tenant)
        if principal.authority == .customerUser { filter.customer = principal.customerID }
        filter.entity = entity
        filter.isCleared = false
        for value in command.body.value("severityList")?.arrayValue ?? [] {
            guard let severity = AlarmSeverity(rawValue: value.stringValue ?? "") else {
                throw WebSocketFailure.bad("Unknown severity: \(value.stringValue ?? "")")
            }
            filter.severities.append(severity)
        }
        filter.types = (command.body.value("typeList")?.arrayValue ?? []).compactMap(\.stringValue)
        let subscription = AlarmStatusSubscription(command, filter, in: session)
        session.subscribe(subscription)
        subscription.watch([entity.uuid])
        do {
            try await subscription.look()
        } catch {
            session.unsubscribe(command.id)
            throw error
        }
        subscription.release()
    }

    private func look() async throws {
        let page = try await AlarmRepository(services.database).page(filter, PageLink(pageSize: 1, page: 0))
        let found = !page.elements.isEmpty
        guard found != isActive else { return }
        isActive = found
        send(WebSocketReply.data(id, "ALARM_STATUS") { $0.member("active", found) })
    }

    override func changed(_ change: CommittedChange) {
        if case .alarm = change.content { refreshSoon() }
    }

    override func refresh(isPeriodic: Bool) async { try? await look() }
}
