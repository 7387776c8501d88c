import Cache
import Cluster
import CoreNode
import HTTPServer
import KafkaQueue
import Logging
import Messages
import Model
import Queue
import Reactor
import Redis
import RedisCache
import ServiceHealth
import ServiceRuntime
import Storage

/// `core-node`: the REST API, the devices whose partitions it owns, and answers to transports.
final class CoreProcess: RunnableService {
    private let settings: ClusterSettings
    private let logger: Logger
    private let runtime: ServiceRuntime
    private var link: ClusterLink?
    private var node: KafkaNode?
    private var database: Database?
    private var writer: TelemetryWriter?
    private var core: CorePart?
    private var consumer: KafkaCoreConsumer?
    private var answers: KafkaTransportAPIServer?

    init(settings: ClusterSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
        runtime = ServiceRuntime(settings: settings.runtime, logger: logger)
    }

    func start() async throws {
        runtime.begin()
        let io = try runtime.startLoops(count: settings.runtime.ioThreads, name: "io")
        try await runtime.openHTTP(CorePart.server(settings.runtime), on: io.loops)
        let configuration = try await ClusterDatabase.checked(settings.database, logger: logger)
        let database = ClusterDatabase.make(configuration, loops: io.loops, runtime: runtime)
        self.database = database
        let writer = TelemetryPart.start(runtime: runtime, settings: settings.ruleEngine, access: configuration)
        self.writer = writer
        let link = try ClusterLink(runtime: runtime, settings: settings, roles: [.core])
        self.link = link
        let queue = KafkaRuleEngineQueue(hub: link.hub, routing: QueueRouting(settings.queues))
        let owners = KafkaCoreQueue(hub: link.hub)
        let peers = ClusterPeers(link)
        let control = io.loops[0]
        let core = try await CorePart(
            runtime: runtime, settings: settings.core, database: database, writer: writer, loop: control, queue: queue,
            notifications: peers.transports, nodes: peers.nodes, cache: try makeCache())
        self.core = core
        try await queue.ensureTopics()
        try await owners.ensureTopics()
        try await listen(core, link, on: control)
        try await link.join()
        try await own(core, link, on: control)
        let answers = try KafkaTransportAPIServer(
            hub: link.hub,
            api: core.makeTransportAPI(
                telemetry: writer, queue: queue, core: owners, ruleEngines: peers.ruleEngines))
        self.answers = answers
        try await answers.start()
        runtime.serve(
            try await core.makeREST(telemetry: writer, queue: queue, core: owners, ruleEngines: peers.ruleEngines))
        await link.setReady()
        runtime.started(statisticsOn: control)
    }

    /// The cache that core nodes share; `nil` where each has its own (`CACHE_TYPE`).
    private func makeCache() throws -> (any CacheStore)? {
        guard settings.cache.kind == .redis else { return nil }
        return RedisCacheStore(
            client: try RedisClient(settings.redis), configuration: settings.cache, logger: logger.labelled("redis"),
            metrics: runtime.metrics)
    }

    /// Notifications for this node.
    private func listen(_ core: CorePart, _ link: ClusterLink, on loop: EventLoop) async throws {
        let node = try KafkaNode(hub: link.hub, serviceID: settings.runtime.serviceID)
        self.node = node
        let (waiters, authenticator) = (core.waiters, core.authenticator)
        try await loop.run {
            node.onCoreNotification(on: loop) { notification in
                waiters.receive(notification)
                authenticator.receive(notification)
            }
        }
        try await node.start()
    }

    /// The devices whose partitions are this node's.
    private func own(_ core: CorePart, _ link: ClusterLink, on loop: EventLoop) async throws {
        let devices = core.devices
        let (hub, isOwner) = (link.hub, link.isOwner)
        let consumer = try await loop.run {
            try KafkaCoreConsumer(hub: hub, loop: loop, isOwner: isOwner) { devices.receive($0) }
        }
        self.consumer = consumer
        consumer.start()
        let partitions = settings.kafka.corePartitions
        await link.membership.assign(
            PartitionedQueue(name: "core", partitions: partitions, role: .core),
            to: DeviceOwnership(devices: devices, consumer: consumer, partitioner: Partitioner(count: partitions)))
    }

    // MARK: - Stop

    func stop() async {
        runtime.beginStopping()
        await runtime.stopHTTP()
        await answers?.stop()
        await link?.leave()
        await consumer?.stop()
        await core?.devices.flush()
        writer?.stop()
        await link?.hub.close()
        await node?.stop()
        database?.close()
        runtime.stopLoops()
        logger.info("stopped")
    }
}

/// Lets the devices of a core node follow its partitions.
private final class DeviceOwnership: PartitionConsumer {
    private let devices: DeviceService
    private let consumer: KafkaCoreConsumer
    private let partitioner: Partitioner

    init(devices: DeviceService, consumer: KafkaCoreConsumer, partitioner: Partitioner) {
        self.devices = devices
        self.consumer = consumer
        self.partitioner = partitioner
    }

    func own(_ partitions: Set<Int>) async {
        let partitioner = partitioner
        // Before their messages come.
        devices.restore { partitions.contains(partitioner.partition(of: $0.uuid)) }
        await consumer.own(partitions)
        devices.release { partitions.contains(partitioner.partition(of: $0.uuid)) }
    }

    func abandon(_ partitions: Set<Int>) {
        let partitioner = partitioner
        consumer.abandon(partitions)
        devices.release { !partitions.contains(partitioner.partition(of: $0.uuid)) }
    }
}
