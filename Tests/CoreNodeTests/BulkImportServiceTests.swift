import HTTPServer
import JSON
import Messages
import Model
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import CoreNode

/// Imports with their database (`rest-api.md` 4.4, 4.6).
@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct BulkImportServiceTests {
    private let api: TestService
    private let token: String
    private let salt = String(UInt32.random(in: 0...UInt32.max))

    init() async throws {
        api = try await TestService()
        token = try await api.login()
    }

    private struct Imported {
        var answer: TestService.Answer
        /// Statements that ended transactions.
        var commits: Int
        /// Types of the messages that the rule engine got.
        var messages: [String]

        var counts: [Int64?] {
            ["created", "updated", "errors"].map { answer.body[$0]?.integerValue }
        }
        var errors: [String] { (answer.body["errorsList"]?.arrayValue ?? []).compactMap(\.stringValue) }
    }

    private func load(
        _ rows: [String], _ columns: [JSONValue], of kind: String = "device", updating: Bool = false
    ) async throws -> Imported {
        api.database.heard.withLock { $0 = [] }
        api.recorder.messages.withLock { $0 = [] }
        let mapping: JSONValue = [
            "columns": .array(columns), "delimiter": ",", "header": false, "update": .bool(updating),
        ]
        let answer = try await api.send(
            .post, "/api/\(kind)/bulk_import",
            ["file": .string(rows.joined(separator: "\n")), "mapping": mapping], token: token)
        let heard = api.database.heard.withLock { heard in
            defer { heard = nil }
            return heard ?? []
        }
        return Imported(
            answer: answer, commits: heard.count { $0 == "COMMIT" },
            messages: api.recorder.messages.withLock { $0.map(\.type.name) })
    }

    private let name: JSONValue = ["type": "NAME"]
    private let token1: JSONValue = ["type": "ACCESS_TOKEN"]
    private let attribute: JSONValue = ["type": "SERVER_ATTRIBUTE", "key": "imported"]
    private let history: JSONValue = ["type": "TIMESERIES", "key": "t"]

    private func values() async throws -> [Int64] {
        try await api.database.query(
            """
            SELECT a.long_v FROM attribute_kv a JOIN key_dictionary k ON k.key_id = a.attribute_key
            JOIN device d ON d.id = a.entity_id WHERE k.key = 'imported' AND strpos(d.name, $1) > 0 ORDER BY d.name
            """, [.text(salt)]
        ).map { $0.int8(0) ?? -1 }
    }

    @Test(arguments: ["device", "asset"]) func someHundredRowsAreOneTransaction(_ kind: String) async throws {
        let names = (1000..<1600).map { "\(kind) \(salt) \($0)" }
        let made = try await load(names.map { $0 + ",1" }, [name, attribute], of: kind)
        #expect(made.counts == [600, 0, 0], "\(made.answer.text)")
        #expect(made.commits == 3)
        #expect(made.messages.count { $0 == "ENTITY_CREATED" } == 600)
        let changed = try await load(
            names.enumerated().map { "\($1),\($0)" }, [name, attribute], of: kind, updating: true)
        #expect(changed.counts == [0, 600, 0], "\(changed.answer.text)")
        #expect(changed.commits == 3)
        #expect(changed.messages.count { $0 == "ATTRIBUTES_UPDATED" } == 600)
        if kind == "device" { #expect(try await values() == (0..<600).map(Int64.init)) }
    }

    @Test func aRowThatTheDatabaseRefusesIsToldAndNoOtherIsLost() async throws {
        let rows = (1...6).map { "R\($0) \(salt),t\($0 == 5 ? 2 : $0)\(salt),\($0)" }
        let made = try await load(rows, [name, token1, attribute])
        #expect(made.counts == [5, 0, 1])
        #expect(made.errors == ["Line 5: Device credentials are already assigned to another device!"])
        #expect(
            made.messages.sorted() == Array(repeating: "ATTRIBUTES_UPDATED", count: 5)
                + Array(repeating: "ENTITY_CREATED", count: 5))
        #expect(try await values() == [1, 2, 3, 4, 6])
        let device = try await api.send(
            .get, "/api/tenant/devices?deviceName=R1%20\(salt)", token: token)
        #expect(device.body["version"] == 1, "\(device.text)")
    }

    @Test func rowsThatAreRefusedBeforeAreLeftOutOfTheTransaction() async throws {
        let rows = ["A \(salt),1", ",2", "A \(salt),3", "<b>x</b> \(salt),4", "B \(salt),5"]
        let made = try await load(rows, [name, attribute])
        #expect(made.counts == [2, 0, 3])
        #expect(made.errors.map { $0.prefix(7) } == ["Line 2:", "Line 3:", "Line 4:"])
        #expect(made.errors[1] == "Line 3: Device with such name already exists!")
        #expect(try await values() == [1, 5])
        #expect(made.commits == 2)
    }

    @Test func theLaterOfTwoRowsOfOneNameCounts() async throws {
        let rows = ["C \(salt),1,7", "D \(salt),2,8", "C \(salt),3,9"]
        let made = try await load(rows, [name, attribute, history], updating: true)
        #expect(made.counts == [2, 1, 0])
        #expect(try await values() == [3, 2])
        #expect(api.recorder.saves.withLock { $0.count } == 3)
        #expect(made.messages.count { $0 == "TIMESERIES_UPDATED" } == 3)
    }
}
