import Cluster
import CoreNode
import KafkaQueue
import Logging
import Messages
import Model
import ProcessRuntime
import Queue
import Reactor
import RuleEngine
import ServiceHealth
import ServiceRuntime
import Storage

/// `rule-engine`: consumes the partitions of the queues that this process owns.
final class RuleEngineProcess: RunnableService {
    private let settings: ClusterSettings
    private let logger: Logger
    private let runtime: ServiceRuntime
    private var link: ClusterLink?
    private var database: Database?
    private var writer: TelemetryWriter?
    private var node: KafkaNode?
    private var engine: RuleEnginePart?
    private var queue: KafkaRuleEngineQueue?
    private var consumers: QueueConsumers?
    private var catalogue: QueueCatalogue?
    private var sweeper: Task<Void, Never>?
    private var reports: [Task<Void, Never>] = []
    private let queueChanges = ChangeListener()

    init(settings: ClusterSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
        runtime = ServiceRuntime(settings: settings.runtime, logger: logger)
    }

    func start() async throws {
        runtime.begin()
        let io = try runtime.startLoops(count: 1, name: "io")
        let rules = try runtime.startLoops(count: settings.ruleEngine.threads, name: "rule")
        try await runtime.openHTTP(settings.runtime.httpServer, on: io.loops)
        runtime.serve(runtime.health)
        let configuration = try await ClusterDatabase.checked(settings.database, logger: logger)
        let database = ClusterDatabase.make(configuration, loops: io.loops + rules.loops, runtime: runtime)
        self.database = database
        let writer = TelemetryPart.start(
            runtime: runtime, settings: settings.ruleEngine, access: configuration,
            committed: database.committed)
        self.writer = writer
        let link = try ClusterLink(runtime: runtime, settings: settings, roles: [.ruleEngine])
        self.link = link
        let service = try await makeService(link, database: database, writer: writer, on: io.loops[0])
        try await link.join()
        ClusterPeers(link).nodes.broadcast(
            .watchedEntities(WatchedEntities(serviceID: settings.runtime.serviceID, isQuestion: true)))
        try await consume(link, service, database: database, on: rules)
        if let catalogue { queueChanges.set { catalogue.changed() } }
        let (peers, reporting) = (ClusterPeers(link), settings.ruleEngine.usage)
        let reporter = UsageReporter(
            settings: reporting, database: database, writer: writer, transports: peers.transports,
            ruleEngines: peers.ruleEngines, logger: logger
        ) { await service.takeUsage() }
        let statistics = QueueStatisticsReporter(
            settings: settings.ruleEngine.queueStatistics, serviceID: settings.runtime.serviceID, database: database,
            writer: writer, logger: logger
        ) { await service.takeQueueReports() }
        reports = [Task.detached { await reporter.run() }, Task.detached { await statistics.run() }]
        await link.setReady()
        runtime.started(statisticsOn: io.loops[0])
    }

    /// The rule engine, with the notifications that are for it.
    private func makeService(
        _ link: ClusterLink, database: Database, writer: TelemetryWriter, on loop: EventLoop
    ) async throws -> RuleEngineService {
        let core = KafkaCoreQueue(hub: link.hub)
        let peers = ClusterPeers(link)
        let waiters = DeviceCallWaiters(loop: loop)
        let calls = DeviceCaller(
            serviceID: settings.runtime.serviceID, core: core, answers: peers.nodes, waiters: waiters)
        let queue = KafkaRuleEngineQueue(hub: link.hub, routing: QueueRouting(settings.queues))
        self.queue = queue
        let node = try KafkaNode(hub: link.hub, serviceID: settings.runtime.serviceID)
        self.node = node
        let javaScript = try await RemoteScripts.make(node, settings.scripts)
        let engine = RuleEnginePart(
            runtime: runtime, settings: settings.ruleEngine, database: database, writer: writer,
            outlets: RuleEngineOutlets(
                calls: calls, core: core, transports: peers.transports, nodes: peers.nodes, queue: queue,
                database: database),
            scripts: ScriptPart.make(runtime: runtime, settings: settings.scripts, remote: javaScript))
        self.engine = engine
        let service = engine.service
        let queueChanges = queueChanges
        let remote = RemoteWatches(
            serviceID: settings.runtime.serviceID, nodes: peers.nodes, source: database.committed)
        try await loop.run {
            // Outcomes of calls to devices come as they do to a core node.
            node.onCoreNotification(on: loop) { notification in
                if case .watchedEntities(let watched) = notification { return remote.receive(watched) }
                waiters.receive(notification)
            }
            node.onRuleEngineNotification(on: loop) { notification in
                service.receive(notification)
                if case .entityChanged(_, let entity, _) = notification, entity.type == .queue {
                    queueChanges.tell()
                }
            }
        }
        try await core.ensureTopics()
        try await node.start()
        return service
    }

    /// Consumes the queues that there are, from now on.
    private func consume(
        _ link: ClusterLink, _ service: RuleEngineService, database: Database, on rules: EventLoopGroup
    ) async throws {
        let repository = QueueRepository(database)
        let peers = ClusterPeers(link)
        let consumers = QueueConsumers(
            link: QueueConsumers.ClusterLinkParts(
                hub: link.hub, membership: link.membership, isOwner: link.isOwner),
            service: service, loops: rules.loops, deletionDelay: settings.queueDeletionDelay, logger: logger
        ) { record, deleteTopic in
            let (name, tenant) = (record.route.name, record.route.isolatedTenant ?? .system)
            try await database.inTransaction { transaction in
                let queues = QueueRepository(transaction)
                guard try await queues.lockDeleted(name: name, tenant: tenant) else { return }
                try await deleteTopic()
                try await queues.forgetDeleted(name: name, tenant: tenant)
            }
            peers.ruleEngines.broadcast(.entityChanged(tenant, EntityID(type: .queue, uuid: .zero), .deleted))
        }
        self.consumers = consumers
        let catalogue = QueueCatalogue(logger: logger) {
            try await repository.records()
        } apply: { [queue] records in
            try await queue?.setRoutes(records.filter { !$0.isDeleted }.map(\.route))
            try await consumers.apply(records)
        }
        self.catalogue = catalogue
        try await catalogue.start { $0 is KafkaTopicError }
        sweeper = Task.detached {
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(2))
                if Task.isCancelled { return }
                await consumers.sweep(now: WallClock.milliseconds())
            }
        }
    }

    /// In the order in which nothing is lost: what is owned is finished, stored and committed before its place is given up.
    func stop() async {
        runtime.beginStopping()
        await catalogue?.stop()
        sweeper?.cancel()
        await sweeper?.value
        await link?.leave()
        await consumers?.stopAll()
        for report in reports { report.cancel() }
        for report in reports { await report.value }
        writer?.stop()
        await link?.hub.close()
        await node?.stop()
        await engine?.events.close()
        database?.close()
        await runtime.stopHTTP()
        runtime.stopLoops()
        logger.info("stopped")
    }
}
