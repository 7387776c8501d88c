public import Model
internal import Postgres

/// Alarms of entities that a query finds (`rest-api.md` 4.15).
public struct AlarmQuery: Sendable {
    public var filter: AlarmFilter
    /// The alarms' entities; `nil` for all of the tenant or customer.
    public var entities: EntityQuery?
    /// Whether alarms that entities show for others count too.
    public var includesPropagated: Bool
    public var textSearch: String?
    /// Only this one; `nil`: all.
    public var alarm: AlarmID?
    /// Name of an alarm field; creation time when `nil`.
    public var sort: (field: String, descending: Bool)?

    public init(filter: AlarmFilter, entities: EntityQuery?, includesPropagated: Bool) {
        self.filter = filter
        self.entities = entities
        self.includesPropagated = includesPropagated
    }
}

/// An alarm and the entity through which it was found.
public struct FoundAlarm: Sendable {
    public var alarm: AlarmInfo
    public var entity: EntityID
}

public struct AlarmQueryRepository: Sendable {
    private let runner: any StatementRunner
    private let entities: EntityQueryRepository

    public init(_ runner: any StatementRunner, entities: EntityQueryRepository) {
        self.runner = runner
        self.entities = entities
    }

    private static let sortable: [String: String] = [
        "createdTime": "a.created_time", "startTs": "a.start_ts", "startTime": "a.start_ts", "endTs": "a.end_ts",
        "endTime": "a.end_ts", "ackTs": "a.ack_ts", "ackTime": "a.ack_ts", "clearTs": "a.clear_ts",
        "clearTime": "a.clear_ts", "assignTime": "a.assign_ts", "details": "a.additional_info",
        "acknowledged": "a.acknowledged", "cleared": "a.cleared", "type": "a.type", "severity": "a.severity",
        "status": "a.status", "originatorId": "a.originator_id", "originatorType": "a.originator_type",
        "originator": "a.originator_name", "originatorLabel": "a.originator_label",
        "originatorDisplayName": "a.originator_label", "assigneeId": "a.assignee_id",
        "assigneeFirstName": "a.assignee_first_name", "assigneeLastName": "a.assignee_last_name",
        "assigneeEmail": "a.assignee_email",
    ]

    /// Whether alarms can be ordered by a field.
    public static func canSort(by field: String) -> Bool { sortable[field] != nil }

    public func count(_ query: AlarmQuery) async throws -> Int64 {
        let (sql, parameters) = try await statement(query, columns: "count(*)")
        return try await runner.query(sql, parameters)[0].int8(0) ?? 0
    }

    public func page(_ query: AlarmQuery, _ link: PageLink) async throws -> Page<FoundAlarm> {
        let (sql, parameters) = try await statement(query, columns: "\(AlarmInfo.columns), f.entity_id, f.entity_type")
        let sort = query.sort.flatMap { sort in Self.sortable[sort.field].map { ($0, sort.descending) } }
        let direction = sort?.1 ?? true ? "DESC" : "ASC"
        let rows = try await runner.query(
            """
            \(sql) ORDER BY \(sort?.0 ?? "a.created_time") \(direction) NULLS LAST, a.id \(direction)
            LIMIT $\(parameters.count + 1) OFFSET $\(parameters.count + 2)
            """, parameters + [.int8(Int64(link.pageSize)), .int8(link.offset)])
        let found = rows.map { row in
            let alarm = AlarmInfo(row)
            let id = row.id(AlarmInfo.columnCount)
            let type = row.text(AlarmInfo.columnCount + 1).flatMap { EntityType(name: $0) }
            guard let id, let type else { return FoundAlarm(alarm: alarm, entity: alarm.alarm.originator) }
            return FoundAlarm(alarm: alarm, entity: EntityID(type: type, uuid: id))
        }
        let total: Int64
        if found.count < link.pageSize, !found.isEmpty || link.page == 0 {
            total = link.offset + Int64(found.count)
        } else {
            total = try await count(query)
        }
        return Page(elements: found, totalElements: total, link: link)
    }

    private func statement(
        _ query: AlarmQuery, columns: String
    ) async throws -> (String, [PostgresParameter]) {
        var with = ""
        var parameters: [PostgresParameter] = []
        // Each alarm once, through the entity that is its originator where it can be.
        var found = "(SELECT NULL::uuid AS entity_id, NULL::text AS entity_type)"
        var join = "ON true"
        if let entities = query.entities {
            var statement = EntityQueryStatement(entities, keys: try await self.entities.numbers(of: entities))
            let subquery = statement.subquery()
            parameters = statement.parameters
            with = subquery.with
            found = """
                (SELECT DISTINCT ON (s.alarm_id) s.alarm_id, s.entity_id, q.entity_type
                FROM (\(subquery.select)) q
                JOIN entity_alarm s ON s.entity_id = q.id AND s.entity_type = q.entity_type
                JOIN alarm o ON o.id = s.alarm_id
                \(query.includesPropagated ? "" : "WHERE o.originator_id = s.entity_id")
                ORDER BY s.alarm_id, (o.originator_id = s.entity_id) DESC, s.entity_id)
                """
            join = "ON f.alarm_id = a.id"
        }
        func bind(_ parameter: PostgresParameter) -> String {
            parameters.append(parameter)
            return "$\(parameters.count)"
        }
        let filter = query.filter
        var conditions = ["a.tenant_id = \(bind(.id(filter.tenant)))"]
        if let customer = filter.customer { conditions.append("a.customer_id = \(bind(.id(customer)))") }
        if let flag = filter.isAcknowledged { conditions.append("a.acknowledged = \(bind(.boolean(flag)))") }
        if let flag = filter.isCleared { conditions.append("a.cleared = \(bind(.boolean(flag)))") }
        if !filter.severities.isEmpty {
            conditions.append("a.severity = ANY(\(bind(.textArray(filter.severities.map(\.rawValue)))))")
        }
        if !filter.types.isEmpty { conditions.append("a.type = ANY(\(bind(.textArray(filter.types))))") }
        if let assignee = filter.assignee { conditions.append("a.assignee_id = \(bind(.id(assignee)))") }
        if let start = filter.start { conditions.append("a.created_time >= \(bind(.int8(start)))") }
        if let end = filter.end { conditions.append("a.created_time <= \(bind(.int8(end)))") }
        if let alarm = query.alarm { conditions.append("a.id = \(bind(.id(alarm)))") }
        if let text = query.textSearch, !text.isEmpty {
            let pattern = bind(.text("%" + ListStatement.escaped(text) + "%"))
            conditions.append(
                "(a.type ILIKE \(pattern) OR a.severity ILIKE \(pattern) OR a.status ILIKE \(pattern) "
                    + "OR a.originator_name ILIKE \(pattern))")
        }
        let sql = """
            \(with)SELECT \(columns) FROM alarm_info a JOIN \(found) f \(join) \
            WHERE \(conditions.joined(separator: " AND "))
            """
        return (sql, parameters)
    }
}
