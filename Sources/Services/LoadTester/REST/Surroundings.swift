internal import JSON

/// What a platform holds beside devices: customers with a user each, and dashboards (`rest-api.md` 5.1, phases 3 to 6).
struct Surroundings: Sendable {
    static let userPassword = "customer"
    /// Widgets of a dashboard, about 1 kB each: as large as those of the published tool.
    private static let widgets = 20

    let provisioning: Provisioning

    private var client: RESTClient { provisioning.api.client }

    /// `C00000017` is customer 17.
    static func customerTitle(_ number: Int) -> String {
        let digits = String(number)
        return "C" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }

    static func userName(_ number: Int) -> String { customerTitle(number).lowercased() + "@thingsboard.org" }

    static func dashboardTitle(_ number: Int) -> String { "Load test \(number)" }

    // MARK: - Customers

    /// Makes the customers that are missing, each with a user who has activated the account.
    ///
    /// - Returns: The identifiers of all.
    func createCustomers(_ numbers: Range<Int>, home dashboard: String?) async throws(RESTError) -> [String] {
        try await provisioning.forEach(numbers) { number throws(RESTError) -> String in
            let title = Self.customerTitle(number)
            if let known = try await client.callUnlessAbsent("GET", "/api/tenant/customers?customerTitle=\(title)") {
                return try Self.identifier(of: known, "GET /api/tenant/customers")
            }
            let customer = try await client.call("POST", "/api/customer", body: ["title": .string(title)])
            let id = try Self.identifier(of: customer, "POST /api/customer")
            try await createUser(number, customer: id, home: dashboard)
            return id
        }
    }

    private func createUser(_ number: Int, customer: String, home dashboard: String?) async throws(RESTError) {
        var info: JSONObject = [:]
        if let dashboard {
            info["defaultDashboardId"] = .string(dashboard)
            info["defaultDashboardFullscreen"] = true
        }
        let user = try await client.call(
            "POST", "/api/user?sendActivationMail=false",
            body: [
                "email": .string(Self.userName(number)), "authority": "CUSTOMER_USER",
                "customerId": ["entityType": "CUSTOMER", "id": .string(customer)], "additionalInfo": .object(info),
            ])
        let id = try Self.identifier(of: user, "POST /api/user")
        let link = String(decoding: try await client.bytes("GET", "/api/user/\(id)/activationLink"), as: UTF8.self)
        guard let name = link.firstRange(of: "activateToken=") else {
            throw .unexpectedAnswer(call: "GET /api/user/../activationLink")
        }
        _ = try await client.call(
            "POST", "/api/noauth/activate?sendActivationMail=false",
            body: ["activateToken": .string(String(link[name.upperBound...])), "password": .string(Self.userPassword)])
    }

    func deleteCustomers(_ identifiers: [String]) async throws(RESTError) { try await delete("customer", identifiers) }

    // MARK: - Dashboards

    /// Makes the dashboards that are missing.
    ///
    /// - Returns: The identifiers of all.
    func createDashboards(_ count: Int) async throws(RESTError) -> [String] {
        let page = try await client.call("GET", "/api/tenant/dashboards?pageSize=1000&page=0&textSearch=Load%20test")
        var known: [String: String] = [:]
        for dashboard in page["data"]?.arrayValue ?? [] {
            guard let title = dashboard["title"]?.stringValue else { continue }
            known[title] = try Self.identifier(of: dashboard, "GET /api/tenant/dashboards")
        }
        let existing = known
        return try await provisioning.forEach(0..<count) { number throws(RESTError) -> String in
            let title = Self.dashboardTitle(number)
            if let id = existing[title] { return id }
            let dashboard = try await client.call("POST", "/api/dashboard", body: Self.dashboard(title))
            return try Self.identifier(of: dashboard, "POST /api/dashboard")
        }
    }

    private static func dashboard(_ title: String) -> JSONValue {
        var widgets: JSONObject = [:]
        for number in 0..<Self.widgets {
            widgets["widget-\(number)"] = [
                "typeFullFqn": "system.cards.value_card", "sizeX": 4, "sizeY": 3,
                "config": [
                    "title": .string("Value \(number)"), "settings": .string(String(repeating: "x", count: 900)),
                ],
            ]
        }
        return [
            "title": .string(title),
            "configuration": ["description": "Made by a load test", "widgets": .object(widgets), "states": [:]],
        ]
    }

    func deleteDashboards(_ identifiers: [String]) async throws(RESTError) {
        try await delete("dashboard", identifiers)
    }

    // MARK: - Helpers

    private func delete(_ kind: String, _ identifiers: [String]) async throws(RESTError) {
        _ = try await provisioning.forEach(identifiers) { id throws(RESTError) -> Void in
            _ = try await client.callUnlessAbsent("DELETE", "/api/\(kind)/\(id)")
        }
    }

    private static func identifier(of entity: JSONValue, _ call: String) throws(RESTError) -> String {
        guard let id = entity["id"]?["id"]?.stringValue else { throw .unexpectedAnswer(call: call) }
        return id
    }
}
