import Logging
import MQTTProtocol
import Messages
import Metrics
import Model
import Queue
import Reactor
import Synchronization
import Telemetry
import TestSupport
import TransportCore

@testable import MQTTTransport

/// The transport of one loop on a free port, with a core, a queue and a service of credentials that tests look into.
final class Harness: Sendable {
    let core: RecordingCore
    let queue: RecordingQueue
    let api: ScriptedAPI
    let loop: EventLoop
    let port: Int
    /// 0 unless the configuration has a listener of WebSockets.
    let webSocketPort: Int
    private let notifications: InProcessTransportNotifications

    /// Runs `body` with a started transport.
    static func run(
        _ configure: (inout MQTTTransportConfiguration, inout TransportConfiguration) -> Void = { _, _ in },
        prepare: (RecordingCore, RecordingQueue, ScriptedAPI) -> Void = { _, _, _ in },
        _ body: (Harness) async throws -> Void
    ) async throws {
        var mqtt = MQTTTransportConfiguration()
        var shared = TransportConfiguration(serviceID: "test")
        mqtt.bindAddress = "127.0.0.1"
        configure(&mqtt, &shared)
        let (mqttConfiguration, sharedConfiguration) = (mqtt, shared)
        let registry = MetricsRegistry()
        let transport = MQTTTransport(configuration: mqttConfiguration, logger: .disabled, metrics: registry)
        // Its hooks run until the loop has ended.
        defer { withExtendedLifetime(transport) {} }
        try await withLoop { loop in
            let (core, queue, api) = (RecordingCore(), RecordingQueue(), ScriptedAPI())
            prepare(core, queue, api)
            let notifications = InProcessTransportNotifications()
            let ports = await loop.perform { () -> (Int, Int) in
                let member = TransportLoop(
                    loop: loop, configuration: sharedConfiguration, queue: queue, core: core, api: api,
                    metrics: TransportMetrics(registry: registry, protocolName: "mqtt", loopIndex: loop.index))
                notifications.subscribe(on: loop, handler: transport.attach(member))
                let port = (try? transport.listen(port: 0)) ?? 0
                guard mqttConfiguration.webSocket.plain != nil else { return (port, 0) }
                return (port, (try? transport.listenWebSocket(isSecure: false)) ?? 0)
            }
            try await body(
                Harness(
                    loop: loop, ports: ports, core: core, queue: queue, api: api, notifications: notifications))
        }
    }

    private init(
        loop: EventLoop, ports: (plain: Int, webSocket: Int), core: RecordingCore, queue: RecordingQueue,
        api: ScriptedAPI, notifications: InProcessTransportNotifications
    ) {
        self.loop = loop
        (port, webSocketPort) = ports
        self.notifications = notifications
        (self.core, self.queue, self.api) = (core, queue, api)
    }

    /// What the platform tells the transport.
    func notify(_ notification: TransportNotification) {
        notifications.broadcast(notification)
    }

    /// The session that was opened last.
    func lastSession() async throws -> SessionInfo {
        try await eventually("a session") {
            core.received.compactMap { if case .sessionOpened(let info) = $0 { info } else { nil } }.last
        }
    }

    /// A connection that was let in.
    func connected(_ version: MQTTVersion = .v3_1_1, token: String = "tok-1") throws -> TestClient {
        let client = try TestClient(port: port, version: version)
        try client.connect(userName: token)
        return client
    }
}

/// Keeps what sessions tell the core.
final class RecordingCore: CoreQueueProducer {
    private let state = Mutex<(messages: [CoreMessage], isFull: Bool)>(([], false))

    var received: [CoreMessage] { state.withLock { $0.messages } }

    var isFull: Bool {
        get { state.withLock { $0.isFull } }
        set { state.withLock { $0.isFull = newValue } }
    }

    func send(_ message: CoreMessage, device: DeviceID) -> Bool {
        state.withLock { state in
            guard !state.isFull else { return false }
            state.messages.append(message)
            return true
        }
    }

    /// The first message for which `pick` finds something, waiting for it.
    func next<Value: Sendable>(
        _ expectation: String, _ pick: (CoreMessage) -> Value?
    ) async throws -> Value {
        try await eventually(expectation) { received.lazy.compactMap(pick).first }
    }
}

/// Keeps uplinks and messages, and acknowledges them at once.
final class RecordingQueue: RuleEngineQueue {
    struct Entry: Sendable {
        var kind: UplinkMessage.Kind
        var device: String
        var points: [String: String]
        var values: [String: TelemetryValue]
        var timestamp: Int64
        var gateway: GatewaySession?
    }

    private let entries = Mutex<[Entry]>([])
    private let messages = Mutex<[RuleMessage]>([])
    private let loses = Mutex(false)

    /// Messages, but uplinks, are lost from now on.
    func loseMessages() { loses.withLock { $0 = true } }

    var received: [Entry] { entries.withLock { $0 } }
    var sent: [RuleMessage] { messages.withLock { $0 } }

    func makeUplinkProducer(on loop: EventLoop, outcomes: @escaping OutcomeHandler) -> any UplinkProducer {
        let mailbox = Mailbox(on: loop, outcomes)
        return Producer { [self] batch in
            for message in batch.messages {
                var points: [String: String] = [:]
                var values: [String: TelemetryValue] = [:]
                for (key, value) in batch.arena.entries(in: message.points) {
                    points[key] = value.text
                    values[key] = value
                }
                let entry = Entry(
                    kind: message.kind, device: message.session.device.name, points: points, values: values,
                    timestamp: message.timestamp,
                    gateway: message.session.gateway)
                entries.withLock { $0.append(entry) }
            }
            mailbox.post(contentsOf: batch.messages.map { TicketOutcome(ticket: $0.ticket, outcome: .acknowledged) })
        }
    }

    func send(_ message: RuleMessage) async throws(QueueError) -> DeliveryOutcome {
        if loses.withLock({ $0 }) { return .lost }
        messages.withLock { $0.append(message) }
        return .acknowledged
    }

    private final class Producer: UplinkProducer {
        private let take: (UplinkBatch) -> Void
        let laneCount = 1

        init(_ take: @escaping (UplinkBatch) -> Void) { self.take = take }
        func lane(for originator: UUID128) -> Int { 0 }
        func submit(_ batch: UplinkBatch, lane: Int) { take(batch) }
    }
}

/// Lets in whose user name begins with `tok-`, and answers the other questions as it was told.
final class ScriptedAPI: TransportAPI {
    struct Script: Sendable {
        var profile = DeviceProfileInfo(id: DeviceProfileID(.random()), transportType: .default)
        var isGateway = false
        var overwritesActivityTime = false
        var limits: TransportLimits?
        var provision: @Sendable (ProvisionRequest) -> ProvisionResponse = { _ in .notFound }
        var ota: OTAPackageResponse = .notFound
        var data: [UInt8] = []
        /// Names of devices that a gateway cannot have.
        var refused: [String: GatewayDeviceResponse] = [:]
        /// Certificate chains that are known, by a part of their text.
        var certificateIsKnown = false
    }

    private let script = Mutex(Script())
    private let asked = Mutex<[String]>([])
    let tenant = TenantID(.random())

    func configure(_ body: (inout Script) -> Void) { script.withLock { body(&$0) } }

    /// Names that gateways asked for.
    var gatewayQuestions: [String] { asked.withLock { $0 } }

    private func device(_ name: String, _ script: Script, isGateway: Bool) -> DeviceInfo {
        DeviceInfo(
            tenantID: tenant, deviceID: DeviceID(.random()), name: name, type: "default",
            profileID: script.profile.id, customerID: .null, isGateway: isGateway,
            overwritesActivityTime: script.overwritesActivityTime)
    }

    func validate(_ request: DeviceCredentialsRequest) async -> DeviceCredentialsResponse {
        guard case .mqttBasic(_, let name?, _) = request, name.hasPrefix("tok-") else { return .refused }
        let script = script.withLock { $0 }
        return .accepted(device(name, script, isGateway: script.isGateway), script.profile)
    }

    func validateOrCreate(certificateChain: String) async -> DeviceCredentialsResponse {
        let script = script.withLock { $0 }
        guard script.certificateIsKnown else { return .refused }
        return .accepted(device("by certificate", script, isGateway: false), script.profile)
    }

    func getOrCreateDevice(gateway: DeviceID, name: String, type: String) async -> GatewayDeviceResponse {
        asked.withLock { $0.append(name) }
        await Task.yield()
        let script = script.withLock { $0 }
        if let refusal = script.refused[name] { return refusal }
        return .found(device(name, script, isGateway: false), script.profile)
    }

    func provision(_ request: ProvisionRequest) async -> ProvisionResponse { script.withLock { $0.provision }(request) }

    func otaPackage(device: DeviceID, tenant: TenantID, kind: OTAPackageKind) async -> OTAPackageResponse {
        script.withLock { $0.ota }
    }

    func otaPackageData(_ id: OTAPackageID, offset: Int64, length: Int) async -> [UInt8]? {
        let data = script.withLock { $0.data }
        guard offset < data.count else { return [] }
        return Array(data[Int(offset)..<min(data.count, Int(offset) + length)])
    }

    func transportLimits(_ tenant: TenantID) async -> TransportLimits? { script.withLock { $0.limits } }
}
