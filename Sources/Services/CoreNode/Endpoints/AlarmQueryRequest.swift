internal import JSON
internal import Model
internal import Storage

/// An alarm query as clients send it (`rest-api.md` 4.15).
struct AlarmQueryRequest: Sendable {
    let services: Services
    let principal: Principal

    private var entityRequest: EntityQueryRequest { EntityQueryRequest(services: services, principal: principal) }
    private var queries: EntityQueryRepository { EntityQueryRepository(services.database, reader: services.reader) }
    var alarms: AlarmQueryRepository { AlarmQueryRepository(services.database, entities: queries) }

    /// What the query says beside its entities; `link` is its page link or the query itself.
    private func filter(_ link: RequestObject, now: Int64) throws(APIError) -> AlarmFilter {
        var filter = AlarmFilter(tenant: principal.tenantID)
        if principal.authority == .customerUser { filter.customer = principal.customerID }
        if let start = try link.integer("startTs"), start > 0 { filter.start = start }
        if let end = try link.integer("endTs"), end > 0 { filter.end = end }
        if let window = try link.integer("timeWindow"), window > 0 { filter.start = now &- window }
        if let assignee = try link.uuid("assigneeId", .user) { filter.assignee = UserID(assignee) }
        var states: [AlarmStates.Search] = []
        for value in link.value("statusList")?.arrayValue ?? [] {
            guard let state = AlarmStates.Search(rawValue: value.stringValue ?? "") else {
                throw .malformedBody("states are expected in 'statusList'")
            }
            states.append(state)
        }
        AlarmStates.apply(states, to: &filter)
        for value in link.value("severityList")?.arrayValue ?? [] {
            guard let severity = AlarmSeverity(rawValue: value.stringValue ?? "") else {
                throw .malformedBody("severities are expected in 'severityList'")
            }
            filter.severities.append(severity)
        }
        filter.types = (link.value("typeList")?.arrayValue ?? []).compactMap(\.stringValue)
        return filter
    }

    /// Alarms of somebody are for those who may see the user.
    private func checkAssignee(_ link: RequestObject) async throws {
        guard let id = try link.uuid("assigneeId", .user) else { return }
        try await services.require(EntityID(type: .user, uuid: id), for: principal, .read)
    }

    /// The query without its page: what counting needs.
    func count(_ body: RequestObject, now: Int64) async throws -> AlarmQuery {
        try await checkAssignee(body)
        return AlarmQuery(
            filter: try filter(body, now: now),
            entities: body.contains("entityFilter") ? try await entityRequest.count(body) : nil,
            includesPropagated: try body.boolean("searchPropagatedAlarms") ?? false)
    }

    /// The whole query, the page that is wanted, and what is to be told of the alarms' entities.
    func find(_ body: RequestObject, now: Int64) async throws -> (AlarmQuery, PageLink, [EntityKey]) {
        guard let page = try body.object("pageLink") else { throw APIError.itemNotFound }
        try await checkAssignee(page)
        let link = try EntityQueryRequest.link(page)
        var query = AlarmQuery(
            filter: try filter(page, now: now), entities: try await entityRequest.count(body),
            includesPropagated: try page.boolean("searchPropagatedAlarms") ?? false)
        query.textSearch = link.textSearch
        if let sort = try page.object("sortOrder"), let field = try sort.object("key")?.text("key") {
            guard AlarmQueryRepository.canSort(by: field) else {
                throw APIError.invalid("Invalid entity data page link sort property")
            }
            query.sort = (field, try sort.text("direction")?.uppercased() == "DESC")
        }
        return (query, link, try entityRequest.fields(body))
    }

    /// The entities whose alarms are meant, up to `limit`, and how many there are.
    func entities(_ body: RequestObject, limit: Int) async throws -> (ids: [UUID128], total: Int64) {
        let query = try await entityRequest.count(body)
        let page = try await queries.page(query, PageLink(pageSize: limit, page: 0), now: 0)
        return (page.elements.map(\.entity.uuid), Int64(page.totalElements))
    }

    /// Fields and latest values of entities of which the caller has found alarms.
    func latest(
        _ fields: [EntityKey], of entities: [EntityID], now: Int64
    ) async throws -> [EntityID: [KnownValue]] {
        var values: [EntityID: [KnownValue]] = [:]
        guard !fields.isEmpty else { return values }
        for (type, ids) in Dictionary(grouping: entities, by: \.type) where EntityQueryScope.knows(type) {
            var query = EntityQuery(scope: entityRequest.scope, filter: .list(type, Array(Set(ids.map(\.uuid)))))
            query.fields = fields
            let page = try await queries.page(query, PageLink(pageSize: ids.count, page: 0), now: now)
            for found in page.elements { values[found.entity] = found.values }
        }
        return values
    }
}
