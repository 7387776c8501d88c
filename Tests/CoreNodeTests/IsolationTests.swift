import HTTPServer
import JSON
import Model
import Postgres
import Storage
import TestSupport
import Testing

@testable import CoreNode

/// Every endpoint against every role, and against callers whom its entities do not belong to (`rest-api.md` 1.13).
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct IsolationTests {
    private let api: TestService
    private let salt = String(UInt32.random(in: 0...UInt32.max))
    /// In the name of everything that the victims have.
    private var mark: String { "Victim\(salt)" }

    init() async throws { api = try await TestService() }

    private var endpoints: [Endpoint] { api.service.endpoints.filter { $0.pattern.hasPrefix("/api/") } }

    // MARK: - Requests to every endpoint

    /// Which entity a variable or parameter of that name stands for.
    private static let kinds: [(part: String, type: EntityType)] = [
        ("tenantProfile", .tenantProfile), ("deviceProfile", .deviceProfile), ("assetProfile", .assetProfile),
        ("ruleChain", .ruleChain), ("ruleNode", .ruleNode), ("entityView", .entityView), ("dashboard", .dashboard),
        ("device", .device), ("asset", .asset), ("customer", .customer), ("tenant", .tenant), ("user", .user),
        ("alarm", .alarm), ("apiKey", .apiKey),
    ]

    private static func kind(of name: String, in pattern: String) -> EntityType {
        let lowered = name.lowercased()
        if let kind = kinds.first(where: { lowered.hasPrefix($0.part.lowercased()) }) { return kind.type }
        let path = pattern.lowercased()
        return kinds.first { path.contains("/" + $0.part.lowercased()) }?.type ?? .device
    }

    /// The target of a request to `endpoint` that is about `entities`, texts being `text`.
    private func target(_ endpoint: Endpoint, _ entities: [EntityType: String], text: String) -> String {
        func id(_ name: String) -> String {
            entities[Self.kind(of: name, in: endpoint.pattern)] ?? UUID128.random().text
        }
        let escaped = PercentCoded.encode(text)
        let path = endpoint.pattern.split(separator: "/").map { segment -> String in
            guard segment.first == "{" else { return String(segment) }
            let name = String(segment.dropFirst().dropLast(segment.hasSuffix("...}") ? 4 : 1))
            if name.lowercased().hasSuffix("type") { return "DEVICE" }
            if name == "scope" { return "SERVER_SCOPE" }
            return name == "id" || name.hasSuffix("Id") ? id(name) : escaped
        }
        var query: [String] = []
        for parameter in endpoint.documentation?.query ?? [] {
            let value: String
            switch parameter.kind {
            case .integer: value = parameter.name == "page" ? "0" : "100"
            case .boolean: value = "true"
            case .uuid, .uuids: value = id(parameter.name)
            case .choice(let choices): value = choices.first ?? ""
            case .text, .list:
                let name = parameter.name
                if ["sortProperty", "textSearch"].contains(name), text == "x" { continue }
                value = name.hasSuffix("Type") ? "DEVICE" : name.hasSuffix("Id") ? id(name) : escaped
            }
            query.append("\(parameter.name)=\(value)")
        }
        return "/" + path.joined(separator: "/") + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
    }

    /// A body that names entities wherever one could be named.
    private func body(_ endpoint: Endpoint, _ entities: [EntityType: String], text: String) -> JSONValue? {
        guard endpoint.method != .get else { return nil }
        let last = endpoint.pattern.split(separator: "/").last { $0.first != "{" }.map(String.init) ?? ""
        let kind = Self.kind(of: last, in: endpoint.pattern)
        func reference(_ type: EntityType) -> JSONValue {
            ["entityType": .string(type.name), "id": .string(entities[type] ?? UUID128.random().text)]
        }
        var body: JSONObject = ["id": reference(kind), "version": 1]
        for key in ["name", "title", "label", "description", "secretKey", "method", "key"] { body[key] = .string(text) }
        body["type"] = "DEFAULT"
        body["transportType"] = "DEFAULT"
        body["email"] = .string("\(salt)@x.org")
        body["authority"] = "CUSTOMER_USER"
        body["credentialsType"] = "ACCESS_TOKEN"
        body["credentialsId"] = .string(text)
        body["severity"] = "MAJOR"
        body["params"] = [:]
        body["timeout"] = 5000
        for (key, type) in [
            ("tenantId", EntityType.tenant), ("customerId", .customer), ("deviceId", .device), ("userId", .user),
            ("entityId", .device), ("from", .device), ("to", .asset), ("ruleChainId", .ruleChain),
            ("originator", .device), ("deviceProfileId", .deviceProfile), ("assetProfileId", .assetProfile),
        ] {
            body[key] = reference(type)
        }
        if text != "x" { body[text] = .string(text) }
        body["nodes"] = []
        body["connections"] = []
        body["device"] = .object(["id": reference(.device), "name": .string(text)])
        body["credentials"] = .object(["credentialsType": "ACCESS_TOKEN", "credentialsId": .string(text)])
        return .object(body)
    }

    private func send(
        _ endpoint: Endpoint, _ entities: [EntityType: String], text: String = "x", token: String?
    ) async throws -> TestService.Answer {
        try await api.send(
            endpoint.method, target(endpoint, entities, text: text), body(endpoint, entities, text: text), token: token)
    }

    // MARK: - Roles

    @Test func everyEndpointIsClosedToEveryRoleThatItDoesNotName() async throws {
        let tokens: [(Authority, String)] = [
            (.systemAdministrator, try await api.login("sysadmin")), (.tenantAdministrator, try await api.login()),
            (.customerUser, try await api.login("customer")),
        ]
        var checked = 0
        for endpoint in endpoints {
            guard case .roles(let roles, _) = endpoint.access else { continue }
            #expect(try await send(endpoint, [:], token: nil).status == 401, "\(endpoint.method) \(endpoint.pattern)")
            for (authority, token) in tokens where !roles.admits(authority) {
                let answer = try await send(endpoint, [:], token: token)
                #expect(answer.status == 403, "\(endpoint.method) \(endpoint.pattern) as \(authority)")
                checked += 1
            }
        }
        #expect(checked > 150, "\(checked)")
    }

    // MARK: - Owners

    private func id(_ value: JSONValue) throws -> String { try #require(value["id"]?["id"]?.stringValue, "\(value)") }

    private func make(_ path: String, _ body: JSONValue, _ token: String) async throws -> String {
        let answer = try await api.send(.post, path, body, token: token)
        return try id(answer.body)
    }

    /// Makes a user with the password `secret1` and signs in.
    private func signUp(_ user: JSONValue, by token: String) async throws -> (id: String, token: String) {
        let id = try await make("/api/user?sendActivationMail=false", user, token)
        let link = try await api.send(.get, "/api/user/\(id)/activationLink", token: token).text
        let activation = try #require(link.split(separator: "=").last.map(String.init))
        let pair = try await api.send(
            .post, "/api/noauth/activate?sendActivationMail=false",
            ["activateToken": .string(activation), "password": "secret1"])
        return (id, try #require(pair.body["token"]?.stringValue))
    }

    private func reference(_ type: EntityType, _ id: String) -> JSONValue {
        ["entityType": .string(type.name), "id": .string(id)]
    }

    /// Everything that a tenant can have, of one of its customers where it can belong to one.
    private func makeVictim() async throws -> (entities: [EntityType: String], token: String) {
        let system = try await api.login("sysadmin")
        var entities: [EntityType: String] = [:]
        let tenant = try await make("/api/tenant", ["title": .string(mark)], system)
        entities[.tenant] = tenant
        let administrator: JSONValue = [
            "email": .string("a\(mark)@x.org"), "authority": "TENANT_ADMIN", "tenantId": reference(.tenant, tenant),
        ]
        let (_, token) = try await signUp(administrator, by: system)
        let customer = try await make("/api/customer", ["title": .string(mark)], token)
        entities[.customer] = customer
        let owned: JSONValue = [
            "name": .string(mark), "title": .string(mark), "type": "default",
            "customerId": reference(.customer, customer),
        ]
        for (path, type) in [("device", EntityType.device), ("asset", .asset), ("dashboard", .dashboard)] {
            entities[type] = try await make("/api/" + path, owned, token)
        }
        entities[.ruleChain] = try await make("/api/ruleChain", ["name": .string(mark)], token)
        let profile: JSONValue = ["name": .string(mark), "type": "DEFAULT", "transportType": "DEFAULT"]
        entities[.deviceProfile] = try await make("/api/deviceProfile", profile, token)
        entities[.assetProfile] = try await make("/api/assetProfile", profile, token)
        let user: JSONValue = [
            "email": .string("u\(mark)@x.org"), "authority": "CUSTOMER_USER",
            "customerId": reference(.customer, customer),
        ]
        entities[.user] = try await signUp(user, by: token).id
        let key: JSONValue = ["userId": reference(.user, entities[.user] ?? ""), "description": .string(mark)]
        entities[.apiKey] = try await make("/api/apiKey", key, token)
        let device = try #require(entities[.device])
        let view: JSONValue = [
            "name": .string(mark), "type": "v", "entityId": reference(.device, device),
            "customerId": reference(.customer, customer),
            "keys": ["timeseries": [], "attributes": ["cs": [], "ss": [], "sh": []]],
        ]
        entities[.entityView] = try await make("/api/entityView", view, token)
        let attributes: JSONValue = ["secret": .string(mark)]
        let saved = try await api.send(
            .post, "/api/plugins/telemetry/DEVICE/\(device)/SERVER_SCOPE", attributes, token: token)
        #expect(saved.status == 200)
        return (entities, token)
    }

    /// What is stored of the victim, to see whether anything changed.
    private func fingerprint(of entities: [EntityType: String]) async throws -> [String] {
        let tenant = try #require(entities[.tenant].flatMap { UUID128($0) })
        var prints: [String] = []
        for table in [
            "device", "asset", "entity_view", "customer", "tb_user", "dashboard", "rule_chain", "device_profile",
            "asset_profile", "alarm", "api_key",
        ] {
            let rows = try await api.database.query(
                "SELECT count(*)::text || ' ' || coalesce(md5(string_agg(t::text, ',' ORDER BY t.id)), '') FROM \(table) t "
                    + "WHERE tenant_id = $1", [.uuid(high: tenant.high, low: tenant.low)])
            prints.append(table + " " + (rows.first?.text(0) ?? ""))
        }
        for (table, column) in [
            ("attribute_kv", "entity_id"), ("relation", "from_id"), ("relation", "to_id"),
            ("user_credentials", "user_id"),
            ("device_credentials", "device_id"),
        ] {
            let ids = entities.values.compactMap { UUID128($0) }.map { ($0.high, $0.low) }
            let rows = try await api.database.query(
                "SELECT count(*)::text || ' ' || coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM \(table) t "
                    + "WHERE \(column) = ANY($1)", [.uuidArray(ids.map { (high: $0.0, low: $0.1) })])
            prints.append("\(table) \(column) " + (rows.first?.text(0) ?? ""))
        }
        return prints
    }

    /// What ends the attacker's own session, or changes what it may do.
    private static let skipped: Set<String> = ["/api/auth/logout", "/api/auth/changePassword"]

    private func attack(_ entities: [EntityType: String], as name: String, _ token: String) async throws {
        let before = try await fingerprint(of: entities)
        for endpoint in endpoints where !Self.skipped.contains(endpoint.pattern) {
            guard case .roles = endpoint.access else { continue }
            let answer = try await send(endpoint, entities, token: token)
            let place: Comment = "\(endpoint.method) \(endpoint.pattern) as \(name): \(answer.status)"
            #expect(!answer.text.contains(mark), place)
            #expect(answer.status != 401, place)
            #expect(try await fingerprint(of: entities) == before, place)
        }
    }

    /// The requests of the other tests do reach something: the owner sees it by them.
    @Test func theOwnerSeesWhatIsIts() async throws {
        let (entities, token) = try await makeVictim()
        var seen = 0
        for endpoint in endpoints where endpoint.method == .get {
            guard case .roles(let roles, _) = endpoint.access, roles.admits(.tenantAdministrator) else { continue }
            if try await send(endpoint, entities, token: token).text.contains(mark) { seen += 1 }
        }
        #expect(seen > 40, "\(seen)")
    }

    @Test func nothingOfATenantIsSeenOrChangedByOthers() async throws {
        let (entities, _) = try await makeVictim()
        try await attack(entities, as: "another tenant's administrator", try await api.login())
        try await attack(entities, as: "another tenant's customer", try await api.login("customer"))
    }

    @Test func nothingOfACustomerIsSeenOrChangedByAnother() async throws {
        let (entities, token) = try await makeVictim()
        let other = try await make("/api/customer", ["title": .string("Other" + salt)], token)
        let user: JSONValue = [
            "email": .string("o\(salt)@x.org"), "authority": "CUSTOMER_USER", "customerId": reference(.customer, other),
        ]
        let attacker = try await signUp(user, by: token)
        // Profiles, chains and the tenant itself are shared by all customers.
        let shared: Set<EntityType> = [.deviceProfile, .assetProfile, .ruleChain, .tenant]
        for endpoint in endpoints where !Self.skipped.contains(endpoint.pattern) {
            guard case .roles(let roles, _) = endpoint.access, roles.admits(.customerUser) else { continue }
            let names = endpoint.pattern.lowercased()
            if names.contains("profile") || names.contains("/users") && names.contains("assign") { continue }
            let answer = try await send(endpoint, entities.filter { !shared.contains($0.key) }, token: attacker.token)
            #expect(!answer.text.contains(mark), "\(endpoint.method) \(endpoint.pattern): \(answer.status)")
        }
        let device = try #require(entities[.device])
        #expect(try await api.send(.get, "/api/device/\(device)", token: attacker.token).status == 403)
        #expect(try await api.send(.get, "/api/device/\(device)", token: token).body["name"] == .string(mark))
    }

    // MARK: - Texts

    @Test(arguments: [
        "'; DROP TABLE device; --", "' OR '1'='1", "\" OR \"\"=\"", "$1", "%", "_", "\\",
        "x') UNION SELECT password FROM user_credentials --",
        "a\u{2400}b", String(repeating: "y", count: 5000),
    ])
    func noTextReachesTheDatabaseAsStatement(_ shown: String) async throws {
        // The symbol for NUL stands for it: reports would end at a real one.
        let text = String(String.UnicodeScalarView(shown.unicodeScalars.map { $0 == "\u{2400}" ? "\0" : $0 }))
        let token = try await api.login()
        let system = try await api.login("sysadmin")
        for endpoint in endpoints where !Self.skipped.contains(endpoint.pattern) {
            // The platform's own settings stay as they are.
            if endpoint.method != .get, endpoint.pattern.contains("ettings") { continue }
            let caller: String? =
                switch endpoint.access {
                case .open, .limited: nil
                case .roles(let roles, _): roles.admits(.tenantAdministrator) ? token : system
                }
            let answer = try await send(endpoint, [:], text: text, token: caller)
            let isPlanned =
                answer.status < 500 || answer.code == 2 && answer.message?.contains("nternal") == false
                || answer.status > 500
            #expect(isPlanned, "\(endpoint.method) \(endpoint.pattern): \(answer.status) \(answer.text.prefix(200))")
        }
        #expect(try await api.database.query("SELECT count(*) FROM device", [])[0].int8(0) ?? 0 > 0)
    }
}

/// Percent-encoding of a query value.
private enum PercentCoded {
    static func encode(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || (0x30...0x39).contains(byte)
            let hex = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (hex.utf8.count == 1 ? "0" + hex : hex)
        }.joined()
    }
}
