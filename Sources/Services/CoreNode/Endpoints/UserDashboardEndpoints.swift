internal import HTTPServer
internal import JSON
internal import Model
internal import Storage

/// The dashboards that a user looked at last, and those marked with a star (`rest-api.md` 4.1).
struct UserDashboardEndpoints: EndpointGroup {
    let services: Services

    private static let type = "VISITED_DASHBOARDS"
    private static let maximumVisited = 10

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/user/dashboards", roles: [.tenant, .customer], read)
                .docs("Dashboards visited last and starred"),
            Endpoint(.get, "/api/user/lastVisitedDashboards", roles: [.tenant, .customer], read)
                .docs("Dashboards visited last and starred"),
            Endpoint(.get, "/api/user/dashboards/{dashboardId}/{action}", roles: [.tenant, .customer], act)
                .docs("Notes a visit, gives a star or takes it away"),
        ]
    }

    private struct Mark {
        var id: String
        var time: Int64
    }

    private struct Marks {
        var visited: [Mark] = []
        var starred: [Mark] = []

        init(_ document: JSONValue?) {
            visited = Self.marks(document?["last"], time: "lastVisited")
            starred = Self.marks(document?["starred"], time: "starredAt")
        }

        private static func marks(_ list: JSONValue?, time: String) -> [Mark] {
            (list?.arrayValue ?? []).compactMap { entry in
                guard let id = entry["id"]?.stringValue else { return nil }
                return Mark(id: id, time: entry[time]?.integerValue ?? 0)
            }
        }

        var document: RawJSON {
            RawJSON([
                "last": .array(visited.map { ["id": .string($0.id), "lastVisited": .integer($0.time)] }),
                "starred": .array(starred.map { ["id": .string($0.id), "starredAt": .integer($0.time)] }),
            ])
        }
    }

    private func marks(_ principal: Principal) async throws -> Marks {
        Marks(try await services.userSettings.find(principal.userID, type: Self.type)?.value)
    }

    @Sendable private func read(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        try await answer(try await marks(principal), principal)
    }

    @Sendable private func act(_ call: Call, _ principal: Principal) async throws -> HTTPResponse {
        let action = call.path["action"]
        guard ["visit", "star", "unstar"].contains(action.lowercased()) else {
            throw APIError.unsupported("Action", action)
        }
        let id: DashboardID = try call.id("dashboardId")
        guard let dashboard = try await services.dashboards.findInfo(id) else {
            throw APIError.notFound(.dashboard, id.uuid)
        }
        var owner = Permissions.Owner(tenant: dashboard.tenantID)
        owner.isAssigned = dashboard.isAssigned(to: principal.customerID)
        try Permissions.require(principal, .read, .dashboard, of: owner)
        var marks = try await marks(principal)
        switch action.lowercased() {
        case "visit":
            marks.visited.removeAll { $0.id == id.description }
            marks.visited.insert(Mark(id: id.description, time: call.now), at: 0)
            marks.visited = Array(marks.visited.prefix(Self.maximumVisited))
        case "star":
            if !marks.starred.contains(where: { $0.id == id.description }) {
                marks.starred.insert(Mark(id: id.description, time: call.now), at: 0)
                marks.starred = Array(marks.starred.prefix(100))
            }
        default: marks.starred.removeAll { $0.id == id.description }
        }
        if !principal.isPublic {
            try await services.userSettings.save(principal.userID, type: Self.type, marks.document)
        }
        return try await answer(marks, principal)
    }

    /// With the titles as they are now; dashboards that are gone are left out.
    private func answer(_ marks: Marks, _ principal: Principal) async throws -> HTTPResponse {
        var titles: [String: String] = [:]
        for id in Set((marks.visited + marks.starred).map(\.id)) {
            guard let uuid = UUID128(id), let found = try await services.dashboards.findInfo(DashboardID(uuid)),
                found.tenantID == principal.tenantID
            else { continue }
            titles[id] = found.title
        }
        return .json { writer in
            writer.object { writer in
                writer.key("last")
                writer.array { writer in
                    for mark in marks.visited {
                        guard let title = titles[mark.id] else { continue }
                        writer.object { writer in
                            writer.member("id", mark.id)
                            writer.member("title", title)
                            writer.member("starred", marks.starred.contains { $0.id == mark.id })
                            writer.member("lastVisited", mark.time)
                        }
                    }
                }
                writer.key("starred")
                writer.array { writer in
                    for mark in marks.starred {
                        guard let title = titles[mark.id] else { continue }
                        writer.object { writer in
                            writer.member("id", mark.id)
                            writer.member("title", title)
                            writer.member("starredAt", mark.time)
                        }
                    }
                }
            }
        }
    }
}
