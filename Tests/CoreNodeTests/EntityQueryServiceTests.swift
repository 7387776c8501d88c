import HTTPServer
import JSON
import Model
import Postgres
import Storage
import TestSupport
import Testing

@testable import CoreNode

/// `rest-api.md` 4.15.
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct EntityQueryServiceTests {
    private let api: TestService
    private let token: String
    /// Letters only: a search for a number must not find the names.
    private let salt = String((0..<12).map { _ in "ghijklmnop".randomElement() ?? "g" })

    init() async throws {
        api = try await TestService()
        token = try await api.login()
    }

    // MARK: - Helpers

    private func device(_ name: String, _ attributes: JSONObject = [:]) async throws -> String {
        let made = try await api.send(.post, "/api/device", ["name": .string(salt + name)], token: token)
        let id = try #require(made.body["id"]?["id"]?.stringValue, "\(made.text)")
        if !attributes.isEmpty {
            let saved = try await api.send(
                .post, "/api/plugins/telemetry/DEVICE/\(id)/attributes/SERVER_SCOPE", .object(attributes), token: token)
            #expect(saved.status == 200)
        }
        return id
    }

    private func series(_ id: String, _ key: String, _ value: Double) async throws {
        _ = try await api.database.query(
            "INSERT INTO key_dictionary (key) VALUES ($1) ON CONFLICT DO NOTHING", [.text(key)])
        _ = try await api.database.query(
            """
            INSERT INTO ts_kv_latest (entity_id, key, ts, dbl_v)
            SELECT $1::text::uuid, key_id, 1000, $3 FROM key_dictionary WHERE key = $2
            """, [.text(id), .text(key), .double(value)])
    }

    private func query(
        filters: [JSONValue] = [], or: Bool = false, fields: [JSONValue] = [["type": "ENTITY_FIELD", "key": "name"]],
        latest: [JSONValue] = [], search: String = "", sort: JSONValue = .null, size: Int64 = 10, page: Int64 = 0,
        filter: JSONValue? = nil
    ) -> JSONValue {
        [
            "entityFilter": filter
                ?? ["type": "deviceType", "deviceTypes": ["default"], "deviceNameFilter": .string(salt)],
            "keyFilters": .array(filters), "keyFiltersOperation": or ? "OR" : "AND", "entityFields": .array(fields),
            "latestValues": .array(latest),
            "pageLink": [
                "pageSize": .integer(size), "page": .integer(page), "textSearch": .string(search), "sortOrder": sort,
            ],
        ]
    }

    private func names(_ query: JSONValue, token: String? = nil) async throws -> [String] {
        let answer = try await api.send(.post, "/api/entitiesQuery/find", query, token: token ?? self.token)
        #expect(answer.status == 200, "\(answer.text)")
        return (answer.body["data"]?.arrayValue ?? []).compactMap { found in
            found["latest"]?["ENTITY_FIELD"]?["name"]?["value"]?.stringValue.map { name in
                name.hasPrefix(salt) ? String(name.dropFirst(salt.count)) : name
            }
        }
    }

    private func numeric(_ type: String, _ key: String, _ operation: String, _ value: JSONValue) -> JSONValue {
        [
            "key": ["type": .string(type), "key": .string(key)], "valueType": "NUMERIC",
            "predicate": [
                "type": "NUMERIC", "operation": .string(operation), "value": ["defaultValue": value],
            ],
        ]
    }

    private func text(
        _ type: String, _ key: String, _ operation: String, _ value: String, ignoreCase: Bool = false
    ) -> JSONValue {
        [
            "key": ["type": .string(type), "key": .string(key)], "valueType": "STRING",
            "predicate": [
                "type": "STRING", "operation": .string(operation), "ignoreCase": .bool(ignoreCase),
                "value": ["defaultValue": .string(value)],
            ],
        ]
    }

    // MARK: - Tests

    @Test func latestValuesAndFieldsAreTexts() async throws {
        let id = try await device("a", ["on": true, "n": 5, "s": "x"])
        try await series(id, salt + "t", 21.5)
        let key = JSONValue.string(salt + "t")
        let answer = try await api.send(
            .post, "/api/entitiesQuery/find",
            query(
                fields: [["type": "ENTITY_FIELD", "key": "name"], ["type": "ENTITY_FIELD", "key": "nothing"]],
                latest: [
                    ["type": "TIME_SERIES", "key": key], ["type": "ATTRIBUTE", "key": "n"],
                    ["type": "SERVER_ATTRIBUTE", "key": "on"], ["type": "CLIENT_ATTRIBUTE", "key": "on"],
                ]), token: token)
        let latest = answer.body["data"]?[0]?["latest"]
        #expect(latest?["TIME_SERIES"]?[salt + "t"] == ["ts": 1000, "value": "21.5"])
        #expect(latest?["ATTRIBUTE"]?["n"]?["value"] == "5")
        #expect(latest?["SERVER_ATTRIBUTE"]?["on"]?["value"] == "true")
        #expect(latest?["CLIENT_ATTRIBUTE"]?["on"] == ["ts": 0, "value": ""])
        #expect(latest?["ENTITY_FIELD"]?["nothing"]?["value"] == "")
        #expect(answer.body["data"]?[0]?["entityId"] == ["entityType": "DEVICE", "id": .string(id)])
        #expect(answer.body["totalElements"] == 1)
    }

    @Test func keyFiltersDecide() async throws {
        _ = try await device("a", ["n": 1, "s": "Red"])
        _ = try await device("b", ["n": 2.5, "s": "green"])
        _ = try await device("c", ["n": 30, "flag": true])
        _ = try await device("d")
        let server = "SERVER_ATTRIBUTE"
        let greater = try await names(query(filters: [numeric(server, "n", "GREATER", 2)]))
        #expect(greater == ["b", "c"])
        let both = try await names(
            query(filters: [numeric(server, "n", "GREATER", 2), numeric("ATTRIBUTE", "n", "LESS_OR_EQUAL", 2.5)]))
        #expect(both == ["b"])
        let either = try await names(
            query(filters: [numeric(server, "n", "EQUAL", 1), numeric(server, "n", "EQUAL", 30)], or: true))
        #expect(either == ["a", "c"])
        let unequal = try await names(query(filters: [numeric(server, "n", "NOT_EQUAL", 1)]))
        #expect(unequal == ["b", "c"])
        let red = try await names(query(filters: [text(server, "s", "STARTS_WITH", "red", ignoreCase: true)]))
        #expect(red == ["a"])
        let caseful = try await names(query(filters: [text(server, "s", "STARTS_WITH", "red")]))
        #expect(caseful == [])
        let listed = try await names(query(filters: [text(server, "s", "IN", "green, blue")]))
        #expect(listed == ["b"])
        let empty = try await names(query(filters: [text(server, "s", "EQUAL", "")]))
        #expect(empty == ["a", "b", "c", "d"])
        let named = try await names(query(filters: [text("ENTITY_FIELD", "name", "ENDS_WITH", "c")]))
        #expect(named == ["c"])
        let unknown = try await names(query(filters: [numeric("TIME_SERIES", salt + "none", "GREATER", 0)]))
        #expect(unknown == [])
    }

    @Test func pagesAreSortedAndCounted() async throws {
        for (name, value) in [("a", 10), ("b", 9), ("c", 100)] as [(String, Int64)] {
            _ = try await device(name, ["n": .integer(value)])
        }
        _ = try await device("d")
        let sort: JSONValue = ["key": ["type": "SERVER_ATTRIBUTE", "key": "n"], "direction": "ASC"]
        let ascending = try await names(query(sort: sort))
        #expect(ascending == ["b", "a", "c", "d"])
        let second = try await api.send(
            .post, "/api/entitiesQuery/find", query(sort: sort, size: 3, page: 1), token: token)
        #expect(second.body["totalElements"] == 4)
        #expect(second.body["totalPages"] == 2)
        #expect(second.body["hasNext"] == false)
        #expect(second.body["data"]?.arrayValue?.count == 1)
        let byName = try await names(
            query(sort: ["key": ["type": "ENTITY_FIELD", "key": "name"], "direction": "DESC"]))
        #expect(byName == ["d", "c", "b", "a"])
        let count = try await api.send(.post, "/api/entitiesQuery/count", query(), token: token)
        #expect(count.text == "4")
        let searched = try await names(
            query(latest: [["type": "ATTRIBUTE", "key": "n"]], search: "100"))
        #expect(searched == ["c"])
    }

    @Test func relationsAreFollowedToTheirDepth() async throws {
        let root = try await device("root")
        let child = try await device("child")
        let leaf = try await device("leaf")
        for (from, to) in [(root, child), (child, leaf), (leaf, root)] {
            _ = try await api.database.query(
                """
                INSERT INTO relation (from_id, from_type, to_id, to_type, relation_type_group, relation_type)
                VALUES ($1::text::uuid, 'DEVICE', $2::text::uuid, 'DEVICE', 'COMMON', 'Contains')
                """, [.text(from), .text(to)])
        }
        func search(_ more: JSONObject) -> JSONValue {
            var filter: JSONObject = [
                "type": "relationsQuery", "rootEntity": ["entityType": "DEVICE", "id": .string(root)],
                "direction": "FROM", "maxLevel": 1, "filters": [],
            ]
            filter.merge(more)
            return .object(filter)
        }
        let first = try await names(query(filter: search([:])))
        #expect(first == ["child"])
        let deep = try await names(query(filter: search(["maxLevel": 2])))
        #expect(deep == ["child", "leaf"])
        let other = try await names(
            query(filter: search(["filters": [["relationType": "Manages", "entityTypes": ["DEVICE"]]]])))
        #expect(other == [])
        let upwards = try await names(query(filter: search(["direction": "TO"])))
        #expect(upwards == ["leaf"])
        let byType = try await names(
            query(
                filter: search([
                    "type": "deviceSearchQuery", "relationType": "Contains", "deviceTypes": ["default"], "maxLevel": 0,
                ])))
        #expect(byType.sorted() == ["child", "leaf", "root"])
    }

    @Test func everybodySeesTheirOwnOnly() async throws {
        let filter: JSONValue = ["type": "entityType", "entityType": "DEVICE"]
        let customer = try await api.login("customer")
        let seen = try await names(query(size: 100, filter: filter), token: customer)
        #expect(seen.sorted() == ["Test Device A1", "Test Device A2", "Test Device A3"])
        let profiles = try await names(
            query(size: 100, filter: ["type": "entityType", "entityType": "RULE_CHAIN"]), token: customer)
        #expect(profiles == [])
        let sysadmin = try await api.login("sysadmin")
        let tenants = try await names(
            query(size: 100, filter: ["type": "entityType", "entityType": "TENANT"]), token: sysadmin)
        #expect(tenants.contains("Tenant"))
        let devices = try await names(query(size: 100, filter: filter), token: sysadmin)
        #expect(devices == [])
        let user = try await names(
            query(filter: ["type": "singleEntity", "singleEntity": ["entityType": "CURRENT_USER"]]), token: customer)
        #expect(user == ["customer@thingsboard.org"])
        let other = UUID128.random()
        let foreign = try await names(
            query(filter: ["type": "entityList", "entityType": "TENANT", "entityList": [.string(other.text)]]))
        #expect(foreign == [])
    }

    @Test func everyTypeOfEntityCanBeAskedFor() async throws {
        for type in [
            "DEVICE", "ASSET", "ENTITY_VIEW", "TENANT", "CUSTOMER", "USER", "DASHBOARD", "RULE_CHAIN", "RULE_NODE",
            "EDGE", "DEVICE_PROFILE", "ASSET_PROFILE", "API_USAGE_STATE", "QUEUE_STATS", "OTA_PACKAGE", "TB_RESOURCE",
        ] {
            let fields = [
                "name", "createdTime", "entityType", "type", "label", "additionalInfo", "ownerName", "ownerType",
                "displayName", "email", "firstName", "queueName",
            ].map { ["type": "ENTITY_FIELD", "key": .string($0)] as JSONValue }
            let answer = try await api.send(
                .post, "/api/entitiesQuery/find",
                query(
                    fields: fields, search: "a", sort: ["key": ["type": "ENTITY_FIELD", "key": "ownerName"]],
                    filter: ["type": "entityType", "entityType": .string(type)]), token: token)
            #expect(answer.status == 200, "\(type): \(answer.text)")
        }
    }

    @Test func attributesOfTheUsersOwnersCanBeTheValue() async throws {
        _ = try await device("a", ["n": 1])
        _ = try await device("b", ["n": 7])
        let me = try await api.send(.get, "/api/auth/user", token: token)
        let user = me.body["id"]?["id"]?.stringValue ?? ""
        _ = try await api.send(
            .post, "/api/plugins/telemetry/USER/\(user)/attributes/SERVER_SCOPE", ["least": 5], token: token)
        var filter = numeric("ATTRIBUTE", "n", "GREATER", 0)
        let dynamic: JSONValue = [
            "defaultValue": 0, "dynamicValue": ["sourceType": "CURRENT_USER", "sourceAttribute": "least"],
        ]
        filter = [
            "key": filter["key"] ?? .null,
            "predicate": ["type": "NUMERIC", "operation": "GREATER", "value": dynamic],
        ]
        let found = try await names(query(filters: [filter]))
        #expect(found == ["b"])
    }

    @Test func keysOfTheFoundAreListed() async throws {
        let id = try await device("a", ["n": 1])
        try await series(id, salt + "t", 1)
        let path = "/api/entitiesQuery/find/keys?timeseries=true&attributes=true"
        let answer = try await api.send(.post, path, query(), token: token)
        #expect(
            answer.body == [
                "entityTypes": ["DEVICE"], "timeseries": [.string(salt + "t")], "attribute": ["active", "n"],
            ],
            "\(answer.text)")
        let scoped = try await api.send(.post, "/api/v2/entitiesQuery/find/keys", query(), token: token)
        #expect(scoped.body["attributes"] == ["SERVER_SCOPE": [["key": "active"], ["key": "n"]]])
    }

    @Test func alarmsOfTheFoundAreListed() async throws {
        let id = try await device("a", ["n": 1])
        let entity: JSONValue = ["entityType": "DEVICE", "id": .string(id)]
        for severity in ["MAJOR", "CRITICAL"] {
            let raised = try await api.send(
                .post, "/api/alarm",
                ["type": .string(salt + severity), "severity": .string(severity), "originator": entity], token: token)
            #expect(raised.status == 200)
        }
        var body = query(latest: [["type": "ATTRIBUTE", "key": "n"]]).objectValue ?? [:]
        body["pageLink"] = [
            "pageSize": 10, "page": 0, "severityList": ["MAJOR"], "statusList": ["ACTIVE"],
            "sortOrder": ["key": ["type": "ALARM_FIELD", "key": "startTime"], "direction": "DESC"],
        ]
        let found = try await api.send(.post, "/api/alarmsQuery/find", .object(body), token: token)
        #expect(found.body["totalElements"] == 1, "\(found.text)")
        #expect(found.body["data"]?[0]?["entityId"] == entity)
        #expect(found.body["data"]?[0]?["type"] == .string(salt + "MAJOR"))
        #expect(found.body["data"]?[0]?["latest"]?["ATTRIBUTE"]?["n"]?["value"] == "1")
        let count = try await api.send(
            .post, "/api/alarmsQuery/count", ["entityFilter": body["entityFilter"] ?? .null], token: token)
        #expect(count.text == "2")
        let all = try await api.send(.post, "/api/alarmsQuery/count", ["severityList": ["CRITICAL"]], token: token)
        #expect(Int(all.text) ?? 0 >= 1)
    }

    private static let broken: [(JSONObject, String)] = [
        ([:], "Query entity filter must be specified."),
        (["entityFilter": [:]], "Query entity filter type must be specified."),
        (["entityFilter": ["type": "entityType"]], "Entity type is required"),
        (
            ["entityFilter": ["type": "relationsQuery", "multiRoot": true]],
            "Multi-root relation query filter should contain 'multiRootEntitiesType'"
        ),
        (
            ["entityFilter": ["type": "relationsQuery"]], "Relation query filter root entity should not be blank"
        ),
        (
            ["entityFilter": ["type": "entityType", "entityType": "DEVICE"]],
            "Entity Data Page link must be specified."
        ),
        (
            ["entityFilter": ["type": "entityType", "entityType": "DEVICE"], "pageLink": ["pageSize": 0]],
            "Incorrect entity data page link page size '0'. Page size must be greater than zero."
        ),
        (
            [
                "entityFilter": ["type": "entityType", "entityType": "DEVICE"],
                "pageLink": ["pageSize": 1, "page": -1],
            ], "Incorrect entity data page link page '-1'. Page must be positive integer."
        ),
    ]

    @Test(arguments: broken)
    func incompleteQueriesAreRefused(_ body: JSONObject, _ message: String) async throws {
        let answer = try await api.send(.post, "/api/entitiesQuery/find", .object(body), token: token)
        #expect(answer.status == 400)
        #expect(answer.message == message)
    }

    @Test func textOfUsersIsNeverSQL() async throws {
        _ = try await device("a", ["s": "x"])
        for text in ["' OR 1=1 --", "%", "_", "\\", "'; DROP TABLE device; --", "$1", "\u{0}"] {
            let answer = try await api.send(
                .post, "/api/entitiesQuery/find",
                query(
                    filters: [
                        self.text("ENTITY_FIELD", text, "EQUAL", text), self.text("ATTRIBUTE", "s", "CONTAINS", text),
                    ],
                    fields: [["type": "ENTITY_FIELD", "key": .string(text)]],
                    latest: [["type": "TIME_SERIES", "key": .string(text)]], search: text,
                    sort: ["key": ["type": "ATTRIBUTE", "key": .string(text)], "direction": "ASC"]),
                token: token)
            #expect(answer.status == 200 || answer.status == 400, "\(text): \(answer.text)")
            #expect(answer.body["data"]?.arrayValue ?? [] == [])
        }
    }
}
