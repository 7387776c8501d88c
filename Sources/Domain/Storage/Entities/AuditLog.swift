public import Model
internal import Postgres

/// One record of who did what to which entity (`persistence.md` 3.7).
public struct AuditLog: Sendable {
    public var id: UUID128
    /// Milliseconds since 1970.
    public var createdTime: Int64
    public var tenantID: TenantID
    public var customerID: CustomerID
    public var entity: EntityID?
    public var entityName: String?
    public var userID: UserID
    public var userName: String?
    public var actionType: String
    public var actionData: RawJSON?
    /// `nil` when the action succeeded.
    public var failure: String?

    public init(
        id: UUID128, createdTime: Int64, tenantID: TenantID, customerID: CustomerID = .null, entity: EntityID?,
        entityName: String?, userID: UserID, userName: String?, actionType: String, actionData: RawJSON?,
        failure: String? = nil
    ) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.customerID = customerID
        self.entity = entity
        self.entityName = entityName
        self.userID = userID
        self.userName = userName
        self.actionType = actionType
        self.actionData = actionData
        self.failure = failure
    }

    static let columns = """
        id, created_time, tenant_id, customer_id, entity_id, entity_type, entity_name, user_id, user_name, action_type, \
        action_data, action_status, action_failure_details
        """

    init(_ row: PostgresRow) {
        id = row.id(0) ?? .null
        createdTime = row.int8(1) ?? 0
        tenantID = row.entity(2)
        customerID = row.id(3).map(CustomerID.init) ?? .null
        if let uuid = row.id(4), let type = row.text(5).flatMap({ EntityType(name: $0) }) {
            entity = EntityID(type: type, uuid: uuid)
        }
        entityName = row.text(6)
        userID = row.id(7).map(UserID.init) ?? .null
        userName = row.text(8)
        actionType = row.text(9) ?? ""
        actionData = row.document(10)
        failure = row.text(11) == "FAILURE" ? row.text(12) ?? "" : nil
    }

    /// Cuts what the columns cannot hold; data that is too long is left out, because half a document is none. What was
    /// refused is recorded as it was sent: U+0000, which cannot be stored, is left out.
    fileprivate var fitting: AuditLog {
        func cut(_ text: String, _ length: Int) -> String {
            String(String.UnicodeScalarView(text.unicodeScalars.lazy.filter { $0 != "\0" }.prefix(length)))
        }
        var log = self
        log.entityName = entityName.map { cut($0, 255) }
        log.userName = userName.map { cut($0, 255) }
        log.failure = failure.map { cut($0, 10_000) }
        if let data = actionData, data.text.utf8.count > 1_000_000 || data.text.contains("\\u0000") {
            log.actionData = nil
        }
        return log
    }
}

/// The audit log in the database. Lists always name the tenant.
public struct AuditLogRepository: Sendable {
    let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    // MARK: - Writing

    /// Inserts the records by one statement. Their partitions must be there (``makePartition(for:hours:)``).
    public func insert(_ logs: [AuditLog]) async throws {
        var columns = [
            PostgresArray(of: .uuid), PostgresArray(of: .int8), PostgresArray(of: .uuid), PostgresArray(of: .uuid),
            PostgresArray(of: .uuid), PostgresArray(of: .text), PostgresArray(of: .text), PostgresArray(of: .uuid),
            PostgresArray(of: .text), PostgresArray(of: .text), PostgresArray(of: .text), PostgresArray(of: .text),
            PostgresArray(of: .text),
        ]
        for log in logs.lazy.map(\.fitting) {
            columns[0].append(uuidHigh: log.id.high, low: log.id.low)
            columns[1].append(log.createdTime)
            columns[2].append(uuidHigh: log.tenantID.uuid.high, low: log.tenantID.uuid.low)
            columns[3].append(uuidHigh: log.customerID.uuid.high, low: log.customerID.uuid.low)
            columns[4].append(log.entity?.uuid)
            columns[5].append(log.entity?.type.name)
            columns[6].append(log.entityName)
            columns[7].append(uuidHigh: log.userID.uuid.high, low: log.userID.uuid.low)
            columns[8].append(log.userName)
            columns[9].append(text: log.actionType)
            columns[10].append(log.actionData?.text)
            columns[11].append(text: log.failure == nil ? "SUCCESS" : "FAILURE")
            columns[12].append(log.failure)
        }
        _ = try await runner.query(
            """
            INSERT INTO audit_log (\(AuditLog.columns)) SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[],
                $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::uuid[], $9::text[], $10::text[], $11::text[],
                $12::text[], $13::text[])
            """, columns.map { .array($0) })
    }

    /// Makes the partition for records of that time (`persistence.md` 5).
    ///
    /// - Parameter hours: Length of a partition.
    public func makePartition(for time: Int64, hours: Int64) async throws {
        guard let range = PartitionScheme.fixed(milliseconds: hours * 3_600_000).range(containing: time) else { return }
        do {
            // Name and bounds are computed here from numbers.
            _ = try await runner.query(
                """
                CREATE TABLE IF NOT EXISTS audit_log_\(range.suffix) PARTITION OF audit_log
                FOR VALUES FROM (\(range.start)) TO (\(range.end))
                """, [])
        } catch {
            // Made by somebody else meanwhile, or the range is covered by partitions of another length.
            let states = ["42P17", "42P07", "23505"]
            guard let state = EntityError.postgresError(error)?.sqlState, states.contains(state) else { throw error }
        }
    }

    // MARK: - Reading

    public struct Filter: Sendable {
        public var customer: CustomerID?
        public var user: UserID?
        public var entity: EntityID?
        /// Empty: every type.
        public var actionTypes: [String] = []
        /// Milliseconds since 1970, both inclusive.
        public var start: Int64
        public var end: Int64

        public init(start: Int64, end: Int64) {
            self.start = start
            self.end = end
        }
    }

    private static func shape(_ filter: Filter) -> ListStatement.Shape {
        var searched = ["action_type", "action_status"]
        if filter.entity == nil { searched += ["entity_type", "entity_name"] }
        if filter.entity != nil { searched.append("entity_name") }
        if filter.user == nil { searched.append("user_name") }
        return ListStatement.Shape(
            columns: AuditLog.columns, source: "audit_log", searched: searched,
            sortable: [
                "createdTime": "created_time", "entityType": "entity_type", "entityName": "entity_name",
                "userName": "user_name", "actionType": "action_type", "actionStatus": "action_status",
            ])
    }

    public func page(tenant: TenantID, _ filter: Filter, _ link: PageLink) async throws -> Page<AuditLog> {
        var statement = ListStatement(Self.shape(filter))
        statement.require("tenant_id = $?", .id(tenant))
        statement.require("created_time >= $?", .int8(filter.start))
        statement.require("created_time <= $?", .int8(filter.end))
        if let customer = filter.customer { statement.require("customer_id = $?", .id(customer)) }
        if let user = filter.user { statement.require("user_id = $?", .id(user)) }
        if let entity = filter.entity {
            statement.require("entity_type = $?", .text(entity.type.name))
            statement.require("entity_id = $?", .id(entity.uuid))
        }
        if !filter.actionTypes.isEmpty {
            statement.require("action_type = ANY($?)", .textArray(filter.actionTypes))
        }
        return try await statement.page(link, on: runner, AuditLog.init)
    }
}

extension PostgresArray {
    fileprivate mutating func append(_ text: String?) {
        if let text { append(text: text) } else { appendNull() }
    }

    fileprivate mutating func append(_ uuid: UUID128?) {
        if let uuid { append(uuidHigh: uuid.high, low: uuid.low) } else { appendNull() }
    }
}
