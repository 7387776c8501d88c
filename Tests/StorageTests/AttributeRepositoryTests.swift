import JSON
import Model
import Postgres
import Telemetry
import TestSupport
import Testing

@testable import Storage

@Suite(.enabled(if: TestDatabase.isAvailable, "PostgreSQL is not installed"), .serialized)
struct AttributeRepositoryTests {
    private let database: OneConnection
    private let attributes: AttributeRepository
    private let entity = UUID128.ordered()

    init() throws {
        database = try OneConnection()
        attributes = AttributeRepository(database)
    }

    private func version(_ key: String) throws -> Int64? {
        try database.connection.query(
            """
            SELECT a.version FROM attribute_kv a JOIN key_dictionary d ON d.key_id = a.attribute_key
            WHERE a.entity_id = $1 AND d.key = $2
            """, [.id(entity), .text(key)]
        ).first?.int8(0)
    }

    @Test func valuesOfEveryTypeComeBack() async throws {
        let values: [(key: String, value: TelemetryValue)] = [
            ("b", .boolean(true)), ("d", .double(1.5)), ("j", .json(#"{"k":[1]}"#)), ("l", .long(-7)),
            ("s", .string("x")),
        ]
        try await attributes.save(entity: entity, scope: .server, values, at: 42)
        let found = try await attributes.find(entity: entity, scope: .server, keys: nil)
        #expect(found.map(\.key) == ["b", "d", "j", "l", "s"])
        #expect(found.map(\.value) == values.map(\.value))
        #expect(found.allSatisfy { $0.lastUpdate == 42 })
        var writer = JSONWriter()
        try await attributes.write(entity: entity, scope: .server, keys: ["j", "l", "none"], to: &writer)
        #expect(
            String(decoding: writer.bytes, as: UTF8.self)
                == #"[{"lastUpdateTs":42,"key":"j","value":{"k":[1]}},{"lastUpdateTs":42,"key":"l","value":-7}]"#)
    }

    @Test func savingReplacesTheValueAndRaisesTheVersion() async throws {
        try await attributes.save(entity: entity, scope: .shared, [("a", .long(1))], at: 1)
        let first = try #require(try version("a"))
        try await attributes.save(entity: entity, scope: .shared, [("a", .long(2)), ("a", .string("now text"))], at: 2)
        #expect(try #require(try version("a")) > first)
        #expect(
            try await attributes.find(entity: entity, scope: .shared, keys: ["a"])
                == [StoredAttribute(key: "a", value: .string("now text"), lastUpdate: 2)])
    }

    @Test func scopesAreApart() async throws {
        try await attributes.save(entity: entity, scope: .server, [("a", .long(1))], at: 1)
        try await attributes.save(entity: entity, scope: .client, [("a", .long(2)), ("c", .long(3))], at: 1)
        #expect(try await attributes.find(entity: entity, scope: .server, keys: ["a"]).map(\.value) == [.long(1)])
        #expect(try await attributes.keyNames(entity: entity, scope: nil) == ["a", "c"])
        #expect(try await attributes.keyNames(entity: entity, scope: .server) == ["a"])
        #expect(try await attributes.find(entity: entity, scope: nil, keys: nil).count == 3)
    }

    @Test func deletingTellsWhatThereWasAndDrawsAVersion() async throws {
        try await attributes.save(entity: entity, scope: .server, [("a", .long(1)), ("b", .long(2))], at: 1)
        let before = try database.connection.query("SELECT nextval('attribute_kv_version_seq')")[0].int8(0) ?? 0
        let gone = try await attributes.delete(entity: entity, scope: .server, keys: ["a", "none", "never-\(entity)"])
        #expect(gone == ["a"])
        let after = try database.connection.query("SELECT nextval('attribute_kv_version_seq')")[0].int8(0) ?? 0
        #expect(after > before + 1)
        #expect(try await attributes.keyNames(entity: entity, scope: .server) == ["b"])
    }

    @Test func aKeyMadeInAFailedTransactionIsNotRemembered() async throws {
        struct Failure: Error {}
        let key = "new-\(entity)"
        await #expect(throws: Failure.self) {
            try await database.inTransaction { transaction in
                try await attributes.inside(transaction).save(
                    entity: entity, scope: .server, [(key, .long(1))], at: 1)
                throw Failure()
            }
        }
        try await attributes.save(entity: entity, scope: .server, [(key, .long(2))], at: 1)
        #expect(try await attributes.find(entity: entity, scope: .server, keys: [key]).map(\.value) == [.long(2)])
    }
}
