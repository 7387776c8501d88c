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
    private var listener: Listener?
    private var connectDeadlines: DeadlineWheel<MQTTConnection>!
    private var inactivityDeadlines: DeadlineWheel<MQTTConnection>!
    private var connectionCount = 0

    private final class UnacknowledgedTarget: UplinkTarget {
        func uplinkFinished(tag: UInt32) {}
    }

    /// Called on `loop`.
    init(
        transport: TransportLoop, configuration: MQTTTransportConfiguration, logger: Logger, metrics: MQTTMetrics
    ) {
        loop = transport.loop
        self.transport = transport
        self.configuration = configuration
        self.logger = logger
        self.metrics = metrics
        let connectTimeout = configuration.connectTimeout
        connectDeadlines = DeadlineWheel(
            now: loop.now, seconds: 64,
            deadline: { connection in
                guard case .awaitingConnect = connection.state else { return nil }
                return connection.accepted + connectTimeout
            },
            expired: { $0.connectTimedOut() })
        let inactivityTimeout = transport.configuration.sessionInactivityTimeout
        inactivityDeadlines = DeadlineWheel(
            now: loop.now, seconds: 512,
            deadline: { connection in
                guard case .open = connection.state else { return nil }
                return connection.lastActivity + inactivityTimeout
            },
            expired: { $0.inactive() })
        _ = loop.schedule(after: .seconds(1), repeating: .seconds(1)) { [unowned self] in
            connectDeadlines.advance(to: loop.now)
            inactivityDeadlines.advance(to: loop.now)
        }
        loop.addTickHook { [unowned self] in self.metrics.publish() }
    }

    /// Opens the listener; returns the port.
    func listen(port: Int) throws(ReactorError) -> Int {
        let listener = try Listener.open(
            .tcp(host: configuration.bindAddress, port: port), on: loop, options: ListenerOptions(), tls: nil
        ) { [unowned self] connection in accept(connection) }
        self.listener = listener
        return listener.localPort
    }

    private func accept(_ connection: Connection) -> (any ConnectionHandler)? {
        guard connectionCount < configuration.maximumConnectionsPerLoop else {
            metrics.noteClose(.limit)
            return nil
        }
        connectionCount += 1
        metrics.connections.add(1)
        let handler = MQTTConnection(connection, transport: self)
        connectDeadlines.insert(handler, due: loop.now + configuration.connectTimeout)
        return handler
    }

    func connectionEnded() {
        connectionCount -= 1
        metrics.connections.add(-1)
    }

    func watchInactivity(of connection: MQTTConnection) {
        inactivityDeadlines.insert(connection, due: loop.now + transport.configuration.sessionInactivityTimeout)
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
        let api = transport.api
        let reference = ConnectionReference(connection: connection)
        var isAnswered = false
        let timer = loop.schedule(after: transport.configuration.credentialsTimeout) {
            guard !isAnswered else { return }
            isAnswered = true
            connection.authenticated(nil)
        }
        let answer = AnswerOnce { response in
            guard !isAnswered else { return }
            isAnswered = true
            timer.cancel()
            reference.connection.authenticated(response)
        }
        Task(executorPreference: loop) {
            answer.body(await api.validate(request))
        }
    }

    /// Carries a closure over loop-bound state into a task on the same loop.
    private struct AnswerOnce: @unchecked Sendable {
        // @unchecked: called by a task whose executor is the loop that owns what the closure touches.
        let body: (DeviceCredentialsResponse) -> Void
    }

    private struct ConnectionReference: @unchecked Sendable {
        // @unchecked: dereferenced on the connection's loop only.
        let connection: MQTTConnection
    }

    func receive(_ notification: TransportNotification) {
        switch notification {
        case .closeSession(let id, let reason):
            let address = SessionAddress(sessionID: id)
            guard address.loopIndex == loop.index, let connection = loop.connection(for: address.connection),
                let handler = connection.handler as? MQTTConnection, case .open(let session) = handler.state,
                session.info.sessionID == id
            else { return }
            handler.closeSession(reason)
        case .deviceUpdated(let device):
            forEachSession { info in
                guard info.device.deviceID == device.deviceID, info.device != device else { return nil }
                return SessionInfo(
                    nodeID: info.nodeID, sessionID: info.sessionID, device: device, profile: info.profile)
            }
        case .deviceProfileUpdated(let profile):
            forEachSession { info in
                guard info.profile.id == profile.id, info.profile != profile else { return nil }
                return SessionInfo(
                    nodeID: info.nodeID, sessionID: info.sessionID, device: info.device, profile: profile)
            }
        case .rpcRequest, .rpcResponse, .attributesResponse, .attributesUpdate, .deviceDeleted, .deviceProfileDeleted,
            .tenantProfileUpdated, .tenantUpdated, .tenantDeleted:
            break
        }
    }

    private func forEachSession(_ change: (SessionInfo) -> SessionInfo?) {
        loop.forEachConnection { connection in
            (connection.handler as? MQTTConnection)?.update(change)
        }
    }

    // MARK: - Stop

    func stopAccepting() {
        listener?.close()
        listener = nil
    }

    func closeConnections() {
        loop.forEachConnection { connection in
            (connection.handler as? MQTTConnection)?.shutDown()
        }
    }
}
