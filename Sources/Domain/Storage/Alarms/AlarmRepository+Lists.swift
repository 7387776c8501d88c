public import Model
internal import Postgres

/// Which alarms of a tenant are wanted; what is `nil` or empty does not matter.
public struct AlarmFilter: Sendable {
    public var tenant: TenantID
    /// Only those of the customer's entities.
    public var customer: CustomerID?
    /// Only those that the entity shows, its own and propagated ones.
    public var entity: EntityID?
    public var isAcknowledged: Bool?
    public var isCleared: Bool?
    public var severities: [AlarmSeverity] = []
    public var types: [String] = []
    public var assignee: UserID?
    /// Creation times, milliseconds since 1970, both inclusive.
    public var start: Int64?
    public var end: Int64?

    public init(tenant: TenantID) { self.tenant = tenant }
}

extension AlarmRepository {
    private static let sortable = [
        "createdTime": "a.created_time", "startTs": "a.start_ts", "startTime": "a.start_ts", "endTs": "a.end_ts",
        "endTime": "a.end_ts", "ackTs": "a.ack_ts", "ackTime": "a.ack_ts", "clearTs": "a.clear_ts",
        "clearTime": "a.clear_ts", "assignTs": "a.assign_ts", "type": "a.type", "severity": "a.severity",
        "status": "a.status", "originator": "a.originator_name", "originatorName": "a.originator_name",
        "originatorLabel": "a.originator_label", "assignee": "a.assignee_email", "name": "a.type",
        "acknowledged": "a.acknowledged", "cleared": "a.cleared", "originatorType": "a.originator_type",
    ]

    private func statement(_ filter: AlarmFilter, columns: String) -> ListStatement {
        var statement = ListStatement(
            .init(
                columns: columns,
                source: filter.entity == nil
                    ? "alarm_info a" : "entity_alarm e JOIN alarm_info a ON a.id = e.alarm_id",
                id: "a.id", searched: ["a.type", "a.severity", "a.status"], sortable: Self.sortable))
        statement.require("a.tenant_id = $?", .id(filter.tenant))
        if let entity = filter.entity {
            statement.require("e.tenant_id = $?", .id(filter.tenant))
            statement.require("e.entity_id = $?", .id(entity.uuid))
            statement.require("e.entity_type = $?", .text(entity.type.name))
        }
        if let customer = filter.customer { statement.require("a.customer_id = $?", .id(customer)) }
        if let flag = filter.isAcknowledged { statement.require("a.acknowledged = $?", .boolean(flag)) }
        if let flag = filter.isCleared { statement.require("a.cleared = $?", .boolean(flag)) }
        if !filter.severities.isEmpty {
            statement.require("a.severity = ANY($?)", .textArray(filter.severities.map(\.rawValue)))
        }
        if !filter.types.isEmpty { statement.require("a.type = ANY($?)", .textArray(filter.types)) }
        if let assignee = filter.assignee { statement.require("a.assignee_id = $?", .id(assignee)) }
        if let start = filter.start { statement.require("a.created_time >= $?", .int8(start)) }
        if let end = filter.end { statement.require("a.created_time <= $?", .int8(end)) }
        return statement
    }

    public func page(_ filter: AlarmFilter, _ link: PageLink) async throws -> Page<AlarmInfo> {
        try await statement(filter, columns: AlarmInfo.columns).page(link, on: runner, AlarmInfo.init)
    }

    /// The worst severity among alarms; `nil` without any.
    public func highestSeverity(_ filter: AlarmFilter) async throws -> AlarmSeverity? {
        for severity in AlarmSeverity.allCases {
            var one = filter
            one.severities = [severity]
            let page = try await statement(one, columns: "a.id").page(PageLink(pageSize: 1, page: 0), on: runner) { _ in
                ()
            }
            if !page.elements.isEmpty { return severity }
        }
        return nil
    }

    /// The types of all alarms that the tenant had.
    public func types(tenant: TenantID, _ link: PageLink) async throws -> Page<String> {
        var statement = ListStatement(
            .init(
                columns: "type", source: "alarm_types", id: "type", searched: ["type"], sortable: ["type": "type"]))
        statement.require("tenant_id = $?", .id(tenant))
        return try await statement.page(link, on: runner) { $0.text(0) ?? "" }
    }

    // MARK: - Of entities that are gone

    /// Removes the alarms of an originator, and an entity from the lists of others' alarms.
    public func deleteAll(of entity: UUID128) async throws {
        for statement in [
            "DELETE FROM alarm WHERE originator_id = $1", "DELETE FROM entity_alarm WHERE entity_id = $1",
        ] {
            _ = try await runner.query(statement, [.id(entity)])
        }
    }
}
