internal import JSON
internal import Logging
internal import Model
internal import Storage
internal import Telemetry

/// A page of alarms of entities that a query finds, and what changes of them (`websocket-api.md` 7.1).
final class AlarmDataSubscription: WebSocketSubscription {
    private let body: RequestObject
    private var fields: [EntityKey] = []
    private var link = PageLink(pageSize: 1, page: 0)
    private var totalEntities: Int64 = 0
    private var found: [FoundAlarm] = []
    private var values: [EntityID: [KnownValue]] = [:]
    /// Alarms that have changed and are to be looked at.
    private var changedAlarms: Set<AlarmID> = []
    private var pagesRead = 0
    private var isPageDue = false

    private init(_ command: WebSocketCommand, _ body: RequestObject, in session: WebSocketSession) {
        self.body = body
        super.init(id: command.id, session: session)
    }

    static func execute(_ command: WebSocketCommand, in session: WebSocketSession) async throws {
        guard let body = try command.body.object("query") else { throw WebSocketFailure.noQuery }
        session.unsubscribe(command.id)
        let subscription = AlarmDataSubscription(command, body, in: session)
        session.subscribe(subscription)
        do {
            try await subscription.start()
        } catch {
            session.unsubscribe(command.id)
            throw error
        }
    }

    private func request() throws -> AlarmQueryRequest {
        guard let principal = session.principal else { throw WebSocketFailure.unauthorized }
        return AlarmQueryRequest(services: services, principal: principal)
    }

    private func start() async throws {
        try await watchEntities()
        guard totalEntities > 0 else {
            release()
            refreshPeriodically()
            return sendPage(Page(elements: [], totalElements: 0, link: link), allowed: 0)
        }
        sendPage(try await readPage())
        release()
        refreshPeriodically()
    }

    private func watchEntities() async throws {
        let entities = try await request().entities(body, limit: service.settings.maximumAlarmEntities)
        totalEntities = entities.total
        watch(entities.ids)
    }

    private func readPage() async throws -> Page<FoundAlarm> {
        let request = try request()
        let now = CurrentTime.milliseconds
        let (query, link, fields) = try await request.find(body, now: now)
        self.link = link
        self.fields = fields
        let page = try await request.alarms.page(query, link)
        values = try await request.latest(fields, of: page.elements.map(\.entity), now: now)
        found = page.elements
        return page
    }

    // MARK: - Changes

    override func changed(_ change: CommittedChange) {
        switch change.content {
        case .alarm(let alarm, _):
            changedAlarms.insert(alarm)
            refreshSoon()
        case .timeseries(let time, _, let points):
            changed(points, at: time, change) { EntityKey(.timeSeries, $0) == $1 }
        case .attributes(let scope, let time, let points):
            changed(points, at: time, change) { name, key in
                guard key.name == name else { return false }
                switch key.kind {
                case .attribute: return true
                case .clientAttribute: return scope == .client
                case .sharedAttribute: return scope == .shared
                case .serverAttribute: return scope == .server
                case .field, .timeSeries: return false
                }
            }
        case .timeseriesDeleted, .attributesDeleted: break
        }
    }

    /// Latest values of an entity with alarms on the page.
    private func changed(
        _ points: PointArena, at time: Int64, _ change: CommittedChange, where isMeant: (String, EntityKey) -> Bool
    ) {
        guard let entity = found.first(where: { $0.entity.uuid == change.entity })?.entity,
            var known = values[entity]
        else { return }
        var isChanged = false
        for point in points.points {
            let name = points.key(of: point)
            for (place, key) in fields.enumerated() where known.indices.contains(place) && isMeant(name, key) {
                let value = KnownValue(timestamp: time, text: points.value(of: point).text)
                guard value.isNews(after: known[place]) else { continue }
                known[place] = value
                isChanged = true
            }
        }
        guard isChanged else { return }
        values[entity] = known
        sendUpdate(found.filter { $0.entity == entity })
    }

    override func compare() async {
        let before = found.map { ($0.alarm.alarm.id, $0.alarm.alarm.status) }
        guard let page = try? await readPage() else { return }
        let isChanged = !before.elementsEqual(page.elements.map { ($0.alarm.alarm.id, $0.alarm.alarm.status) }, by: ==)
        if isChanged { sendPage(page) }
    }

    /// Alarms have changed; or an interval is over.
    override func refresh(isPeriodic: Bool) async {
        do {
            if isPeriodic {
                pagesRead = 0
                try await watchEntities()
                release()
                let before = found.map(\.alarm.alarm.id)
                let page = try await readPage()
                if isPageDue || page.elements.map(\.alarm.alarm.id) != before { sendPage(page) }
                isPageDue = false
            }
            while let id = changedAlarms.popFirst() { try await look(at: id) }
        } catch {
            service.logger.limited(
                .warning, "alarms of a WebSocket session cannot be read now",
                ["error": .string(String(describing: error))])
            isPageDue = true
        }
    }

    private func look(at id: AlarmID) async throws {
        let request = try request()
        var (query, link, _) = try await request.find(body, now: CurrentTime.milliseconds)
        query.alarm = id
        link.page = 0
        let matching = try await request.alarms.page(query, link).elements.first
        let place = found.firstIndex { $0.alarm.alarm.id == id }
        switch (matching, place) {
        case (let alarm?, let place?):
            found[place] = alarm
            sendUpdate([alarm])
        case (nil, _?): try await readAgain()
        case (_?, nil): if self.link.page == 0 { try await readAgain() }
        case (nil, nil): break
        }
    }

    /// The surplus waits for the next interval.
    private func readAgain() async throws {
        guard pagesRead < service.settings.maximumAlarmQueries else {
            isPageDue = true
            return
        }
        pagesRead += 1
        sendPage(try await readPage())
    }

    // MARK: - Messages

    private func sendPage(_ page: Page<FoundAlarm>, allowed: Int? = nil) {
        message(allowed) { writer in
            writer.key("data")
            writer.page(page) { alarm, writer in self.write(alarm, to: &writer) }
            writer.key("update")
            writer.null()
        }
    }

    private func sendUpdate(_ alarms: [FoundAlarm]) {
        message(nil) { writer in
            writer.key("data")
            writer.null()
            writer.key("update")
            writer.array { writer in for alarm in alarms { self.write(alarm, to: &writer) } }
        }
    }

    private func write(_ alarm: FoundAlarm, to writer: inout JSONWriter) {
        writer.object { writer in
            alarm.alarm.writeMembers(to: &writer)
            writer.id("entityId", alarm.entity.type, alarm.entity.uuid)
            writer.latest(fields, values[alarm.entity] ?? [])
        }
    }

    private func message(_ allowed: Int?, _ members: (inout JSONWriter) -> Void) {
        let allowed = allowed ?? service.settings.maximumAlarmEntities
        send(
            WebSocketReply.data(id, "ALARM_DATA") { writer in
                members(&writer)
                writer.member("allowedEntities", Int64(allowed))
                writer.member("totalEntities", totalEntities)
            })
    }
}
