import Cluster
import CoreNode
import HTTPServer
import HTTPTransport
public import Logging
import Postgres
import Queue
import Reactor
import RuleEngine
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
    private var ruleEngine: RuleEnginePart?
    private var queue: InProcessRuleEngineQueue?
    private var core: CorePart?
    private var transports: TransportPart?

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
        let ruleEngine = RuleEnginePart(
            runtime: runtime, settings: settings.ruleEngine, database: database, access: configuration)
        self.ruleEngine = ruleEngine
        let queue = try await makeQueue(rules, ruleEngine.service)
        self.queue = queue
        let notifications = InProcessTransportNotifications()
        let core = try await CorePart(
            runtime: runtime, settings: settings.core, database: database, loop: io.loops[0],
            notifications: notifications)
        self.core = core
        let transports = TransportPart(
            runtime: runtime, settings: settings.transports,
            backEnd: TransportBackEnd(
                queue: queue, core: core.sessions, api: core.authenticator, notifications: notifications))
        self.transports = transports
        if settings.transports.isMQTTEnabled { try await transports.startMQTT(on: io) }
        let engine = ruleEngine.service
        let rest = try await core.makeREST(
            telemetry: ruleEngine.writer, queue: queue,
            ruleEngines: InProcessRuleEngineNotifications { engine.receive($0) })
        runtime.serve(try await responder(rest: rest, transports: transports, io: io))
        runtime.started(statisticsOn: io.loops[0])
    }

    private func prepareSchema(_ configuration: DatabaseConfiguration) throws {
        let connection = try configuration.connect()
        defer { connection.close() }
        try access.install(on: connection, demo: settings.isDemo)
    }

    private func makeQueue(
        _ rules: EventLoopGroup, _ service: RuleEngineService
    ) async throws -> InProcessRuleEngineQueue {
        let partitioner = Partitioner(count: settings.partitions)
        let queue = InProcessRuleEngineQueue(laneLoops: rules.loops) { partitioner.partition(of: $0) }
        for (lane, loop) in rules.loops.enumerated() {
            try await loop.run { queue.attach(service.makeConsumer(on: loop, lane: lane), lane: lane) }
        }
        return queue
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
        transports?.stopAccepting()
        await runtime.stopHTTP()
        transports?.closeConnections()
        await runtime.settle()
        ruleEngine?.writer.stop()
        database?.close()
        runtime.stopLoops()
        access.close()
        logger.info("stopped")
    }
}
