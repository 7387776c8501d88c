import Cluster
import CoreNode
import HTTPServer
import HTTPTransport
import Logging
import MQTTTransport
import Metrics
import Model
import Postgres
import Queue
import Reactor
import RuleEngine
import Storage
import Synchronization
import Telemetry
import TransportCore

/// All services in one process: the same parts as in a cluster, on in-process queues and one static member.
///
/// Parts start from the bottom up and stop from the top down, so that what was taken from a device is stored before its
/// storage goes.
final class Standalone {
    private let settings: StandaloneSettings
    private let logger: Logger
    private let metrics = MetricsRegistry()
    private let access: DatabaseAccess
    private var io: EventLoopGroup?
    private var rules: EventLoopGroup?
    private var database: Database?
    private var writer: TelemetryWriter?
    private var ruleEngine: RuleEngineService?
    private var queue: InProcessRuleEngineQueue?
    private var sessions: DeviceSessionService?
    private var mqtt: MQTTTransport?
    private var http: HTTPServer?
    private let readiness = Readiness()

    init(settings: StandaloneSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
        access = DatabaseAccess(settings: settings, logger: logger)
    }

    // MARK: - Start

    func start() async throws {
        logger.info(
            "starting",
            [
                "version": .string(BuildInformation.version), "service.id": .string(settings.transport.serviceID),
                "descriptors": .integer(DescriptorLimit.raise()),
            ])
        ProcessMetrics.register(in: metrics)
        let conninfo = try access.open()
        try prepareSchema(conninfo)
        let (io, rules) = try startLoops()
        let database = makeDatabase(conninfo, loops: io.loops + rules.loops)
        let writer = startWriter(conninfo)
        let queue = try await startRuleEngine(rules, database: database, writer: writer)
        let notifications = InProcessTransportNotifications()
        let sessions = try await startSessions(io.loops[0], notifications: notifications)
        self.sessions = sessions
        let authenticator = DeviceAuthenticator(
            database: database, cacheCapacity: settings.credentialsCacheSize, logger: logger.labelled("transport-api"))
        if settings.isMQTTEnabled {
            try await startMQTT(
                io, queue: queue, core: sessions, api: authenticator, notifications: notifications)
        }
        let events = DeviceEventDispatcher(
            database: database, authenticator: authenticator, sessions: sessions, notifications: notifications)
        let responder = try await makeResponder(
            io, database: database, writer: writer, events: events, queue: queue, core: sessions, api: authenticator)
        try await startHTTP(io, responder: responder)
        startStatistics(io.loops[0])
        readiness.set(true)
        logger.info("started")
    }

    private func prepareSchema(_ conninfo: String) throws {
        let connection = try settings.database(conninfo).connect()
        defer { connection.close() }
        try access.install(on: connection, demo: settings.isDemo)
    }

    private func startLoops() throws -> (io: EventLoopGroup, rules: EventLoopGroup) {
        let io = try EventLoopGroup(count: settings.ioThreads, name: "io")
        let rules = try EventLoopGroup(count: settings.ruleEngineThreads, name: "rule")
        io.start()
        rules.start()
        self.io = io
        self.rules = rules
        return (io, rules)
    }

    private func makeDatabase(_ conninfo: String, loops: [EventLoop]) -> Database {
        let made = Database(
            configuration: settings.database(conninfo), loops: loops, logger: logger.labelled("database"),
            metrics: metrics)
        database = made
        return made
    }

    private func startWriter(_ conninfo: String) -> TelemetryWriter {
        let access = settings.database(conninfo)
        let made = TelemetryWriter(
            configuration: settings.writer, partitioning: PartitionManager(scheme: settings.partitionScheme),
            logger: logger.labelled("telemetry"), metrics: metrics
        ) { () throws(PostgresError) in try access.connect() }
        made.start()
        writer = made
        return made
    }

    private func startRuleEngine(
        _ rules: EventLoopGroup, database: Database, writer: TelemetryWriter
    ) async throws -> InProcessRuleEngineQueue {
        let service = RuleEngineService(
            chains: RuleChainRepository(database: database), writer: writer, logger: logger.labelled("rule-engine"),
            metrics: metrics)
        let partitioner = Partitioner(count: settings.partitions)
        let queue = InProcessRuleEngineQueue(laneLoops: rules.loops) { partitioner.partition(of: $0) }
        for (lane, loop) in rules.loops.enumerated() {
            try await loop.run { queue.attach(service.makeConsumer(on: loop, lane: lane), lane: lane) }
        }
        ruleEngine = service
        self.queue = queue
        return queue
    }

    private func startSessions(
        _ loop: EventLoop, notifications: InProcessTransportNotifications
    ) async throws -> DeviceSessionService {
        let maximum = settings.maximumSessionsPerDevice
        return try await loop.run {
            DeviceSessionService(loop: loop, maximumPerDevice: maximum, notifications: notifications)
        }
    }

    private func startMQTT(
        _ io: EventLoopGroup, queue: InProcessRuleEngineQueue, core: any CoreQueueProducer, api: DeviceAuthenticator,
        notifications: InProcessTransportNotifications
    ) async throws {
        let transport = MQTTTransport(
            configuration: settings.mqtt, logger: logger.labelled("mqtt"), metrics: metrics)
        mqtt = transport
        var port = settings.mqtt.port
        let (configuration, registry) = (settings.transport, metrics)
        for loop in io.loops {
            let wanted = port
            port = try await loop.run {
                let shared = TransportLoop(
                    loop: loop, configuration: configuration, queue: queue, core: core, api: api,
                    metrics: TransportMetrics(registry: registry, protocolName: "mqtt", loopIndex: loop.index))
                notifications.subscribe(on: loop, handler: transport.attach(shared))
                return try transport.listen(port: wanted)
            }
        }
        logger.info("listening", ["protocol": "mqtt", "address": .string("\(settings.mqtt.bindAddress):\(port)")])
    }

    /// Writes the statistics line now and then.
    private func startStatistics(_ loop: EventLoop) {
        let (metrics, logger, interval) = (metrics, logger, settings.statisticsInterval)
        loop.execute {
            let statistics = StatisticsLog(metrics: metrics, logger: logger)
            loop.schedule(after: interval, repeating: interval) { statistics.write() }
        }
    }

    // MARK: - HTTP

    /// The REST API, with the HTTP device API beside it unless that is switched off.
    private func makeResponder(
        _ io: EventLoopGroup, database: Database, writer: TelemetryWriter, events: DeviceEventDispatcher,
        queue: InProcessRuleEngineQueue, core: any CoreQueueProducer, api: DeviceAuthenticator
    ) async throws -> any HTTPResponder {
        let readiness = readiness
        let health = HealthChecks(
            checks: [
                HealthChecks.Check("services") { readiness.isReady },
                HealthChecks.Check("database") { (try? await database.query("SELECT 1")) != nil },
            ], version: BuildInformation.version)
        let rest = try await RESTService.make(
            configuration: settings.rest, database: database, telemetry: WriterStore(writer: writer), events: events,
            messages: QueuedRuleMessages(queue: queue, logger: logger.labelled("rest")), health: health,
            logger: logger.labelled("rest"), metrics: metrics)
        guard settings.isHTTPDeviceAPIEnabled else { return rest }
        let transport = HTTPTransport(logger: logger.labelled("http"), metrics: metrics)
        let (configuration, registry) = (settings.transport, metrics)
        for loop in io.loops {
            try await loop.run {
                transport.attach(
                    TransportLoop(
                        loop: loop, configuration: configuration, queue: queue, core: core, api: api,
                        metrics: TransportMetrics(registry: registry, protocolName: "http", loopIndex: loop.index)))
            }
        }
        return HTTPPrefixResponder([(HTTPTransport.prefix, transport)], otherwise: rest)
    }

    private func startHTTP(_ io: EventLoopGroup, responder: any HTTPResponder) async throws {
        let server = HTTPServer(
            configuration: settings.httpServer, responder: responder, logger: logger.labelled("http"), metrics: metrics)
        http = server
        try await server.open(onRunning: io.loops)
        logger.info(
            "listening", ["protocol": "http", "address": .string("\(settings.httpAddress):\(server.port)")])
    }

    // MARK: - Stop

    /// Stops what was started, whether `start` came to its end or not.
    func stop() async {
        logger.info("stopping")
        readiness.set(false)
        mqtt?.stopAccepting()
        await http?.stop(within: .seconds(3))
        mqtt?.closeConnections()
        if let io { await settle(io) }
        writer?.stop()
        database?.close()
        rules?.stop()
        io?.stop()
        rules?.join()
        io?.join()
        access.close()
        logger.info("stopped")
    }

    /// Gives the loops a moment to send what they have for the devices.
    private func settle(_ io: EventLoopGroup) async {
        for loop in io.loops { await loop.sleep(.milliseconds(50)) }
    }
}

/// Whether everything has started and nothing is stopping. Safe from any thread.
private final class Readiness: Sendable {
    private let value = Atomic<Bool>(false)

    var isReady: Bool { value.load(ordering: .relaxed) }

    func set(_ isReady: Bool) {
        value.store(isReady, ordering: .relaxed)
    }
}

/// Stores telemetry of the REST API through the writers of all telemetry.
private struct WriterStore: TelemetryStore {
    let writer: TelemetryWriter

    func save(entity: UUID128, _ records: [TelemetryRecord], of arena: PointArena) async throws {
        try await writer.save(
            entity: entity,
            records: records.map { TimeseriesRecord(timestamp: $0.timestamp, arena: arena, points: $0.points) })
    }
}
