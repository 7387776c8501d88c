public import Cache
public import CoreNode
public import HTTPServer
import HTTPTransport
import Logging
public import Messages
import Model
public import ProcessRuntime
public import Queue
public import Reactor
public import ScriptEngine
import ServiceHealth
public import Storage
import Telemetry

/// A core node: device sessions, the answers to transports, and the REST API.
public final class CorePart {
    public let devices: DeviceService
    public let authenticator: DeviceAuthenticator
    /// Those who wait for devices.
    public let waiters: DeviceCallWaiters
    private let runtime: ServiceRuntime
    private let settings: CoreSettings
    private let database: Database
    private let notifications: any TransportNotificationProducer
    private let nodes: any CoreNotificationProducer
    private let counts: (any SharedCounts)?
    private var rest: RESTService?

    /// How long a clean stop waits for what was begun: as much again may go into storing it.
    private static let patience: Duration = .seconds(2)

    /// - Parameters:
    ///   - loop: Consumes the core queue, and the notifications of this node.
    ///   - queue: Takes the messages of what happens to devices.
    ///   - nodes: The way to other core nodes.
    ///   - cache: Shared with other core nodes, where there are some.
    ///   - counts: The same, for what is limited.
    public init(
        runtime: ServiceRuntime, settings: CoreSettings, database: Database, writer: TelemetryWriter, loop: EventLoop,
        queue: any RuleEngineQueue, notifications: any TransportNotificationProducer,
        nodes: any CoreNotificationProducer, cache: (any CacheStore)? = nil, counts: (any SharedCounts)? = nil
    ) async throws {
        self.runtime = runtime
        self.settings = settings
        self.database = database
        self.notifications = notifications
        self.nodes = nodes
        self.counts = counts
        let (configuration, registry, logger) = (
            settings.devices, runtime.metrics, runtime.logger.labelled("devices")
        )
        devices = try await loop.run {
            DeviceService(
                loop: loop, settings: configuration, database: database, writer: writer, queue: queue,
                notifications: notifications, answers: nodes, sessionStore: cache, logger: logger, metrics: registry)
        }
        waiters = DeviceCallWaiters(loop: loop)
        let jobs = RetentionJobs(
            database: database, settings: settings.retention, logger: runtime.logger.labelled("retention"))
        try await loop.run { jobs.start(on: loop) }
        authenticator = DeviceAuthenticator(
            database: database, cacheCapacity: settings.credentialsCacheSize, shared: cache,
            logger: runtime.logger.labelled("transport-api"))
    }

    /// Takes a message of the core queue. On the loop.
    public func receive(_ message: CoreMessage) { devices.receive(message) }

    /// Takes a notification for this node. Safe from any thread.
    public func receive(_ notification: CoreNotification) {
        waiters.receive(notification)
        authenticator.receive(notification)
    }

    /// The answers to transports.
    ///
    /// - Parameters: As those of ``makeREST(telemetry:queue:core:ruleEngines:scripts:directory:queueTopics:)``.
    public func makeTransportAPI(
        telemetry: TelemetryWriter, queue: any RuleEngineQueue, core: any CoreQueueProducer,
        ruleEngines: any RuleEngineNotificationProducer
    ) -> TransportAPIService {
        TransportAPIService(
            database: database, authenticator: authenticator, queue: queue,
            events: events(telemetry: telemetry, core: core, ruleEngines: ruleEngines),
            persistsStateToTelemetry: settings.devices.persistsStateToTelemetry,
            logger: runtime.logger.labelled("transport-api"))
    }

    private func events(
        telemetry: TelemetryWriter, core: any CoreQueueProducer, ruleEngines: any RuleEngineNotificationProducer
    ) -> DeviceEventDispatcher {
        DeviceEventDispatcher(
            database: database, authenticator: authenticator, core: core, nodes: nodes, notifications: notifications,
            ruleEngines: ruleEngines, telemetry: WriterStore(writer: telemetry),
            logger: runtime.logger.labelled("ota"))
    }

    /// The REST API.
    ///
    /// - Parameters:
    ///   - queue: Takes the messages of its changes.
    ///   - core: The way to the owners of devices.
    ///   - ruleEngines: Told of changed rule chains.
    ///   - scripts: Runs scripts that are tested.
    ///   - directory: The processes of a cluster.
    ///   - queueTopics: Makes room for what changed queues are to take.
    public func makeREST(
        telemetry: TelemetryWriter, queue: any RuleEngineQueue, core: any CoreQueueProducer,
        ruleEngines: any RuleEngineNotificationProducer, scripts: ScriptEngine, directory: ServiceDirectory? = nil,
        queueTopics: any QueueTopics = InProcessQueueTopics()
    ) async throws -> RESTService {
        let logger = runtime.logger.labelled("rest")
        let rest = try await RESTService.make(
            configuration: settings.rest, database: database, telemetry: WriterStore(writer: telemetry),
            committed: database.committed,
            events: events(telemetry: telemetry, core: core, ruleEngines: ruleEngines),
            messages: QueuedRuleMessages(queue: queue, logger: logger), owners: core, queueTopics: queueTopics,
            rpc: RPCService(
                serviceID: settings.devices.serviceID, waiters: waiters, timeouts: settings.rpcTimeouts),
            scripts: scripts, health: runtime.health, directory: directory, counts: counts, logger: logger,
            metrics: runtime.metrics)
        self.rest = rest
        let webSockets = rest.webSockets
        runtime.serveUpgrades { webSockets.upgrade($0, $1) }
        return rest
    }

    /// Hands everything over that only this process knows: messages for the rule engine, states of devices, audit records.
    /// To be awaited when nothing comes any more, before the writers, the way to the rule engine and the database go.
    public func finish() async {
        await devices.flush()
        await rest?.finish(within: Self.patience)
        let left = await devices.finish(within: Self.patience)
        if left > 0 {
            runtime.logger.warning("events of devices were not processed in time", ["count": .integer(left)])
        }
    }

    /// The server of the REST API, and of the device API beside it.
    public static func server(_ runtime: RuntimeSettings) -> HTTPServerConfiguration {
        var server = runtime.httpServer
        server.bodyLimits = BodyLimits.devices.followed(by: .administration)
        server.errorRenderer = { status, message, request in
            let isDevice = request?.path.hasPrefix(HTTPTransport.prefix) ?? false
            return isDevice
                ? DeviceAPIErrors.renderer(status, message, request) : RequestRefusal.render(status, message, request)
        }
        return server
    }
}

/// Stores telemetry of the REST API through the writers of all telemetry.
private struct WriterStore: TelemetryStore {
    let writer: TelemetryWriter

    func save(
        entity: UUID128, _ records: [TelemetryRecord], of arena: PointArena, origin: SaveOrigin
    ) async throws {
        try await writer.save(
            entity: entity,
            records: records.map { TimeseriesRecord(timestamp: $0.timestamp, arena: arena, points: $0.points) },
            origin: origin)
    }
}
