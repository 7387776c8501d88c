internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// Lists of alarms (`rest-api.md` 4.11).
struct AlarmListEndpoints: EndpointGroup {
    let services: Services

    private static let states: [QueryParameter] = [
        .choice("searchStatus", AlarmStates.searchNames), .choice("status", AlarmStates.names), .uuid("assigneeId"),
    ]
    private static let lists: [QueryParameter] = [
        .list("statusList"), .list("severityList"), .list("typeList"), .uuid("assigneeId"),
    ]

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/alarms", roles: [.tenant, .customer], all)
                .docs("Alarms", query: .timePage + Self.states, answer: .page("AlarmInfo")),
            Endpoint(.get, "/api/v2/alarms", roles: [.tenant, .customer], allByLists)
                .docs("Alarms by lists of states", query: .timePage + Self.lists, answer: .page("AlarmInfo")),
            Endpoint(.get, "/api/alarm/{entityType}/{entityId}", roles: .everyone, ofEntity)
                .docs("Alarms that an entity shows", query: .timePage + Self.states, answer: .page("AlarmInfo")),
            Endpoint(.get, "/api/v2/alarm/{entityType}/{entityId}", roles: .everyone, ofEntityByLists)
                .docs(
                    "Alarms that an entity shows, by lists of states", query: .timePage + Self.lists,
                    answer: .page("AlarmInfo")),
            Endpoint(
                .get, "/api/alarm/highestSeverity/{entityType}/{entityId}", roles: [.tenant, .customer],
                highestSeverity
            )
            .docs("The worst severity among an entity's alarms", query: Self.states),
            Endpoint(.get, "/api/alarm/types", roles: [.tenant, .customer], types)
                .docs("The types of alarms", query: .page, answer: .page("EntitySubtype")),
        ]
    }

    private var alarms: AlarmRepository { AlarmRepository(services.database) }

    // MARK: - Filters

    private func filter(_ call: Call, _ principal: Principal) throws(APIError) -> AlarmFilter {
        var filter = AlarmFilter(tenant: principal.tenantID)
        if principal.authority == .customerUser { filter.customer = principal.customerID }
        filter.start = try call.integer("startTime")
        filter.end = try call.integer("endTime")
        filter.assignee = try call.uuid(query: "assigneeId").map { UserID($0) }
        return filter
    }

    /// With the states of the older endpoints.
    private func single(_ call: Call, _ principal: Principal) throws(APIError) -> AlarmFilter {
        var filter = try filter(call, principal)
        let search = call.text("searchStatus")
        let status = call.text("status")
        if search != nil, status != nil {
            throw .invalid(
                "Invalid alarms search query: Both parameters 'searchStatus' and 'status' can't be specified at the "
                    + "same time!")
        }
        if let search { AlarmStates.apply(try AlarmStates.search("searchStatus", search), to: &filter) }
        if let status {
            guard AlarmStates.names.contains(status) else {
                throw .conversion("status", status, to: "AlarmStatus")
            }
            filter.isCleared = status.hasPrefix("CLEARED")
            filter.isAcknowledged = status.hasSuffix("_ACK")
        }
        return filter
    }

    /// With the lists of the newer endpoints.
    private func listed(_ call: Call, _ principal: Principal) throws(APIError) -> AlarmFilter {
        var filter = try filter(call, principal)
        var states: [AlarmStates.Search] = []
        for name in call.list("statusList") { states.append(try AlarmStates.search("statusList", name)) }
        AlarmStates.apply(states, to: &filter)
        for name in call.list("severityList") {
            guard let severity = AlarmSeverity(rawValue: name) else {
                throw .conversion("severityList", name, to: "AlarmSeverity")
            }
            filter.severities.append(severity)
        }
        filter.types = call.list("typeList")
        return filter
    }

    // MARK: - Answers

    @Sendable private func all(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let link = try call.pageLink()
        return .json(try await alarms.page(try single(call, principal), link))
    }

    @Sendable private func allByLists(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let link = try call.pageLink()
        return .json(try await alarms.page(try listed(call, principal), link))
    }

    @Sendable private func ofEntity(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await page(try single(call, principal), call, principal)
    }

    @Sendable private func ofEntityByLists(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await page(try listed(call, principal), call, principal)
    }

    private func page(_ wanted: AlarmFilter, _ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let link = try call.pageLink()
        let access = try await EntityAccess.check(call, principal, .read, in: services)
        var filter = wanted
        filter.entity = access.entity
        filter.tenant = access.tenant
        return .json(try await alarms.page(filter, link))
    }

    @Sendable private func highestSeverity(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        var filter = try single(call, principal)
        let access = try await EntityAccess.check(call, principal, .read, in: services)
        filter.entity = access.entity
        guard let severity = try await alarms.highestSeverity(filter) else { return .empty(200) }
        return .json("\"\(severity.rawValue)\"")
    }

    @Sendable private func types(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let page = try await alarms.types(tenant: principal.tenantID, try call.pageLink(sortedBy: "type"))
        return .json {
            $0.page(page) { type, writer in
                writer.object { writer in
                    writer.id("tenantId", principal.tenantID)
                    writer.member("entityType", EntityType.alarm.name)
                    writer.member("type", type)
                }
            }
        }
    }
}

/// Names of states in queries for alarms.
enum AlarmStates {
    enum Search: String, CaseIterable {
        case any = "ANY"
        case active = "ACTIVE"
        case cleared = "CLEARED"
        case acknowledged = "ACK"
        case unacknowledged = "UNACK"
    }

    static let searchNames = Search.allCases.map(\.rawValue)
    static let names = ["ACTIVE_UNACK", "ACTIVE_ACK", "CLEARED_UNACK", "CLEARED_ACK"]

    static func search(_ parameter: String, _ name: String) throws(APIError) -> Search {
        guard let search = Search(rawValue: name) else {
            throw .conversion(parameter, name, to: "AlarmSearchStatus")
        }
        return search
    }

    static func apply(_ search: Search, to filter: inout AlarmFilter) { apply([search], to: &filter) }

    /// A pair that contradicts itself says nothing of its flag.
    static func apply(_ states: [Search], to filter: inout AlarmFilter) {
        if states.contains(.active) != states.contains(.cleared) { filter.isCleared = states.contains(.cleared) }
        if states.contains(.acknowledged) != states.contains(.unacknowledged) {
            filter.isAcknowledged = states.contains(.acknowledged)
        }
    }
}
