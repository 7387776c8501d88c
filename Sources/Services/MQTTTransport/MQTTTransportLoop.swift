import Bytes
import Crypto
import Logging
import MQTTProtocol
import Messages
import Metrics
import Model
import Queue
import Reactor
import TransportCore

/// The MQTT transport on one event loop: its listener, connections and timers. Owned by the loop.
final class MQTTTransportLoop {
    let loop: EventLoop
    let transport: TransportLoop
    let configuration: MQTTTransportConfiguration
    let logger: Logger
    let metrics: MQTTMetrics
    /// Told about uplinks that nobody waits for.
    let unacknowledgedTarget: any UplinkTarget = UnacknowledgedTarget()
    let gatewayReader = GatewayRequestReader()
    let gatewayProtobufReader: GatewayProtobufReader
    /// `nil` when addresses are not blocked.
    let blocker: AddressBlocker?
    private var listeners: [Listener] = []
    private var connectDeadlines: DeadlineWheel<MQTTConnection>!
    private var sessionChecks: DeadlineWheel<MQTTConnection>!
    private var connectionCount = 0
    /// See ``applyChangesSoon()``.
    var changes = Changes()
    var changesTimer: LoopTimer?
    var nextWalk = MonotonicTime(nanoseconds: 0)
    /// Memory for the payload of one read of a WebSocket.
    var scratch = ByteBuffer()

    private final class UnacknowledgedTarget: UplinkTarget {
        func uplinkFinished(tag: UInt32) {}
        func uplinkLost(tag: UInt32) {}
    }

    /// Called on `loop`.
    init(
        transport: TransportLoop, configuration: MQTTTransportConfiguration, logger: Logger, metrics: MQTTMetrics,
        blocker: AddressBlocker?
    ) {
        loop = transport.loop
        self.transport = transport
        self.configuration = configuration
        self.logger = logger
        self.metrics = metrics
        self.blocker = blocker
        gatewayProtobufReader = GatewayProtobufReader(options: transport.configuration.decoding)
        reportsActivityAtOnce = transport.configuration.activityReporting.reportsAtOnce
        let connectTimeout = configuration.connectTimeout
        connectDeadlines = DeadlineWheel(
            now: loop.now, seconds: 64,
            deadline: { connection in
                guard case .awaitingConnect = connection.state else { return nil }
                return connection.accepted + connectTimeout
            },
            expired: { $0.connectTimedOut() })
        sessionChecks = DeadlineWheel(
            now: loop.now, seconds: 512,
            deadline: { connection in
                guard case .open = connection.state else { return nil }
                return connection.nextCheck
            },
            expired: { [unowned self] in check($0) })
        _ = loop.schedule(after: .seconds(1), repeating: .seconds(1)) { [unowned self] in
            connectDeadlines.advance(to: loop.now)
            sessionChecks.advance(to: loop.now)
        }
        loop.addTickHook { [unowned self] in self.metrics.publish() }
    }

    // MARK: - Connections

    /// Opens a listener; returns the port.
    func listen(port: Int, tls certificates: MQTTCertificates?) throws(ReactorError) -> Int {
        let address = certificates == nil ? configuration.bindAddress : configuration.tls?.bindAddress
        let listener = try Listener.open(
            .tcp(host: address ?? configuration.bindAddress, port: port), on: loop, options: listenerOptions,
            tls: certificates?.context
        ) { [unowned self] connection in accept(connection) }
        listeners.append(listener)
        certificates?.watch(on: loop)
        return listener.localPort
    }

    private var listenerOptions: ListenerOptions {
        var options = ListenerOptions()
        options.limits.outputLimit = configuration.maximumOutput
        options.expectsProxyHeader = configuration.expectsProxyHeader
        return options
    }

    private func accept(_ connection: Connection) -> (any ConnectionHandler)? {
        admits(connection) ? handler(of: connection, webSocket: nil) : nil
    }

    /// Whether a connection that was accepted may stay.
    func admits(_ connection: Connection) -> Bool {
        guard connectionCount < configuration.maximumConnectionsPerLoop else {
            metrics.noteClose(.limit)
            return false
        }
        if let blocker, let address = AddressBlocker.Address(connection.peerAddressBytes),
            blocker.isBlocked(address, now: loop.now)
        {
            metrics.noteClose(.blocked)
            return false
        }
        return true
    }

    /// A new connection, which has to send CONNECT soon.
    func handler(of connection: Connection, webSocket: MQTTWebSocket?) -> MQTTConnection {
        connectionCount += 1
        metrics.connections.add(1)
        let handler = MQTTConnection(connection, transport: self, webSocket: webSocket)
        connectDeadlines.insert(handler, due: loop.now + configuration.connectTimeout)
        return handler
    }

    func connectionEnded() {
        connectionCount -= 1
        metrics.connections.add(-1)
    }

    // MARK: - Sessions

    func makeSession(device: DeviceInfo, profile: DeviceProfileInfo, connection: ConnectionID) -> SessionInfo {
        let address = SessionAddress(loopIndex: loop.index, connection: connection)
        return SessionInfo(
            nodeID: transport.configuration.serviceID, sessionID: address.makeSessionID(), device: device,
            profile: profile)
    }

    /// Has the credentials of a CONNECT checked; the connection is told on the loop.
    func authenticate(_ connect: MQTTConnect, for connection: MQTTConnection) {
        let request = DeviceCredentialsRequest.mqttBasic(
            clientID: connect.clientIdentifier, userName: connect.userName.flatMap { $0.isEmpty ? nil : $0 },
            password: connect.password.map { String(decoding: $0, as: UTF8.self) })
        let limits = transport.limits
        ask({ api in
            let response = await api.validate(request)
            if case .accepted(let device, _) = response { await limits.load(device.tenantID, from: api) }
            return response
        }) { connection.authenticated($0) }
    }

    /// Has the certificates that a client presented checked (`device-api.md` 2.2, 8.4): the device of its own
    /// certificate, or one by the chain.
    func authenticate(_ chain: [Certificate], for connection: MQTTConnection) {
        let limits = transport.limits
        ask({ api in
            var response = await api.validate(.x509(hash: chain[0].hash))
            if case .refused = response {
                response = await api.validateOrCreate(certificateChain: chain.map(\.pem).joined())
            }
            if case .accepted(let device, _) = response { await limits.load(device.tenantID, from: api) }
            return response
        }) { connection.authenticated($0) }
    }

    /// Asks a core node something, for at most the time that a device waits; `nil` stands for no answer in time.
    func ask<Response: Sendable>(
        _ question: @escaping @Sendable (any TransportAPI) async -> Response,
        answered: @escaping (Response?) -> Void
    ) {
        let api = transport.api
        var isAnswered = false
        let timer = loop.schedule(after: transport.configuration.credentialsTimeout) {
            guard !isAnswered else { return }
            isAnswered = true
            answered(nil)
        }
        let answer = AnswerOnce<Response> { response in
            guard !isAnswered else { return }
            isAnswered = true
            timer.cancel()
            answered(response)
        }
        Task(executorPreference: loop) {
            answer.body(await question(api))
        }
    }

    /// Carries a closure over loop-bound state into a task on the same loop.
    private struct AnswerOnce<Response>: @unchecked Sendable {
        // @unchecked: called by a task whose executor is the loop that owns what the closure touches.
        let body: (Response) -> Void
    }

    // MARK: - Activity (`device-api.md` 6.1)

    /// Whether activities may have to be reported when they happen.
    let reportsActivityAtOnce: Bool

    /// Watches a new session: its activity and its silence.
    func watch(_ connection: MQTTConnection) {
        connection.nextCheck = loop.now + firstCheck
        sessionChecks.insert(connection, due: connection.nextCheck)
    }

    private var firstCheck: Duration {
        min(transport.configuration.sessionReportPeriod, transport.configuration.sessionInactivityTimeout)
    }

    private func check(_ connection: MQTTConnection) {
        let end = connection.lastActivity + transport.configuration.sessionInactivityTimeout
        guard end > loop.now else { return connection.inactive() }
        if transport.configuration.activityReporting.reportsAtEnd { report(connection) }
        if let gateway = connection.gatewayIfAny, let info = connection.session?.info {
            gateway.check(
                gatewayActivity: connection.lastActivity, overwrites: info.device.overwritesActivityTime)
        }
        connection.nextCheck = min(loop.now + transport.configuration.sessionReportPeriod, end)
        sessionChecks.insert(connection, due: connection.nextCheck)
    }

    /// Reports the first activity of a period, or all, as it happens.
    func reportFirstActivity(of connection: MQTTConnection) {
        let isDue = connection.reportedActivity + transport.configuration.sessionReportPeriod <= loop.now
        if isDue || transport.configuration.activityReporting == .all { report(connection) }
    }

    private func report(_ connection: MQTTConnection) {
        guard let session = connection.session, connection.lastActivity > connection.reportedActivity else { return }
        connection.reportedActivity = connection.lastActivity
        let subscriptions = connection.downlinksIfAny?.subscriptions
        _ = transport.send(
            .activity(
                session.info, lastActivityTime: wallClock(of: connection.lastActivity),
                attributeSubscription: subscriptions?.wantsAttributes ?? false,
                rpcSubscription: subscriptions?.wantsRPC ?? false), of: session.info)
    }

    /// A time of the loop as milliseconds since 1970.
    func wallClock(of time: MonotonicTime) -> Int64 {
        loop.wallClockMilliseconds - Int64((loop.now.nanoseconds - time.nanoseconds) / 1_000_000)
    }

    // MARK: - Stop

    func stopAccepting() {
        for listener in listeners { listener.close() }
        listeners = []
    }

    func closeConnections() {
        loop.forEachConnection { connection in
            (connection.handler as? MQTTConnection)?.shutDown()
        }
    }
}
