public import Model
internal import Postgres

/// What the platform notes about entities (`rest-api.md` 3.6, `persistence.md` 3.7).
public enum EventKind: String, Sendable, CaseIterable {
    case error = "ERROR"
    case lifecycle = "LC_EVENT"
    case statistics = "STATS"
    case ruleNodeDebug = "DEBUG_RULE_NODE"
    case ruleChainDebug = "DEBUG_RULE_CHAIN"
    case calculatedFieldDebug = "DEBUG_CALCULATED_FIELD"

    var table: StaticString {
        switch self {
        case .error: "error_event"
        case .lifecycle: "lc_event"
        case .statistics: "stats_event"
        case .ruleNodeDebug: "rule_node_debug_event"
        case .ruleChainDebug: "rule_chain_debug_event"
        case .calculatedFieldDebug: "cf_debug_event"
        }
    }

    /// What a member of the body is in the table.
    public enum ColumnType: Sendable { case text, uuid, number, boolean }

    /// The members of an event's body beside `server`, with their columns.
    public var members: [(member: StaticString, column: StaticString, type: ColumnType)] {
        switch self {
        case .error: [("method", "e_method", .text), ("error", "e_error", .text)]
        case .lifecycle: [("event", "e_type", .text), ("success", "e_success", .boolean), ("error", "e_error", .text)]
        case .statistics:
            [
                ("messagesProcessed", "e_messages_processed", .number),
                ("errorsOccurred", "e_errors_occurred", .number),
            ]
        case .ruleNodeDebug:
            [
                ("type", "e_type", .text), ("entityId", "e_entity_id", .uuid),
                ("entityType", "e_entity_type", .text), ("msgId", "e_msg_id", .uuid),
                ("msgType", "e_msg_type", .text), ("dataType", "e_data_type", .text),
                ("relationType", "e_relation_type", .text), ("data", "e_data", .text),
                ("metadata", "e_metadata", .text), ("error", "e_error", .text),
            ]
        case .ruleChainDebug: [("message", "e_message", .text), ("error", "e_error", .text)]
        case .calculatedFieldDebug:
            [
                ("calculatedFieldId", "cf_id", .uuid), ("entityId", "e_entity_id", .uuid),
                ("entityType", "e_entity_type", .text), ("msgId", "e_msg_id", .uuid),
                ("msgType", "e_msg_type", .text), ("arguments", "e_args", .text), ("result", "e_result", .text),
                ("error", "e_error", .text),
            ]
        }
    }
}

/// One event.
public struct StoredEvent: Sendable {
    public enum Value: Sendable {
        case text(String)
        case uuid(UUID128)
        case number(Int64)
        case boolean(Bool)
    }

    public var id: UUID128
    public var createdTime: Int64
    public var tenantID: TenantID
    public var entity: UUID128
    public var service: String
    public var kind: EventKind
    /// Absent ones are left out.
    public var body: [(member: StaticString, value: Value)]

    init(_ row: PostgresRow, _ kind: EventKind) {
        id = row.id(0) ?? .null
        createdTime = row.int8(1) ?? 0
        tenantID = row.entity(2)
        entity = row.id(3) ?? .null
        service = row.text(4) ?? ""
        self.kind = kind
        body = []
        for (index, (member, _, type)) in kind.members.enumerated() {
            let value: Value?
            switch type {
            case .text: value = row.text(5 + index).map { .text($0) }
            case .uuid: value = row.id(5 + index).map { .uuid($0) }
            case .number: value = row.int8(5 + index).map { .number($0) }
            case .boolean: value = row.bool(5 + index).map { .boolean($0) }
            }
            if let value { body.append((member, value)) }
        }
    }
}

/// A condition on events; all of a list must hold.
public enum EventCondition: Sendable {
    case service(String)
    /// A member's text holds a part, without regard to case.
    case contains(member: String, String)
    case equals(member: String, String)
    case isUUID(member: String, UUID128)
    case atLeast(member: String, Int64)
    case atMost(member: String, Int64)
    case succeeded(Bool)
    /// Whether there is an error at all.
    case hasError(Bool)
}

/// Events in the database. Every statement names the tenant.
public struct EventRepository: Sendable {
    let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    public func page(
        of kind: EventKind, entity: UUID128, tenant: TenantID, from start: Int64?, to end: Int64?,
        _ conditions: [EventCondition] = [], _ link: PageLink
    ) async throws -> Page<StoredEvent> {
        let statement = statement(kind, entity, tenant, start, end, conditions)
        return try await statement.page(link, on: runner) { StoredEvent($0, kind) }
    }

    /// Deletes the events that ``page(of:entity:tenant:from:to:_:_:)`` shows.
    public func delete(
        of kind: EventKind, entity: UUID128, tenant: TenantID, from start: Int64?, to end: Int64?,
        _ conditions: [EventCondition] = []
    ) async throws {
        try await statement(kind, entity, tenant, start, end, conditions).delete(on: runner)
    }

    /// Removes what was noted of an entity that is gone.
    public func deleteAll(of entity: UUID128, tenant: TenantID) async throws {
        for kind in EventKind.allCases {
            _ = try await runner.query(
                "DELETE FROM \(kind.table) WHERE tenant_id = $2 AND entity_id = $1", [.id(entity), .id(tenant)])
        }
    }

    /// The newest message that was recorded on its way into a node.
    public func latestDebugInput(of node: RuleNodeID, tenant: TenantID) async throws -> StoredEvent? {
        let kind = EventKind.ruleNodeDebug
        return try await runner.query(
            """
            SELECT \(Self.columns(of: kind)) FROM rule_node_debug_event
            WHERE tenant_id = $1 AND entity_id = $2 AND e_type = 'IN' ORDER BY ts DESC LIMIT 1
            """, [.id(tenant), .id(node)]
        ).first.map { StoredEvent($0, kind) }
    }

    private static func columns(of kind: EventKind) -> String {
        (["id", "ts", "tenant_id", "entity_id", "service_id"] + kind.members.map { "\($0.column)" })
            .joined(separator: ", ")
    }

    private func statement(
        _ kind: EventKind, _ entity: UUID128, _ tenant: TenantID, _ start: Int64?, _ end: Int64?,
        _ conditions: [EventCondition]
    ) -> ListStatement {
        var statement = ListStatement(
            .init(
                columns: Self.columns(of: kind), source: "\(kind.table)", searched: ["service_id"],
                sortable: ["createdTime": "ts", "ts": "ts"]))
        statement.require("tenant_id = $?", .id(tenant))
        statement.require("entity_id = $?", .id(entity))
        if let start { statement.require("ts >= $?", .int8(start)) }
        if let end { statement.require("ts <= $?", .int8(end)) }
        for condition in conditions { Self.add(condition, of: kind, to: &statement) }
        return statement
    }

    /// Conditions on members that the kind does not have are ignored, as unknown members of a request are.
    private static func add(_ condition: EventCondition, of kind: EventKind, to statement: inout ListStatement) {
        func column(_ member: String) -> StaticString? { kind.members.first { "\($0.member)" == member }?.column }
        switch condition {
        case .service(let name): statement.require("service_id ILIKE $?", .text(pattern(name)))
        case .contains(let member, let text):
            if let column = column(member) { statement.require(column, " ILIKE $?", .text(pattern(text))) }
        case .equals(let member, let text):
            if let column = column(member) { statement.require(column, " = $?", .text(text)) }
        case .isUUID(let member, let uuid):
            if let column = column(member) { statement.require(column, " = $?", .id(uuid)) }
        case .atLeast(let member, let number):
            if let column = column(member) { statement.require(column, " >= $?", .int8(number)) }
        case .atMost(let member, let number):
            if let column = column(member) { statement.require(column, " <= $?", .int8(number)) }
        case .succeeded(let flag):
            if let column = column("success") { statement.require(column, " = $?", .boolean(flag)) }
        case .hasError(let flag):
            guard column("error") != nil else { return }
            if flag { statement.require("e_error IS NOT NULL") } else { statement.require("e_error IS NULL") }
        }
    }

    private static func pattern(_ text: String) -> String { "%" + ListStatement.escaped(text) + "%" }
}
