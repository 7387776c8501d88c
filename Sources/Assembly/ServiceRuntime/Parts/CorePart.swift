public import CoreNode
public import HTTPServer
import HTTPTransport
import Logging
import Model
public import Queue
public import Reactor
import ServiceHealth
public import Storage
import Telemetry

/// A core node: device sessions, the answers to transports, and the REST API.
public final class CorePart {
    public let sessions: DeviceSessionService
    public let authenticator: DeviceAuthenticator
    private let runtime: ServiceRuntime
    private let settings: CoreSettings
    private let database: Database
    private let notifications: any TransportNotificationProducer

    /// - Parameter loop: Consumes the core queue.
    public init(
        runtime: ServiceRuntime, settings: CoreSettings, database: Database, loop: EventLoop,
        notifications: any TransportNotificationProducer
    ) async throws {
        self.runtime = runtime
        self.settings = settings
        self.database = database
        self.notifications = notifications
        let maximum = settings.maximumSessionsPerDevice
        sessions = try await loop.run {
            DeviceSessionService(loop: loop, maximumPerDevice: maximum, notifications: notifications)
        }
        authenticator = DeviceAuthenticator(
            database: database, cacheCapacity: settings.credentialsCacheSize,
            logger: runtime.logger.labelled("transport-api"))
    }

    /// The REST API.
    ///
    /// - Parameters:
    ///   - queue: Takes the messages of its changes.
    ///   - ruleEngines: Told of changed rule chains.
    public func makeREST(
        telemetry: TelemetryWriter, queue: any RuleEngineQueue, ruleEngines: any RuleEngineNotificationProducer
    ) async throws -> RESTService {
        let logger = runtime.logger.labelled("rest")
        return try await RESTService.make(
            configuration: settings.rest, database: database, telemetry: WriterStore(writer: telemetry),
            events: DeviceEventDispatcher(
                database: database, authenticator: authenticator, sessions: sessions, notifications: notifications,
                ruleEngines: ruleEngines),
            messages: QueuedRuleMessages(queue: queue, logger: logger), health: runtime.health, logger: logger,
            metrics: runtime.metrics)
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

    func save(entity: UUID128, _ records: [TelemetryRecord], of arena: PointArena) async throws {
        try await writer.save(
            entity: entity,
            records: records.map { TimeseriesRecord(timestamp: $0.timestamp, arena: arena, points: $0.points) })
    }
}
