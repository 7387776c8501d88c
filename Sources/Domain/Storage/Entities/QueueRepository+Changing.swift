internal import JSON
public import Messages
public import Model
internal import Postgres
public import Queue

extension StoredQueue {
    /// How it is processed. What cannot be read is what a queue has that says nothing.
    public var strategies: QueueStrategies {
        let submit = submitStrategy?.value ?? .null
        let processing = processingStrategy?.value ?? .null
        func seconds(_ key: String) -> Duration { .seconds(max(0, processing[key]?.integerValue ?? 0)) }
        return QueueStrategies(
            submit: SubmitStrategy(
                name: submit["type"]?.stringValue ?? "",
                batchSize: Int(clamping: submit["batchSize"]?.integerValue ?? 1)) ?? .burst,
            processing: ProcessingStrategy(
                ProcessingStrategy.Kind(rawValue: processing["type"]?.stringValue ?? "") ?? .skipAllFailures,
                retries: Int(clamping: max(0, processing["retries"]?.integerValue ?? 0)),
                failurePercentage: processing["failurePercentage"]?.doubleValue ?? 0,
                pause: seconds("pauseBetweenRetries"), maximumPause: seconds("maxPauseBetweenRetries")),
            timeout: .milliseconds(max(1, packProcessingTimeout)))
    }

    /// Where its messages go.
    public var route: QueueRoute {
        QueueRoute(
            name: name, topic: topic, partitions: max(1, Int(clamping: partitions)),
            isolatedTenant: tenantID == .system ? nil : tenantID,
            duplicates: additionalInfo?.value["duplicateMsgToAllPartitions"]?.boolValue ?? false)
    }

    var parameters: [PostgresParameter] {
        [
            .id(id), .int8(createdTime), .id(tenantID), .text(name), .text(topic), .int4(Int32(clamping: pollInterval)),
            .int4(Int32(clamping: partitions)), .boolean(consumerPerPartition), .int8(packProcessingTimeout),
            .text(submitStrategy?.text), .text(processingStrategy?.text), .text(additionalInfo?.text),
        ]
    }
}

/// Queues as services work with them, and their changes.
extension QueueRepository {
    /// Every queue, those included that were deleted and may hold messages.
    public func records() async throws -> [QueueRecord] {
        let rows = try await runner.query(
            """
            SELECT \(Self.prefixed("q")), t.tenant_profile_id, NULL::bigint
            FROM queue q LEFT JOIN tenant t ON t.id = q.tenant_id
            UNION ALL
            SELECT \(Self.prefixed("d")), t.tenant_profile_id, d.deleted_time
            FROM deleted_queue d LEFT JOIN tenant t ON t.id = d.tenant_id
            ORDER BY 2, 1
            """, [])
        return rows.map { row in
            let queue = StoredQueue(row)
            return QueueRecord(
                route: queue.route, strategies: row.int8(13) == nil ? queue.strategies : QueueStrategies(),
                tenantProfile: row.id(12).map { TenantProfileID($0) }, deletedTime: row.int8(13))
        }
    }

    private static func prefixed(_ table: String) -> String {
        StoredQueue.columns.split(separator: ", ").map { "\(table).\($0)" }.joined(separator: ", ")
    }

    /// The tenant's own queues, the platform's for the system tenant.
    public func all(of tenant: TenantID) async throws -> [StoredQueue] {
        try await runner.query(
            "SELECT \(StoredQueue.columns) FROM queue WHERE tenant_id = $1 ORDER BY id", [.id(tenant)]
        ).map(StoredQueue.init)
    }

    /// Whether another queue of the tenant has that name, or that topic.
    public func isTaken(
        name: String, topic: String, tenant: TenantID, except id: QueueID?
    ) async throws -> (name: Bool, topic: Bool) {
        let row = try await runner.query(
            """
            SELECT coalesce(bool_or(name = $1), false), coalesce(bool_or(topic = $2), false) FROM queue
            WHERE tenant_id = $3 AND ($4::uuid IS NULL OR id <> $4)
            """, [.text(name), .text(topic), .id(tenant), .id(id?.uuid)]
        ).first
        return (row?.bool(0) ?? false, row?.bool(1) ?? false)
    }

    /// Whether a deleted queue that may hold messages stands in the way: one of that name with another topic, or the reverse.
    public func isStillEmptied(name: String, topic: String, tenant: TenantID) async throws -> Bool {
        try await !runner.query(
            "SELECT 1 FROM deleted_queue WHERE tenant_id = $3 AND (name = $1) <> (topic = $2) LIMIT 1",
            [.text(name), .text(topic), .id(tenant)]
        ).isEmpty
    }

    /// The topic of a deleted queue of that name that may hold messages.
    public func topicOfDeleted(name: String, tenant: TenantID) async throws -> String? {
        try await runner.query(
            "SELECT topic FROM deleted_queue WHERE name = $1 AND tenant_id = $2 ORDER BY deleted_time DESC LIMIT 1",
            [.text(name), .id(tenant)]
        ).first?.text(0)
    }

    /// Adds a queue; one of the same name and topic that was deleted goes on as this one. To be run in a transaction.
    public func insert(_ queue: StoredQueue) async throws {
        try await forgetDeleted(name: queue.name, tenant: queue.tenantID)
        _ = try await runner.query(
            """
            INSERT INTO queue (\(StoredQueue.columns)) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            """, queue.parameters)
    }

    /// Changes everything but name and topic.
    public func update(_ queue: StoredQueue) async throws {
        _ = try await runner.query(
            """
            UPDATE queue SET poll_interval = $2, partitions = $3, consumer_per_partition = $4,
                pack_processing_timeout = $5, submit_strategy = $6, processing_strategy = $7, additional_info = $8
            WHERE id = $1
            """, [queue.parameters[0]] + queue.parameters[5...])
    }

    /// Whether device or asset profiles send to a queue of that name.
    public func isReferenced(name: String, tenant: TenantID) async throws -> Bool {
        // The platform's queue is that of every tenant without one of its own of that name.
        try await !runner.query(
            """
            SELECT 1 FROM (
                SELECT tenant_id FROM device_profile WHERE default_queue_name = $1
                UNION ALL SELECT tenant_id FROM asset_profile WHERE default_queue_name = $1) p
            WHERE p.tenant_id = $2 OR ($2 = $3 AND NOT EXISTS (
                SELECT 1 FROM queue q WHERE q.name = $1 AND q.tenant_id = p.tenant_id))
            LIMIT 1
            """, [.text(name), .id(tenant), .id(TenantID.system)]
        ).isEmpty
    }

    /// Deletes a queue; what it holds is still processed.
    ///
    /// - Returns: Whether there was one.
    public func delete(_ id: QueueID, now: Int64) async throws -> Bool {
        try await runner.query(
            """
            WITH gone AS (DELETE FROM queue WHERE id = $1 RETURNING \(StoredQueue.columns))
            INSERT INTO deleted_queue (\(StoredQueue.columns), deleted_time) SELECT \(StoredQueue.columns), $2 FROM gone
            RETURNING id
            """, [.id(id), .int8(now)]
        ).first != nil
    }

    /// Keeps a deleted queue from being made again until the transaction ends.
    ///
    /// - Returns: Whether it is still deleted, and remembered.
    public func lockDeleted(name: String, tenant: TenantID) async throws -> Bool {
        try await !runner.query(
            "SELECT 1 FROM deleted_queue WHERE name = $1 AND tenant_id = $2 FOR UPDATE", [.text(name), .id(tenant)]
        ).isEmpty
    }

    /// Forgets deleted queues of that name: nothing is in them any more.
    public func forgetDeleted(name: String, tenant: TenantID) async throws {
        _ = try await runner.query(
            "DELETE FROM deleted_queue WHERE name = $1 AND tenant_id = $2", [.text(name), .id(tenant)])
    }
}
