public import Model
internal import Postgres
internal import Telemetry

/// Answers entity queries in the database: a page's worth of entities leaves it, never all.
public struct EntityQueryRepository: Sendable {
    private let runner: any StatementRunner
    private let reader: TelemetryReader

    /// - Parameter reader: Knows the numbers of keys.
    public init(_ runner: any StatementRunner, reader: TelemetryReader) {
        self.runner = runner
        self.reader = reader
    }

    public func count(_ query: EntityQuery) async throws -> Int64 {
        var statement = EntityQueryStatement(query, keys: try await numbers(of: query))
        let sql = statement.count()
        return try await runner.query(sql, statement.parameters)[0].int8(0) ?? 0
    }

    /// - Parameter now: The time of entity fields.
    public func page(_ query: EntityQuery, _ link: PageLink, now: Int64) async throws -> Page<FoundEntity> {
        var statement = EntityQueryStatement(query, keys: try await numbers(of: query))
        let names = query.fields.filter { $0.kind == .field }.map(\.name)
        let sql = statement.page(fields: names, link)
        let rows = try await runner.query(sql, statement.parameters)
        var found: [FoundEntity] = []
        let known = try await values(of: rows.compactMap { $0.id(0) }, query.fields)
        for row in rows {
            guard let id = row.id(0), let type = row.text(1).flatMap({ EntityType(name: $0) }) else { continue }
            var column = 1
            let values = query.fields.map { key -> KnownValue in
                guard key.kind != .field else {
                    column += 1
                    return KnownValue(timestamp: now, text: row.text(column) ?? "")
                }
                return known[id]?[key] ?? KnownValue(timestamp: 0, text: "")
            }
            found.append(FoundEntity(entity: EntityID(type: type, uuid: id), values: values))
        }
        let total: Int64
        if found.count < link.pageSize, !found.isEmpty || link.page == 0 {
            total = link.offset + Int64(found.count)
        } else {
            total = try await count(query)
        }
        return Page(elements: found, totalElements: total, link: link)
    }

    func numbers(of query: EntityQuery) async throws -> [String: Int32] {
        try await reader.numbers(of: EntityQueryStatement.neededKeys(of: query))
    }

    // MARK: - Values

    /// What is known of some entities, each key that has a value.
    public func values(
        of entities: [UUID128], _ fields: [EntityKey]
    ) async throws -> [UUID128: [EntityKey: KnownValue]] {
        var values: [UUID128: [EntityKey: KnownValue]] = [:]
        guard !entities.isEmpty else { return values }
        let series = fields.filter { $0.kind == .timeSeries }
        if !series.isEmpty { try await addSeries(series, of: entities, to: &values) }
        let attributes = fields.filter { $0.kind != .timeSeries && $0.kind != .field }
        if !attributes.isEmpty { try await addAttributes(attributes, of: entities, to: &values) }
        return values
    }

    private func addSeries(
        _ keys: [EntityKey], of entities: [UUID128], to values: inout [UUID128: [EntityKey: KnownValue]]
    ) async throws {
        let numbers = try await reader.numbers(of: keys.map(\.name))
        let rows = try await runner.query(
            """
            SELECT l.entity_id, d.key, l.ts, l.bool_v, l.str_v, l.long_v, l.dbl_v, l.json_v
            FROM ts_kv_latest l JOIN key_dictionary d ON d.key_id = l.key
            WHERE l.entity_id = ANY($1) AND l.key = ANY($2)
            """, [.ids(entities), .int4Array(Array(numbers.values))])
        for row in rows {
            guard let id = row.id(0), let name = row.text(1), let value = row.telemetryValue(3) else { continue }
            values[id, default: [:]][EntityKey(.timeSeries, name)] = KnownValue(
                timestamp: row.int8(2) ?? 0, text: value.text)
        }
    }

    private func addAttributes(
        _ keys: [EntityKey], of entities: [UUID128], to values: inout [UUID128: [EntityKey: KnownValue]]
    ) async throws {
        let numbers = try await reader.numbers(of: keys.map(\.name))
        // The scope that is looked at first comes last, so that it wins.
        let rows = try await runner.query(
            """
            SELECT a.entity_id, d.key, a.last_update_ts, a.bool_v, a.str_v, a.long_v, a.dbl_v, a.json_v,
                a.attribute_type
            FROM attribute_kv a JOIN key_dictionary d ON d.key_id = a.attribute_key
            WHERE a.entity_id = ANY($1) AND a.attribute_key = ANY($2)
            ORDER BY \(EntityQueryStatement.attributeOrder) DESC
            """, [.ids(entities), .int4Array(Array(numbers.values))])
        for row in rows {
            guard let id = row.id(0), let name = row.text(1), let value = row.telemetryValue(3),
                let scope = row.int4(8).flatMap({ AttributeScope(rawValue: $0) })
            else { continue }
            let known = KnownValue(timestamp: row.int8(2) ?? 0, text: value.text)
            values[id, default: [:]][EntityKey(.attribute, name)] = known
            let kind: EntityKey.Kind =
                switch scope {
                case .client: .clientAttribute
                case .shared: .sharedAttribute
                case .server: .serverAttribute
                }
            values[id, default: [:]][EntityKey(kind, name)] = known
        }
    }

    // MARK: - Keys

    /// Which keys the entities of the first page have.
    public func keys(
        of entities: [UUID128], timeseries: Bool, attributes: Bool
    ) async throws -> (timeseries: [String], attributes: [(scope: AttributeScope, key: String)]) {
        var series: [String] = []
        if timeseries {
            series = try await runner.query(
                """
                SELECT key FROM key_dictionary WHERE key_id IN (
                    SELECT key FROM ts_kv_latest WHERE entity_id = ANY($1)) ORDER BY key COLLATE "C"
                """, [.ids(entities)]
            ).compactMap { $0.text(0) }
        }
        guard attributes else { return (series, []) }
        let rows = try await runner.query(
            """
            SELECT DISTINCT a.attribute_type, d.key COLLATE "C" FROM attribute_kv a
            JOIN key_dictionary d ON d.key_id = a.attribute_key WHERE a.entity_id = ANY($1) ORDER BY 1, 2
            """, [.ids(entities)])
        return (
            series,
            rows.compactMap { row in
                guard let scope = row.int4(0).flatMap({ AttributeScope(rawValue: $0) }), let key = row.text(1) else {
                    return nil
                }
                return (scope, key)
            }
        )
    }
}

extension TelemetryReader {
    /// The numbers of those of `names` that are keys at all.
    func numbers(of names: [String]) async throws -> [String: Int32] {
        names.isEmpty ? [:] : try await keys.numbers(of: names, on: database)
    }
}
