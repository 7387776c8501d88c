public import JSON
public import Model
internal import Postgres
public import Telemetry

/// One attribute of an entity.
public struct StoredAttribute: Sendable, Equatable {
    public var key: String
    public var value: TelemetryValue
    /// Milliseconds since 1970.
    public var lastUpdate: Int64
}

/// Attributes of one entity that are to be saved.
public struct AttributeChange: Sendable {
    public var entity: UUID128
    public var scope: AttributeScope
    /// Of several with one name the last counts.
    public var attributes: [(key: String, value: TelemetryValue)]

    /// For those who hear of committed values.
    public var origin: SaveOrigin

    public init(
        entity: UUID128, scope: AttributeScope, attributes: [(key: String, value: TelemetryValue)],
        origin: SaveOrigin = .system
    ) {
        self.origin = origin
        self.entity = entity
        self.scope = scope
        self.attributes = attributes
    }
}

/// Attributes in the database (`persistence.md` 6.1 and 7.4).
public struct AttributeRepository: Sendable {
    let runner: any StatementRunner
    let keys: TelemetryReaderKeys
    private let isInTransaction: Bool

    public init(_ runner: any StatementRunner) {
        self.init(runner, keys: TelemetryReaderKeys(), isInTransaction: false)
    }

    private init(_ runner: any StatementRunner, keys: TelemetryReaderKeys, isInTransaction: Bool) {
        self.runner = runner
        self.keys = keys
        self.isInTransaction = isInTransaction
    }

    /// The same repository inside a transaction.
    public func inside(_ transaction: any StatementRunner) -> AttributeRepository {
        AttributeRepository(transaction, keys: keys, isInTransaction: true)
    }

    // MARK: - Reading

    /// The names of the attributes of a scope, or of all, each once and in order.
    public func keyNames(entity: UUID128, scope: AttributeScope?) async throws -> [String] {
        try await runner.query(
            """
            SELECT d.key FROM key_dictionary d WHERE d.key_id IN (
                SELECT attribute_key FROM attribute_kv
                WHERE entity_id = $1 AND ($2::int4 IS NULL OR attribute_type = $2))
            ORDER BY d.key COLLATE "C"
            """, [.id(entity), scope.map { .int4($0.rawValue) } ?? .null]
        ).map { $0.text(0) ?? "" }
    }

    /// Attributes of a scope, or of all; those called `names`, or all when `nil`. Absent ones are left out.
    public func find(entity: UUID128, scope: AttributeScope?, keys names: [String]?) async throws -> [StoredAttribute] {
        try await rows(entity: entity, scope: scope, keys: names).compactMap { row in
            row.telemetryValue(2).map {
                StoredAttribute(key: row.text(0) ?? "", value: $0, lastUpdate: row.int8(1) ?? 0)
            }
        }
    }

    /// Writes `[{"lastUpdateTs":1,"key":"k","value":1},...]`.
    public func write(
        entity: UUID128, scope: AttributeScope?, keys names: [String]?, to writer: inout JSONWriter
    ) async throws {
        let rows = try await rows(entity: entity, scope: scope, keys: names)
        writer.beginArray()
        for row in rows {
            writer.object { writer in
                writer.member("lastUpdateTs", row.int8(1))
                writer.member("key", row.text(0))
                writer.key("value")
                writer.value(of: row, from: 2, strict: true)
            }
        }
        writer.endArray()
    }

    private func rows(entity: UUID128, scope: AttributeScope?, keys names: [String]?) async throws -> PostgresResult {
        try await runner.query(
            """
            SELECT d.key, a.last_update_ts, a.bool_v, a.str_v, a.long_v, a.dbl_v, a.json_v
            FROM attribute_kv a JOIN key_dictionary d ON d.key_id = a.attribute_key
            WHERE a.entity_id = $1 AND ($2::int4 IS NULL OR a.attribute_type = $2)
                AND ($3::text[] IS NULL OR d.key = ANY($3))
            ORDER BY a.attribute_type, d.key COLLATE "C"
            """,
            [
                .id(entity), scope.map { .int4($0.rawValue) } ?? .null, names.map { .textArray($0) } ?? .null,
            ])
    }

    // MARK: - Writing

    /// Saves attributes over those of the same names, each with a new version.
    ///
    /// - Parameter attributes: Of several with one name the last counts.
    public func save(
        entity: UUID128, scope: AttributeScope, _ attributes: [(key: String, value: TelemetryValue)], at time: Int64,
        origin: SaveOrigin = .system
    ) async throws {
        try await save(
            [AttributeChange(entity: entity, scope: scope, attributes: attributes, origin: origin)], at: time)
    }

    /// The same for many entities, by one statement.
    ///
    /// - Parameter changes: Of several of one entity and scope with a name in common the last counts.
    public func save(_ changes: [AttributeChange], at time: Int64) async throws {
        let names = Set(changes.flatMap { $0.attributes.map(\.key) })
        let numbers = try await keys.numbersCreating(Array(names), on: runner, remembering: !isInTransaction)
        var latest: [Place: TelemetryValue] = [:]
        for change in changes {
            for attribute in change.attributes {
                guard let number = numbers[attribute.key] else { continue }
                latest[Place(entity: change.entity, scope: change.scope.rawValue, key: number)] = attribute.value
            }
        }
        // In the order of their places, so that two savers cannot wait for each other.
        let rows = latest.sorted { $0.key < $1.key }
        var entities = PostgresArray(of: .uuid)
        for row in rows { entities.append(uuidHigh: row.key.entity.high, low: row.key.entity.low) }
        var booleans = PostgresArray(of: .bool)
        var strings = PostgresArray(of: .text)
        var longs = PostgresArray(of: .int8)
        var doubles = PostgresArray(of: .float8)
        var documents = PostgresArray(of: .json)
        for row in rows {
            if case .boolean(let value) = row.value { booleans.append(value) } else { booleans.appendNull() }
            if case .string(let value) = row.value { strings.append(text: value) } else { strings.appendNull() }
            if case .long(let value) = row.value { longs.append(value) } else { longs.appendNull() }
            if case .double(let value) = row.value { doubles.append(value) } else { doubles.appendNull() }
            if case .json(let value) = row.value { documents.append(text: value) } else { documents.appendNull() }
        }
        _ = try await runner.query(
            """
            INSERT INTO attribute_kv (entity_id, attribute_type, attribute_key, last_update_ts, bool_v, str_v, long_v,
                dbl_v, json_v, version)
            SELECT v.entity, v.scope, v.key, $1, v.bool_v, v.str_v, v.long_v, v.dbl_v, v.json_v,
                nextval('attribute_kv_version_seq')
            FROM unnest($2::uuid[], $3::int4[], $4::int4[], $5::bool[], $6::text[], $7::int8[], $8::float8[], $9::json[])
                AS v (entity, scope, key, bool_v, str_v, long_v, dbl_v, json_v)
            ON CONFLICT (entity_id, attribute_type, attribute_key) DO UPDATE SET
                last_update_ts = excluded.last_update_ts, bool_v = excluded.bool_v, str_v = excluded.str_v,
                long_v = excluded.long_v, dbl_v = excluded.dbl_v, json_v = excluded.json_v, version = excluded.version
            """,
            [
                .int8(time), .array(entities), .int4Array(rows.map(\.key.scope)), .int4Array(rows.map(\.key.key)),
                .array(booleans), .array(strings), .array(longs), .array(doubles), .array(documents),
            ])
        for change in changes where !change.attributes.isEmpty {
            runner.announce { change.committed(at: time) }
        }
    }

    /// Where an attribute is stored.
    private struct Place: Hashable, Comparable {
        var entity: UUID128
        var scope: Int32
        var key: Int32

        static func < (one: Place, other: Place) -> Bool {
            (one.entity.high, one.entity.low, one.scope, one.key)
                < (other.entity.high, other.entity.low, other.scope, other.key)
        }
    }

    /// Deletes attributes; draws a version for each, so that caches can order it against writes.
    ///
    /// - Returns: The names of those that there were.
    @discardableResult
    public func delete(
        entity: UUID128, scope: AttributeScope, keys names: [String], origin: SaveOrigin = .system
    ) async throws -> [String] {
        let numbers = try await keys.numbers(of: names, on: runner)
        guard !numbers.isEmpty else { return [] }
        let deleted = try await runner.query(
            """
            DELETE FROM attribute_kv WHERE entity_id = $1 AND attribute_type = $2 AND attribute_key = ANY($3)
            RETURNING attribute_key, nextval('attribute_kv_version_seq')
            """, [.id(entity), .int4(scope.rawValue), .int4Array(Array(numbers.values))])
        let gone = Set(deleted.compactMap { $0.int4(0) })
        let deletedNames = names.filter { numbers[$0].map(gone.contains) ?? false }
        if !deletedNames.isEmpty {
            runner.announce {
                CommittedChange(origin: origin, entity: entity, content: .attributesDeleted(scope, keys: deletedNames))
            }
        }
        return deletedNames
    }
}

extension AttributeChange {
    /// The change as those hear of it who listen; of several values with one name the last.
    fileprivate func committed(at time: Int64) -> CommittedChange {
        var arena = PointArena()
        let last = Dictionary(attributes.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { $1 })
        for (place, attribute) in attributes.enumerated() where last[attribute.key] == place {
            arena.append(key: attribute.key, value: attribute.value)
        }
        return CommittedChange(origin: origin, entity: entity, content: .attributes(scope, time, arena))
    }
}
