import Cluster
import KafkaQueue
import Logging
import Messages
import Model
import Queue
import Reactor
import RuleEngine

/// The consumers of a rule engine's queues, in line with the records of the queues.
///
/// All partitions of a topic are consumed, also those that its queue no longer sends to; a queue that was deleted is consumed
/// until it is empty, and its topic deleted then (`cluster.md` 2.3, 13.14).
actor QueueConsumers {
    private struct Running {
        var record: QueueRecord
        let consumer: KafkaRuleEngineConsumer
        var partitions: Int
    }

    /// Forgets a deleted queue, unless it was made again meanwhile, and deletes its topic by the given body before somebody can
    /// make it again.
    typealias Forget =
        @Sendable (
            QueueRecord, _ deleteTopic: @escaping @Sendable () async throws -> Void
        ) async throws -> Void

    private let link: ClusterLinkParts
    private let service: RuleEngineService
    private let loops: [EventLoop]
    private let topics: KafkaQueueTopics
    private let deletionDelay: Duration
    private let forget: Forget
    private let logger: Logger
    private var running: [QueueKey: Running] = [:]
    /// Deleted queues that were empty at the last look.
    private var wereEmpty: Set<QueueKey> = []
    /// Whether a change is under way, and who waits for its end: changes come one after the other.
    private var isChanging = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// What it needs of the process's place in the cluster.
    struct ClusterLinkParts: Sendable {
        let hub: KafkaHub
        let membership: any PartitionCoordinator
        let isOwner: @Sendable () -> Bool
    }

    init(
        link: ClusterLinkParts, service: RuleEngineService, loops: [EventLoop], deletionDelay: Duration, logger: Logger,
        forget: @escaping Forget
    ) {
        self.link = link
        self.service = service
        self.loops = loops
        topics = KafkaQueueTopics(hub: link.hub)
        self.deletionDelay = deletionDelay
        self.logger = logger
        self.forget = forget
    }

    private func beginChange() async {
        guard isChanging else { return isChanging = true }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func endChange() {
        // Handed over: nobody comes in between.
        if waiting.isEmpty { isChanging = false } else { waiting.removeFirst().resume() }
    }

    // MARK: - Following the records

    func apply(_ records: [QueueRecord]) async throws {
        await beginChange()
        defer { endChange() }
        service.setQueues(records)
        let wanted = Dictionary(records.map { ($0.key, $0) }) { $0.isDeleted ? $1 : $0 }
        for (key, current) in running where wanted[key]?.route.topic != current.record.route.topic {
            await stop(key)
        }
        try await link.hub.ensureRuleEngineTopics(records.filter { !$0.isDeleted }.map(\.route))
        for record in wanted.values.sorted(by: { $0.route.topic < $1.route.topic }) {
            try await follow(record)
        }
    }

    private func follow(_ record: QueueRecord) async throws {
        // A deleted queue whose topic is gone has nothing more to give.
        guard let count = try await topics.partitionCount(of: record.route) else {
            if record.isDeleted { try await forget(record) {} }
            return
        }
        let partitions = max(count, record.isDeleted ? 1 : record.route.partitions)
        guard let known = running[record.key] else { return try await start(record, partitions) }
        running[record.key]?.record = record
        guard known.partitions != partitions else { return }
        logger.notice(
            "a queue has another number of partitions",
            ["queue": .string(record.route.name), "partitions": .integer(partitions)])
        await link.membership.unassign(Self.name(of: record))
        running[record.key]?.partitions = partitions
        await assign(record, partitions, to: known.consumer)
    }

    private func start(_ record: QueueRecord, _ partitions: Int) async throws {
        let consumer = try KafkaRuleEngineConsumer(
            hub: link.hub, route: record.route, laneLoops: loops, isOwner: link.isOwner)
        let (service, key) = (service, record.key)
        for (lane, loop) in loops.enumerated() {
            await loop.perform {
                consumer.attach(service.makeConsumer(on: loop, lane: lane, of: key), lane: lane)
            }
        }
        consumer.start()
        running[key] = Running(record: record, consumer: consumer, partitions: partitions)
        await assign(record, partitions, to: consumer)
    }

    private func assign(_ record: QueueRecord, _ partitions: Int, to consumer: KafkaRuleEngineConsumer) async {
        await link.membership.assign(
            PartitionedQueue(
                name: Self.name(of: record), partitions: partitions, role: .ruleEngine,
                tenantProfile: record.route.isolatedTenant == nil ? nil : record.tenantProfile?.description),
            to: consumer)
    }

    /// Drains what is owned of it, and ends.
    private func stop(_ key: QueueKey) async {
        guard let ended = running.removeValue(forKey: key) else { return }
        await link.membership.unassign(Self.name(of: ended.record))
        await ended.consumer.stop()
    }

    /// Of the partitions' locks: other processes have the same.
    private static func name(of record: QueueRecord) -> String {
        let tenant = record.route.isolatedTenant.map { ".\($0)" } ?? ""
        return "rule_engine.\(record.route.name)\(tenant)"
    }

    // MARK: - Deleted queues

    /// Deletes the topics of deleted queues that have been empty at two looks, the deletion being some time ago: whoever did
    /// not know of it has sent its last by then. Called now and then.
    func sweep(now: Int64) async {
        guard running.values.contains(where: \.record.isDeleted) else { return }
        await beginChange()
        defer { endChange() }
        for (key, current) in running {
            guard let deleted = current.record.deletedTime else { continue }
            let isOld = Duration.milliseconds(now - deleted) >= deletionDelay
            do {
                guard isOld, try await topics.isEmpty(current.record.route) else {
                    wereEmpty.remove(key)
                    continue
                }
                guard !wereEmpty.insert(key).inserted else { continue }
                wereEmpty.remove(key)
                await stop(key)
                let (topics, route) = (topics, current.record.route)
                try await forget(current.record) { try await topics.delete(route) }
            } catch {
                if running[key] == nil { try? await follow(current.record) }
                logger.limited(
                    .warning, "a deleted queue cannot be cleared away now; it is tried again",
                    ["queue": .string(key.name), "error": .string(String(describing: error))])
            }
        }
    }

    /// Drains and ends everything; the process has left the cluster.
    func stopAll() async {
        for current in running.values { await current.consumer.stop() }
        running = [:]
    }
}
