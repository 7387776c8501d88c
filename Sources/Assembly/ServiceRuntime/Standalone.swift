import Cluster
import CoreNode
import HTTPServer
import HTTPTransport
public import Logging
import Messages
import Model
import Postgres
public import ProcessRuntime
import Queue
import Reactor
import RuleEngine
import ScriptEngine
import ServiceHealth
import Storage

/// All services in one process: the same parts as in a cluster, on in-process queues and one static member.
///
/// Parts start from the bottom up and stop from the top down, so that what was taken from a device is stored before its
/// storage goes.
public final class Standalone: RunnableService {
    private let settings: StandaloneSettings
    private let logger: Logger
    private let runtime: ServiceRuntime
    private let access: DatabaseAccess
    private var database: Database?
    private var writer: TelemetryWriter?
    private var ruleEngine: RuleEnginePart?
    private var queue: InProcessRuleEngineQueue?
    private var core: CorePart?
    private var transports: TransportPart?
    private var catalogue: QueueCatalogue?
    private var reports: [Task<Void, Never>] = []

    public init(settings: StandaloneSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
        runtime = ServiceRuntime(settings: settings.runtime, logger: logger)
        access = DatabaseAccess(settings: settings.database, dataDirectory: settings.dataDirectory, logger: logger)
    }

    // MARK: - Start

    public func start() async throws {
        runtime.begin()
        let configuration = settings.database.configuration(try access.open())
        try prepareSchema(configuration)
        let io = try runtime.startLoops(count: settings.runtime.ioThreads, name: "io")
        let rules = try runtime.startLoops(count: settings.ruleEngine.threads, name: "rule")
        try await runtime.openHTTP(CorePart.server(settings.runtime), on: io.loops)
        let database = Database(
            configuration: configuration, loops: io.loops + rules.loops, logger: logger.labelled("database"),
            metrics: runtime.metrics)
        self.database = database
        runtime.health.add(HealthCheck("database") { (try? await database.query("SELECT 1")) != nil })
        let writer = TelemetryPart.start(
            runtime: runtime, settings: settings.ruleEngine, access: configuration,
            committed: database.committed)
        self.writer = writer
        let partitioner = Partitioner(count: settings.partitions)
        let queue = InProcessRuleEngineQueue(laneLoops: rules.loops) { partitioner.partition(of: $0) }
        self.queue = queue
        let notifications = InProcessTransportNotifications()
        let nodes = InProcessCoreNotifications()
        let control = io.loops[0]
        let core = try await CorePart(
            runtime: runtime, settings: settings.core, database: database, writer: writer, loop: control, queue: queue,
            notifications: notifications, nodes: nodes)
        self.core = core
        let owners = try await startOwner(core, nodes: nodes, on: control)
        let scripts = ScriptPart.make(runtime: runtime, settings: settings.scripts)
        let engine = try await startRuleEngine(
            rules, queue: queue, database: database, writer: writer, scripts: scripts,
            outlets: RuleEngineOutlets(
                calls: DeviceCaller(
                    serviceID: settings.runtime.serviceID, core: owners, answers: nodes, waiters: core.waiters),
                core: owners, transports: notifications, nodes: nodes, queue: queue, database: database))
        let catalogue = queueCatalogue(database, engine)
        self.catalogue = catalogue
        try await catalogue.start()
        let engines = InProcessRuleEngineNotifications { notification in
            engine.receive(notification)
            if case .entityChanged(_, let entity, _) = notification, entity.type == .queue { catalogue.changed() }
        }
        let reporter = UsageReporter(
            settings: settings.ruleEngine.usage, database: database, writer: writer, transports: notifications,
            ruleEngines: engines, logger: logger
        ) { await engine.takeUsage() }
        let statistics = QueueStatisticsReporter(
            settings: settings.ruleEngine.queueStatistics, serviceID: settings.runtime.serviceID, database: database,
            writer: writer, logger: logger
        ) { await engine.takeQueueReports() }
        reports = [Task.detached { await reporter.run() }, Task.detached { await statistics.run() }]
        let transports = TransportPart(
            runtime: runtime, settings: settings.transports,
            backEnd: TransportBackEnd(
                queue: queue, core: owners,
                api: core.makeTransportAPI(telemetry: writer, queue: queue, core: owners, ruleEngines: engines),
                notifications: notifications))
        self.transports = transports
        if settings.transports.isMQTTEnabled { try await transports.startMQTT(on: io) }
        let rest = try await core.makeREST(
            telemetry: writer, queue: queue, core: owners, ruleEngines: engines, scripts: scripts)
        runtime.serve(try await responder(rest: rest, transports: transports, io: io))
        runtime.started(statisticsOn: io.loops[0])
    }

    private func prepareSchema(_ configuration: DatabaseConfiguration) throws {
        let connection = try configuration.connect()
        defer { connection.close() }
        try access.install(on: connection, demo: settings.isDemo)
    }

    /// Lets the core part own every device, and returns the queue to it.
    private func startOwner(
        _ core: CorePart, nodes: InProcessCoreNotifications, on loop: EventLoop
    ) async throws -> InProcessCoreQueue {
        let (devices, waiters, authenticator) = (core.devices, core.waiters, core.authenticator)
        let queue = try await loop.run {
            nodes.subscribe(on: loop) { notification in
                waiters.receive(notification)
                authenticator.receive(notification)
            }
            return InProcessCoreQueue(loop: loop) { devices.receive($0) }
        }
        devices.restore { _ in true }
        return queue
    }

    private func startRuleEngine(
        _ rules: EventLoopGroup, queue: InProcessRuleEngineQueue, database: Database, writer: TelemetryWriter,
        scripts: ScriptEngine, outlets: RuleEngineOutlets
    ) async throws -> RuleEngineService {
        let part = RuleEnginePart(
            runtime: runtime, settings: settings.ruleEngine, database: database, writer: writer, outlets: outlets,
            scripts: scripts)
        ruleEngine = part
        let service = part.service
        for (lane, loop) in rules.loops.enumerated() {
            try await loop.run { queue.attach(service.makeConsumer(on: loop, lane: lane), lane: lane) }
        }
        return service
    }

    /// Lets the rule engine follow how queues are to be processed. A queue inside the process holds nothing when it is deleted.
    private func queueCatalogue(_ database: Database, _ engine: RuleEngineService) -> QueueCatalogue {
        let repository = QueueRepository(database)
        return QueueCatalogue(logger: logger) {
            try await repository.records()
        } apply: { records in
            engine.setQueues(records.filter { !$0.isDeleted })
            for record in records where record.isDeleted {
                try await repository.forgetDeleted(
                    name: record.route.name, tenant: record.route.isolatedTenant ?? .system)
            }
        }
    }

    /// The REST API, with the HTTP device API beside it unless that is switched off.
    private func responder(
        rest: RESTService, transports: TransportPart, io: EventLoopGroup
    ) async throws -> any HTTPResponder {
        guard settings.transports.isHTTPEnabled else { return rest }
        return HTTPPrefixResponder([(HTTPTransport.prefix, try await transports.makeHTTP(on: io))], otherwise: rest)
    }

    // MARK: - Stop

    public func stop() async {
        runtime.beginStopping()
        await catalogue?.stop()
        await transports?.stopAccepting()
        await runtime.stopHTTP()
        transports?.closeConnections()
        await runtime.settle()
        for report in reports { report.cancel() }
        for report in reports { await report.value }
        await core?.finish()
        writer?.stop()
        await ruleEngine?.events.close()
        database?.close()
        runtime.stopLoops()
        access.close()
        logger.info("stopped")
    }
}
