internal import JSON
internal import Model
internal import Storage
internal import Telemetry

/// Entities that a query finds, with their values, history, aggregates, and what changes of them (`websocket-api.md` 5).
final class EntityDataSubscription: WebSocketSubscription {
    typealias Latest = [EntityKey: KnownValue]
    typealias Series = [String: [SeriesQuery.Point]]

    /// What is known of an entity of the page.
    struct Entity {
        var id: EntityID
        var latest: Latest
        var source: TimeseriesSource
        /// Answers of the command that is being executed.
        var series: Series = [:]
        var aggregates: [Int64: AggregatedValue] = [:]
    }

    struct AggregatedValue {
        var current: SeriesQuery.Point?
        var previous: SeriesQuery.Point?
    }

    private var queryBody: RequestObject?
    private var query: EntityQuery?
    private var link = PageLink(pageSize: 1, page: 0)
    private var isDynamic = false
    private var total: Int64 = 0
    var order: [UUID128] = []
    var entities: [UUID128: Entity] = [:]
    /// Entities of the page by what is watched for them: views show the series of another.
    private var shownBy: [UUID128: [UUID128]] = [:]
    private var isPageSent = false

    /// What is live.
    private var latestKeys: [EntityKey] = []
    private var seriesKeys: Set<String> = []
    private var aggregatedKeys: Set<String> = []
    private var rereadKeys: Set<String> = []

    private var isLive: Bool { !latestKeys.isEmpty || !seriesKeys.isEmpty || !aggregatedKeys.isEmpty }

    private static let subcommands = ["aggHistoryCmd", "aggTsCmd", "historyCmd", "tsCmd", "latestCmd"]

    static func execute(_ command: WebSocketCommand, in session: WebSocketSession) async throws {
        let body = command.body
        let known = session.subscriptions[command.id] as? EntityDataSubscription
        guard body.contains("query") || subcommands.contains(where: { body.contains($0) }) else {
            throw WebSocketFailure.noQuery
        }
        guard body.contains("query") || known != nil else { throw LostSubscription() }
        let subscription = known ?? EntityDataSubscription(id: command.id, session: session)
        if known == nil { session.subscribe(subscription) }
        do {
            try await subscription.execute(body)
        } catch let failure as SubcommandFailure {
            subscription.send(failure: failure.failure)
        } catch {
            // A query that is none leaves nothing behind.
            if known == nil { session.unsubscribe(command.id) }
            throw error
        }
    }

    /// What became of a sub-command; the subscription stays.
    private struct SubcommandFailure: Error {
        var failure: WebSocketFailure
    }

    private func execute(_ body: RequestObject) async throws {
        let latest = try Self.keys(of: body.object("latestCmd"))
        let hasQuery = body.contains("query")
        if let query = try body.object("query") {
            stopLive()
            try await resolve(query, adding: latest)
            isPageSent = false
        }
        guard Self.subcommands.contains(where: { body.contains($0) }) else { return sendPage() }
        if !hasQuery { stopLive() }
        do {
            try await run(body, latest)
        } catch {
            let known = error as? WebSocketFailure ?? WebSocketSession.failure(error, service.logger)
            throw SubcommandFailure(failure: known)
        }
    }

    // MARK: - The query

    private func resolve(_ body: RequestObject, adding latest: [EntityKey]) async throws {
        guard let principal = session.principal else { return }
        let request = EntityQueryRequest(services: services, principal: principal)
        var (query, link) = try await request.find(body)
        for key in latest where !query.fields.contains(key) { query.fields.append(key) }
        link.pageSize = min(link.pageSize, service.settings.maximumDataEntities)
        self.query = query
        self.link = link
        queryBody = body
        isDynamic = try body.object("pageLink")?.boolean("dynamic") ?? false
        try await readPage()
        if isDynamic { refreshPeriodically() }
    }

    /// - Returns: Whether other entities are on the page than before.
    @discardableResult
    private func readPage() async throws -> Bool {
        guard let query else { return false }
        let queries = EntityQueryRepository(services.database, reader: services.reader)
        let page = try await queries.page(query, link, now: CurrentTime.milliseconds)
        var found: [UUID128: Entity] = [:]
        for element in page.elements {
            var latest: Latest = [:]
            for (key, value) in zip(query.fields, element.values) { latest[key] = value }
            found[element.entity.uuid] = Entity(
                id: element.entity, latest: latest, source: try await services.timeseriesSource(of: element.entity))
        }
        let before = order
        total = Int64(page.totalElements)
        order = page.elements.map(\.entity.uuid)
        entities = found
        shownBy = [:]
        for entity in entities.values {
            shownBy[entity.id.uuid, default: []].append(entity.id.uuid)
            if entity.source.entity != entity.id.uuid {
                shownBy[entity.source.entity, default: []].append(entity.id.uuid)
            }
        }
        return before != order
    }

    /// Of a dynamic query, the page as it is now, if others are on it; or values that were deleted.
    override func refresh(isPeriodic: Bool) async {
        if !rereadKeys.isEmpty { await reread() }
        guard isPeriodic, isDynamic, let body = queryBody, let principal = session.principal else { return }
        // What dynamic values of the query stand for may have changed too.
        let request = EntityQueryRequest(services: services, principal: principal)
        guard let fresh = try? await request.find(body) else { return }
        query?.keyFilters = fresh.0.keyFilters
        let before = entities
        let isChanged = (try? await readPage()) ?? false
        guard !isEnded else { return }
        // Live values that came while it was read are newer.
        for (id, entity) in before { entities[id]?.latest.keepNewer(of: entity.latest) }
        guard isChanged else { return }
        seriesKeys = []
        aggregatedKeys = []
        if isLive { await listen() }
        sendPage()
    }

    // MARK: - Sub-commands

    /// In the order in which their answers are told: aggregates and history first (5.1).
    private func run(_ body: RequestObject, _ latest: [EntityKey]) async throws {
        let aggregated = try body.object("aggTsCmd")
        let series = try body.object("tsCmd")
        if let series { seriesKeys = Set(try Self.names(of: series)) }
        if let aggregated { aggregatedKeys = Set(try Self.aggregates(of: aggregated).map(\.key)) }
        latestKeys = latest
        // Before anything is read, so that nothing is missed in between.
        if isLive { watch(shownBy.keys) }
        var isAnswered = false
        for (member, command) in [("aggHistoryCmd", try body.object("aggHistoryCmd")), ("aggTsCmd", aggregated)] {
            guard let command else { continue }
            try await aggregate(command, isWindow: member == "aggTsCmd")
            isAnswered = true
        }
        for (member, command) in [("historyCmd", try body.object("historyCmd")), ("tsCmd", series)] {
            guard let command else { continue }
            try await readSeries(command, isWindow: member == "tsCmd")
            isAnswered = true
        }
        if isAnswered || !isPageSent { sendAnswers() }
        if isLive {
            await compareLatest()
            release()
        }
    }

    /// Nothing is live any more.
    private func stopLive() {
        latestKeys = []
        seriesKeys = []
        aggregatedKeys = []
        watch([])
        release()
    }

    /// Watches the entities that are on the page now.
    private func listen() async {
        watch(shownBy.keys)
        await compareLatest()
        release()
    }

    static func keys(of command: RequestObject?) throws -> [EntityKey] {
        guard let list = command?.value("keys")?.arrayValue else { return [] }
        var keys: [EntityKey] = []
        for element in list.prefix(1000) {
            guard let members = element.objectValue, let key = try EntityQueryRequest.key(RequestObject(members)),
                !keys.contains(key)
            else { continue }
            keys.append(key)
        }
        return keys
    }

    private static func names(of command: RequestObject) throws -> [String] {
        (command.value("keys")?.arrayValue ?? []).prefix(1000).compactMap(\.stringValue)
    }

    private func readSeries(_ command: RequestObject, isWindow: Bool) async throws {
        let keys = try Self.names(of: command)
        let start = try command.integer("startTs") ?? 0
        let end = isWindow ? start &+ (try command.integer("timeWindow") ?? 0) : try command.integer("endTs") ?? 0
        let query = try SeriesQuery(command, from: start, to: end)
        let addsPrevious = try command.boolean("fetchLatestPreviousPoint") ?? false
        var count = 0
        for id in order {
            guard let source = entities[id]?.source else { continue }
            let shown = source.shown(keys)
            var found = try await query.run(source, shown, in: services)
            if addsPrevious {
                for (key, points) in found { found[key] = points.sorted { $0.timestamp > $1.timestamp } }
                for (key, point) in try await query.previous(source, shown, in: services) {
                    found[key, default: []].append(point)
                }
            }
            count += found.values.reduce(0) { $0 + $1.count }
            guard count <= WebSocketSettings.maximumPoints else {
                throw WebSocketFailure.failed("Too many points in one answer")
            }
            for key in keys { entities[id]?.series[key] = found[key] ?? [] }
        }
    }

    private struct Aggregate {
        var id: Int64
        var key: String
        var function: TelemetryReader.Aggregation?
        var previous: (start: Int64, end: Int64)?
        var onlyPrevious: Bool
    }

    private static func aggregates(of command: RequestObject) throws -> [Aggregate] {
        var aggregates: [Aggregate] = []
        for element in (command.value("keys")?.arrayValue ?? []).prefix(1000) {
            guard let members = element.objectValue else { continue }
            let object = RequestObject(members)
            guard let key = try object.storedText("key") else { continue }
            var aggregate = Aggregate(
                id: try object.integer("id") ?? 0, key: key,
                function: try object.text("agg").flatMap { TelemetryReader.Aggregation(rawValue: $0) },
                onlyPrevious: try object.boolean("previousValueOnly") ?? false)
            if let start = try object.integer("previousStartTs"), let end = try object.integer("previousEndTs") {
                aggregate.previous = (start, end)
            }
            aggregates.append(aggregate)
        }
        return aggregates
    }

    private func aggregate(_ command: RequestObject, isWindow: Bool) async throws {
        let start = try command.integer("startTs") ?? 0
        let end = isWindow ? start &+ (try command.integer("timeWindow") ?? 0) : try command.integer("endTs") ?? 0
        for aggregate in try Self.aggregates(of: command) {
            for id in order {
                guard let source = entities[id]?.source else { continue }
                var value = AggregatedValue()
                if !aggregate.onlyPrevious { value.current = try await one(aggregate, source, start, end) }
                if let range = aggregate.previous {
                    value.previous = try await one(aggregate, source, range.start, range.end)
                }
                entities[id]?.aggregates[aggregate.id] = value
            }
        }
    }

    /// One value for a whole range; without a function the newest.
    private func one(
        _ aggregate: Aggregate, _ source: TimeseriesSource, _ start: Int64, _ end: Int64
    ) async throws -> SeriesQuery.Point? {
        guard end > start else { return nil }
        var command: JSONObject = ["limit": 1]
        if let function = aggregate.function {
            command["agg"] = .string(function.rawValue)
            command["interval"] = .integer(end - start)
        }
        let query = try SeriesQuery(RequestObject(command), from: start, to: end)
        let found = try await query.run(source, source.shown([aggregate.key]), in: services)
        return found[aggregate.key]?.first
    }

    // MARK: - Live values

    override func changed(_ change: CommittedChange) {
        for id in shownBy[change.entity] ?? [] {
            guard let entity = entities[id] else { continue }
            switch change.content {
            case .timeseries(let time, _, let points) where entity.source.entity == change.entity:
                guard entity.source.contains(time) else { continue }
                changed(points, at: time, of: entity)
            case .attributes(let scope, let time, let points) where entity.id.uuid == change.entity:
                changed(points, scope, at: time, onlyChanged: change.origin.isOnlyIfChanged, of: entity)
            case .attributesDeleted(let scope, let names) where entity.id.uuid == change.entity:
                var update: Latest = [:]
                for name in names {
                    for key in Self.keys(of: scope, name) where latestKeys.contains(key) {
                        update[key] = KnownValue(timestamp: 0, text: "")
                    }
                }
                send(update, of: entity)
            case .timeseriesDeleted(let names) where entity.source.entity == change.entity:
                rereadKeys.formUnion(names.filter { latestKeys.contains(EntityKey(.timeSeries, $0)) })
                if !rereadKeys.isEmpty { refreshSoon() }
            default: break
            }
        }
    }

    private func changed(_ points: PointArena, at time: Int64, of entity: Entity) {
        var update: Latest = [:]
        var folded: Latest = [:]
        var series: Series = [:]
        for point in points.points {
            let name = points.key(of: point)
            guard !entity.source.shown([name]).isEmpty else { continue }
            let value = points.value(of: point)
            let key = EntityKey(.timeSeries, name)
            let known = KnownValue(timestamp: time, text: value.text)
            if latestKeys.contains(key), known.isNews(after: entity.latest[key]) { update[key] = known }
            if aggregatedKeys.contains(name) { folded[key] = known }
            if seriesKeys.contains(name) { series[name] = [SeriesQuery.Point(timestamp: time, value: value)] }
        }
        send(update, of: entity)
        // Every point counts for an aggregate, also those that are not the latest.
        for key in update.keys { folded[key] = nil }
        if !folded.isEmpty { sendUpdate(of: entity.id, latest: folded) }
        if !series.isEmpty { sendUpdate(of: entity.id, series: series) }
    }

    private func changed(
        _ points: PointArena, _ scope: AttributeScope, at time: Int64, onlyChanged: Bool, of entity: Entity
    ) {
        var update: Latest = [:]
        for point in points.points {
            let known = KnownValue(timestamp: time, text: points.value(of: point).text)
            for key in Self.keys(of: scope, points.key(of: point)) where latestKeys.contains(key) {
                if onlyChanged, entity.latest[key]?.text == known.text { continue }
                if known.isNews(after: entity.latest[key]) { update[key] = known }
            }
        }
        send(update, of: entity)
    }

    /// The keys under which an attribute may be asked for.
    private static func keys(of scope: AttributeScope, _ name: String) -> [EntityKey] {
        let kind: EntityKey.Kind =
            switch scope {
            case .client: .clientAttribute
            case .shared: .sharedAttribute
            case .server: .serverAttribute
            }
        return [EntityKey(kind, name), EntityKey(.attribute, name)]
    }

    /// Remembers and tells latest values.
    private func send(_ update: Latest, of entity: Entity) {
        guard !update.isEmpty else { return }
        entities[entity.id.uuid]?.latest.merge(update) { $1 }
        sendUpdate(of: entity.id, latest: update)
    }

    /// What was written after the page was read and before its entities were watched.
    private func compareLatest() async {
        let keys = latestKeys.filter { $0.kind != .field }
        guard !keys.isEmpty, !order.isEmpty else { return }
        let queries = EntityQueryRepository(services.database, reader: services.reader)
        guard let stored = try? await queries.values(of: order, keys), !isEnded else { return }
        for id in order {
            guard let entity = entities[id] else { continue }
            var update: Latest = [:]
            for key in keys {
                let value = stored[id]?[key] ?? KnownValue(timestamp: 0, text: "")
                guard let known = entity.latest[key] else {
                    // The client has not asked for its present value.
                    entities[id]?.latest[key] = value
                    continue
                }
                if value.isNews(after: known) { update[key] = value }
            }
            send(update, of: entity)
        }
    }

    override func compare() async { await compareLatest() }

    /// Points were deleted: other values may be the latest now, or none.
    private func reread() async {
        let keys = rereadKeys.map { EntityKey(.timeSeries, $0) }
        rereadKeys = []
        let queries = EntityQueryRepository(services.database, reader: services.reader)
        guard let stored = try? await queries.values(of: order, keys), !isEnded else { return }
        for id in order {
            guard let entity = entities[id] else { continue }
            var update: Latest = [:]
            for key in keys {
                let value = stored[id]?[key] ?? KnownValue(timestamp: 0, text: "")
                if let known = entity.latest[key], known != value { update[key] = value }
            }
            send(update, of: entity)
        }
    }

    // MARK: - Messages

    private func send(failure: WebSocketFailure) {
        send(
            WebSocketReply.data(id, "ENTITY_DATA", failure: failure) { writer in
                writer.key("data")
                writer.null()
                writer.key("update")
                writer.null()
                writer.member("allowedEntities", Int64(0))
            })
    }

    /// The page where it was not sent yet, else the entities as an update; what was read for it is forgotten.
    private func sendAnswers() {
        if isPageSent { sendEntities() } else { sendPage() }
        for id in order {
            entities[id]?.series = [:]
            entities[id]?.aggregates = [:]
        }
    }

    private var page: Page<Entity> {
        Page(elements: order.compactMap { entities[$0] }, totalElements: total, link: link)
    }

    private func sendPage() {
        isPageSent = true
        let (page, order) = (page, keyOrder)
        message { writer in
            writer.key("data")
            writer.page(page) { entity, writer in entity.write(order, to: &writer) }
            writer.key("update")
            writer.null()
        }
    }

    private func sendEntities() {
        let (page, order) = (page, keyOrder)
        message { writer in
            writer.key("data")
            writer.null()
            writer.key("update")
            writer.array { writer in for entity in page.elements { entity.write(order, to: &writer) } }
        }
    }

    private func sendUpdate(of entity: EntityID, latest: Latest? = nil, series: Series? = nil) {
        message { writer in
            writer.key("data")
            writer.null()
            writer.key("update")
            writer.array { writer in
                writer.object { writer in
                    writer.id("entityId", entity.type, entity.uuid)
                    writer.key("latest")
                    if let latest { writer.known(latest, Array(latest.keys)) } else { writer.null() }
                    writer.key("timeseries")
                    if let series { writer.series(series) } else { writer.null() }
                    writer.key("aggLatest")
                    writer.null()
                }
            }
        }
    }

    private func message(_ members: (inout JSONWriter) -> Void) {
        let allowed = service.settings.maximumDataEntities
        send(
            WebSocketReply.data(id, "ENTITY_DATA") { writer in
                members(&writer)
                writer.member("allowedEntities", Int64(allowed))
            })
    }

    /// The keys of the query, then those that became known later.
    private var keyOrder: [EntityKey] {
        var keys = query?.fields ?? []
        for key in latestKeys where !keys.contains(key) { keys.append(key) }
        return keys
    }
}

extension EntityDataSubscription.Entity {
    fileprivate func write(_ order: [EntityKey], to writer: inout JSONWriter) {
        writer.object { writer in
            writer.id("entityId", id.type, id.uuid)
            writer.key("latest")
            let known = latest
            var keys = order
            for key in known.keys where !keys.contains(key) { keys.append(key) }
            writer.known(known, keys)
            writer.key("timeseries")
            writer.series(series)
            writer.key("aggLatest")
            writer.object { writer in
                for (id, value) in aggregates.sorted(by: { $0.key < $1.key }) {
                    writer.key("\(id)")
                    writer.object { writer in
                        writer.key("current")
                        writer.point(value.current)
                        writer.key("previous")
                        writer.point(value.previous)
                    }
                }
            }
        }
    }
}

extension Dictionary where Key == EntityKey, Value == KnownValue {
    mutating func keepNewer(of others: [EntityKey: KnownValue]) {
        for (key, value) in others where value.timestamp > self[key]?.timestamp ?? .min { self[key] = value }
    }
}

extension KnownValue {
    /// Whether it is to be told to whom knows `other`: not what is older, nor the same again. A value that is gone is news.
    func isNews(after other: KnownValue?) -> Bool {
        guard let other else { return true }
        if timestamp == 0 { return other.timestamp != 0 }
        return timestamp > other.timestamp || timestamp == other.timestamp && text != other.text
    }
}

extension JSONWriter {
    fileprivate mutating func series(_ series: EntityDataSubscription.Series) {
        object { writer in
            for (key, points) in series.sorted(by: { $0.key < $1.key }) {
                writer.key(key)
                writer.array { writer in for point in points { writer.point(point) } }
            }
        }
    }

    fileprivate mutating func point(_ point: SeriesQuery.Point?) {
        object { writer in
            writer.member("ts", point?.timestamp ?? 0)
            writer.member("value", point?.value.text ?? "")
            if let count = point?.count { writer.member("count", count) }
        }
    }
}
