import Cluster
import KafkaQueue
import Logging
import Messages
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
    private var consumers: [KafkaRuleEngineConsumer] = []

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
        let writer = TelemetryPart.start(runtime: runtime, settings: settings.ruleEngine, access: configuration)
        self.writer = writer
        let link = try ClusterLink(runtime: runtime, settings: settings, roles: [.ruleEngine])
        self.link = link
        let service = try await makeService(link, database: database, writer: writer, on: io.loops[0])
        try await link.hub.ensureRuleEngineTopics(settings.queues)
        try await link.join()
        try await consume(link, service, on: rules)
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
        let engine = RuleEnginePart(
            runtime: runtime, settings: settings.ruleEngine, database: database, writer: writer,
            outlets: RuleEngineOutlets(calls: calls, core: core, transports: peers.transports, nodes: peers.nodes))
        self.engine = engine
        let service = engine.service
        let node = try KafkaNode(hub: link.hub, serviceID: settings.runtime.serviceID)
        self.node = node
        try await loop.run {
            // Outcomes of calls to devices come as they do to a core node.
            node.onCoreNotification(on: loop) { waiters.receive($0) }
            node.onRuleEngineNotification(on: loop) { service.receive($0) }
        }
        try await core.ensureTopics()
        try await node.start()
        return service
    }

    private func consume(
        _ link: ClusterLink, _ service: RuleEngineService, on rules: EventLoopGroup
    ) async throws {
        for route in settings.queues {
            let consumer = try KafkaRuleEngineConsumer(
                hub: link.hub, route: route, laneLoops: rules.loops, isOwner: link.isOwner)
            for (lane, loop) in rules.loops.enumerated() {
                try await loop.run { consumer.attach(service.makeConsumer(on: loop, lane: lane), lane: lane) }
            }
            consumer.start()
            consumers.append(consumer)
            await link.membership.assign(
                PartitionedQueue(
                    name: "rule_engine.\(route.name)", partitions: route.partitions, role: .ruleEngine),
                to: RuleEngineOwnership(consumer: consumer))
        }
    }

    /// In the order in which nothing is lost: what is owned is finished, stored and committed before its place is given up.
    func stop() async {
        runtime.beginStopping()
        await link?.leave()
        for consumer in consumers { await consumer.stop() }
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

/// Lets a consumer follow the partitions of its queue.
private final class RuleEngineOwnership: PartitionConsumer {
    private let consumer: KafkaRuleEngineConsumer

    init(consumer: KafkaRuleEngineConsumer) {
        self.consumer = consumer
    }

    func own(_ partitions: Set<Int>) async { await consumer.own(partitions) }
    func abandon(_ partitions: Set<Int>) { consumer.abandon(partitions) }
}
