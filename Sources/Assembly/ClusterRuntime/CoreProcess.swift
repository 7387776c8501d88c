import Cache
import Cluster
import CoreNode
import HTTPServer
import KafkaQueue
import Logging
import Messages
import Model
import ProcessRuntime
import Queue
import Reactor
import Redis
import RedisCache
import ScriptEngine
import ServiceHealth
import ServiceRuntime
import Storage
import Synchronization

/// `core-node`: the REST API, the devices whose partitions it owns, and answers to transports.
final class CoreProcess: RunnableService {
    private let settings: ClusterSettings
    private let logger: Logger
    private let runtime: ServiceRuntime
    private var hub: KafkaHub?
    private var link: ClusterLink?
    private var node: KafkaNode?
    private var database: Database?
    private var writer: TelemetryWriter?
    private var core: CorePart?
    private var consumer: KafkaCoreConsumer?
    private var answers: KafkaTransportAPIServer?
    private var catalogue: QueueCatalogue?
    private var javaScript: RemoteJavaScript?
    private let queueChanges = ChangeListener()
    private let securityChanges = ChangeListener()
    private let webSockets = SharedWebSockets()

    init(settings: ClusterSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
        runtime = ServiceRuntime(settings: settings.runtime, logger: logger)
    }

    func start() async throws {
        runtime.begin()
        let io = try runtime.startLoops(count: settings.runtime.ioThreads, name: "io")
        try await runtime.openHTTP(CorePart.server(settings.runtime), on: io.loops)
        let hub = try ClusterLink.hub(runtime, settings)
        self.hub = hub
        let shared = try makeShared()
        let configuration = try await checkedDatabase(hub, shared?.cache)
        let database = ClusterDatabase.make(configuration, loops: io.loops, runtime: runtime)
        self.database = database
        let writer = TelemetryPart.start(
            runtime: runtime, settings: settings.ruleEngine, access: configuration,
            committed: database.committed)
        self.writer = writer
        let link = try ClusterLink(runtime: runtime, settings: settings, roles: [.core], hub: hub)
        self.link = link
        let queue = KafkaRuleEngineQueue(hub: hub, routing: QueueRouting(settings.queues))
        let owners = KafkaCoreQueue(hub: hub)
        let peers = ClusterPeers(link)
        let control = io.loops[0]
        let core = try await CorePart(
            runtime: runtime, settings: settings.core, database: database, writer: writer, loop: control, queue: queue,
            notifications: peers.transports, nodes: peers.nodes, cache: shared?.cache, counts: shared?.counts)
        self.core = core
        try await owners.ensureTopics()
        let remote = RemoteWatches(
            serviceID: settings.runtime.serviceID, nodes: peers.nodes, source: database.committed)
        try await listen(core, link, remote, on: control)
        let repository = QueueRepository(database)
        let catalogue = QueueCatalogue(logger: logger) {
            try await repository.records()
        } apply: { records in
            try await queue.setRoutes(records.filter { !$0.isDeleted }.map(\.route))
        }
        self.catalogue = catalogue
        try await catalogue.start { $0 is KafkaTopicError }
        queueChanges.set { catalogue.changed() }
        try await link.join()
        peers.nodes.broadcast(
            .watchedEntities(WatchedEntities(serviceID: settings.runtime.serviceID, isQuestion: true)))
        try await own(core, link, on: control)
        try await answer(
            core.makeTransportAPI(telemetry: writer, queue: queue, core: owners, ruleEngines: peers.ruleEngines), link)
        let rest = try await core.makeREST(
            telemetry: writer, queue: queue, core: owners, ruleEngines: peers.ruleEngines,
            scripts: ScriptPart.make(runtime: runtime, settings: settings.scripts, remote: javaScript),
            directory: link.directory,
            queueTopics: KafkaQueueTopics(hub: link.hub))
        securityChanges.set { rest.securityChanged() }
        let announcer = WatchAnnouncer(
            serviceID: settings.runtime.serviceID, peers: [peers.nodes, peers.ruleEnginesAsNodes],
            webSockets: rest.webSockets)
        webSockets.set(rest.webSockets, announcer)
        announcer.start()
        runtime.serve(rest)
        await link.setReady()
        runtime.started(statisticsOn: control)
    }

    /// Waits for the database. Where that takes long, devices that the shared cache knows are let in meanwhile.
    private func checkedDatabase(_ hub: KafkaHub, _ cache: (any CacheStore)?) async throws -> DatabaseConfiguration {
        guard let cache else { return try await ClusterDatabase.checked(settings.database, logger: logger) }
        let meanwhile = try KafkaCachedAnswers(
            hub: hub, serviceID: settings.runtime.serviceID,
            api: DeviceAuthenticator(cacheOnly: cache, logger: logger.labelled("transport-api")))
        let beginning = Task.detached {
            try await Task.sleep(for: .seconds(1))
            try await meanwhile.start()
        }
        let result: Result<DatabaseConfiguration, any Error>
        do {
            result = .success(try await ClusterDatabase.checked(settings.database, logger: logger))
        } catch {
            result = .failure(error)
        }
        beginning.cancel()
        _ = await beginning.result
        await meanwhile.stop()
        return try result.get()
    }

    /// Answers transports; returns when what they ask of this node is answered at once.
    private func answer(_ api: any TransportAPI, _ link: ClusterLink) async throws {
        let answers = try KafkaTransportAPIServer(hub: link.hub, isOwner: link.isOwner)
        self.answers = answers
        let queue = PartitionedQueue(
            name: "transport_api", partitions: try await answers.start(answeredBy: api), role: .core)
        await link.membership.assign(queue, to: answers)
        var rounds = 0
        while true {
            let share = Set(link.membership.view.table(of: queue).partitions(ownedBy: link.membership.local.id))
            if share.isSubset(of: answers.reading) { return }
            rounds += 1
            if rounds.isMultiple(of: 500) {
                logger.warning(
                    "waiting for the partitions of transports' questions",
                    ["wanted": .integer(share.count), "have": .integer(answers.reading.count)])
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// The cache and the counts that core nodes share; `nil` where each has its own (`CACHE_TYPE`).
    private func makeShared() throws -> (cache: any CacheStore, counts: any SharedCounts)? {
        guard settings.cache.kind == .redis else { return nil }
        let client = try RedisClient(settings.redis)
        let logger = logger.labelled("redis")
        return (
            RedisCacheStore(
                client: client, configuration: settings.cache, logger: logger, metrics: runtime.metrics),
            RedisSharedCounts(client: client, logger: logger)
        )
    }

    /// Notifications for this node.
    private func listen(
        _ core: CorePart, _ link: ClusterLink, _ remote: RemoteWatches, on loop: EventLoop
    ) async throws {
        let node = try KafkaNode(hub: link.hub, serviceID: settings.runtime.serviceID)
        self.node = node
        javaScript = try await RemoteScripts.make(node, settings.scripts)
        let (waiters, authenticator) = (core.waiters, core.authenticator)
        let (queueChanges, securityChanges, webSockets) = (queueChanges, securityChanges, webSockets)
        try await loop.run {
            node.onCoreNotification(on: loop) { notification in
                switch notification {
                case .watchedEntities(let watched) where watched.isQuestion:
                    return webSockets.announcer?.answer(watched) ?? ()
                case .watchedEntities(let watched): return remote.receive(watched)
                case .watchedValues(let changes): return webSockets.service?.receive(changes) ?? ()
                default: break
                }
                waiters.receive(notification)
                authenticator.receive(notification)
                guard case .entityChanged(_, let entity, _) = notification else { return }
                switch entity.type {
                case .queue: queueChanges.tell()
                case .adminSettings: securityChanges.tell()
                default: break
                }
            }
        }
        try await node.start()
    }

    /// The devices whose partitions are this node's.
    private func own(_ core: CorePart, _ link: ClusterLink, on loop: EventLoop) async throws {
        let devices = core.devices
        let (hub, isOwner) = (link.hub, link.isOwner)
        let consumer = try await loop.run {
            try KafkaCoreConsumer(hub: hub, loop: loop, isOwner: isOwner, hasRoom: { devices.hasRoom }) {
                devices.receive($0)
            }
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
        webSockets.announcer?.stop()
        await catalogue?.stop()
        await runtime.stopHTTP()
        await link?.leave()
        await answers?.stop()
        await consumer?.stop()
        await core?.finish()
        writer?.stop()
        await hub?.close()
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
        await devices.storeSessions()
        devices.release { partitions.contains(partitioner.partition(of: $0.uuid)) }
    }

    func abandon(_ partitions: Set<Int>) {
        let partitioner = partitioner
        consumer.abandon(partitions)
        devices.release { !partitions.contains(partitioner.partition(of: $0.uuid)) }
    }
}

/// The WebSocket API, once it is there: notifications come before.
private final class SharedWebSockets: Sendable {
    private let parts = Mutex<(service: WebSocketService, announcer: WatchAnnouncer)?>(nil)

    func set(_ service: WebSocketService, _ announcer: WatchAnnouncer) {
        parts.withLock { $0 = (service, announcer) }
    }

    var service: WebSocketService? { parts.withLock { $0?.service } }
    var announcer: WatchAnnouncer? { parts.withLock { $0?.announcer } }
}
