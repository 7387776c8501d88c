public import Model
internal import Postgres

/// A queue of the rule engine as it is configured (`rest-api.md` 3.6).
public struct StoredQueue: Sendable, Equatable {
    public var id: QueueID
    public var createdTime: Int64
    public var tenantID: TenantID
    public var name: String
    public var topic: String
    public var pollInterval: Int64
    public var partitions: Int64
    public var consumerPerPartition: Bool
    public var packProcessingTimeout: Int64
    public var submitStrategy: RawJSON?
    public var processingStrategy: RawJSON?
    public var additionalInfo: RawJSON?

    public init(
        id: QueueID, createdTime: Int64, tenantID: TenantID, name: String, topic: String, pollInterval: Int64,
        partitions: Int64, consumerPerPartition: Bool, packProcessingTimeout: Int64, submitStrategy: RawJSON?,
        processingStrategy: RawJSON?, additionalInfo: RawJSON?
    ) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.name = name
        self.topic = topic
        self.pollInterval = pollInterval
        self.partitions = partitions
        self.consumerPerPartition = consumerPerPartition
        self.packProcessingTimeout = packProcessingTimeout
        self.submitStrategy = submitStrategy
        self.processingStrategy = processingStrategy
        self.additionalInfo = additionalInfo
    }

    static let columns = """
        id, created_time, tenant_id, name, topic, poll_interval, partitions, consumer_per_partition, \
        pack_processing_timeout, submit_strategy, processing_strategy, additional_info
        """

    init(_ row: PostgresRow) {
        id = row.entity(0)
        createdTime = row.int8(1) ?? 0
        tenantID = row.entity(2)
        name = row.text(3) ?? ""
        topic = row.text(4) ?? ""
        pollInterval = row.int8(5) ?? 0
        partitions = row.int8(6) ?? 0
        consumerPerPartition = row.bool(7) ?? false
        packProcessingTimeout = row.int8(8) ?? 0
        submitStrategy = row.document(9)
        processingStrategy = row.document(10)
        additionalInfo = row.document(11)
    }
}

/// A queue on one service, of which statistics are kept.
public struct QueueStatistics: Sendable {
    public var id: UUID128
    public var createdTime: Int64
    public var tenantID: TenantID
    public var queueName: String
    public var serviceID: String

    static let columns = "id, created_time, tenant_id, queue_name, service_id"

    init(_ row: PostgresRow) {
        id = row.id(0) ?? .null
        createdTime = row.int8(1) ?? 0
        tenantID = row.entity(2)
        queueName = row.text(3) ?? ""
        serviceID = row.text(4) ?? ""
    }
}

/// Queues and their statistics in the database.
public struct QueueRepository: Sendable {
    let runner: any StatementRunner

    public init(_ runner: any StatementRunner) { self.runner = runner }

    /// Of any tenant: the caller checks ownership (`rest-api.md` 1.13).
    public func find(_ id: QueueID) async throws -> StoredQueue? {
        try await runner.query("SELECT \(StoredQueue.columns) FROM queue WHERE id = $1", [.id(id)])
            .first.map(StoredQueue.init)
    }

    /// The tenant's queue of that name, else the platform's.
    public func find(name: String, tenant: TenantID) async throws -> StoredQueue? {
        try await runner.query(
            """
            SELECT \(StoredQueue.columns) FROM queue WHERE name = $1 AND tenant_id IN ($2, $3)
            ORDER BY tenant_id = $2 DESC LIMIT 1
            """, [.text(name), .id(tenant), .id(TenantID.system)]
        ).first.map(StoredQueue.init)
    }

    /// The queues that a tenant's messages go through: its own if it has any, else the platform's.
    public func page(tenant: TenantID, _ link: PageLink) async throws -> Page<StoredQueue> {
        let own = try await runner.query("SELECT 1 FROM queue WHERE tenant_id = $1 LIMIT 1", [.id(tenant)])
        var statement = ListStatement(
            .init(
                columns: StoredQueue.columns, source: "queue", searched: ["name"],
                sortable: [
                    "createdTime": "created_time", "name": "name", "topic": "topic", "partitions": "partitions",
                    "submitStrategy": "submit_strategy", "processingStrategy": "processing_strategy",
                ]))
        statement.require("tenant_id = $?", .id(own.isEmpty ? .system : tenant))
        return try await statement.page(link, on: runner, StoredQueue.init)
    }

    // MARK: - Statistics

    /// What the statistics of a tenant's messages in a queue on a service belong to; made where it is missing. `nil`: no such
    /// tenant.
    public func statisticsEntity(
        tenant: TenantID, queueName: String, serviceID: String, now: Int64
    ) async throws -> UUID128? {
        try await runner.query(
            """
            INSERT INTO queue_stats (id, created_time, tenant_id, queue_name, service_id)
            SELECT $1, $2, t.id, $4, $5 FROM tenant t WHERE t.id = $3
            ON CONFLICT (tenant_id, queue_name, service_id) DO UPDATE SET queue_name = excluded.queue_name
            RETURNING id
            """, [.id(.ordered()), .int8(now), .id(tenant), .text(queueName), .text(serviceID)]
        ).first?.id(0)
    }

    public func statistics(tenant: TenantID, _ link: PageLink) async throws -> Page<QueueStatistics> {
        var statement = ListStatement(
            .init(
                columns: QueueStatistics.columns, source: "queue_stats", searched: ["queue_name", "service_id"],
                sortable: ["createdTime": "created_time", "queueName": "queue_name", "serviceId": "service_id"]))
        statement.require("tenant_id = $?", .id(tenant))
        return try await statement.page(link, on: runner, QueueStatistics.init)
    }

    /// Those of `ids` that the tenant has.
    public func statistics(_ ids: [UUID128], tenant: TenantID) async throws -> [QueueStatistics] {
        try await runner.query(
            "SELECT \(QueueStatistics.columns) FROM queue_stats WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id",
            [.id(tenant), .ids(ids)]
        ).map(QueueStatistics.init)
    }
}
