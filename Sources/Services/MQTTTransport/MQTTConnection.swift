import Bytes
import Logging
import MQTTProtocol
import Messages
import Metrics
import Model
import Reactor
import Telemetry
import TransportCore
import WebSocket

/// One MQTT connection of a device: packets in, packets out. Owned by its loop.
///
/// States: awaiting CONNECT -> authenticating -> open or provisioning -> closed; from every state it may become closed.
/// While the credentials are checked the socket is not read, so what a client sends ahead waits in the kernel.
final class MQTTConnection: ConnectionHandler, UplinkTarget {
    enum State {
        case awaitingConnect
        case authenticating(MQTTConnect)
        case open(OpenSession)
        /// Let in without credentials, to be registered (`device-api.md` 8.1).
        case provisioning
        case closed
    }

    /// The device session of an accepted connection. A class, so that a packet costs one reference and no copy.
    final class OpenSession {
        let info: SessionInfo
        let lane: Int
        let classifier: UplinkTopicClassifier
        let limiter: SessionLimiter
        /// Whether the device was a gateway when it connected.
        let isGateway: Bool

        init(info: SessionInfo, lane: Int, limiter: SessionLimiter, isGateway: Bool) {
            self.info = info
            self.limiter = limiter
            self.lane = lane
            self.isGateway = isGateway
            classifier = UplinkTopicClassifier(info.profile)
        }
    }

    /// Lives as long as the loop, and the loop longer than its connections.
    unowned(unsafe) let transport: MQTTTransportLoop
    private(set) var connection: Connection?
    var state: State = .awaitingConnect
    private var decoder: MQTTFrameDecoder
    var pending = PendingAcknowledgements()
    /// Made when the first packet needs it: most devices only send.
    private(set) var downlinksIfAny: Downlinks?
    /// Made when the first message on a topic of the gateway API comes.
    private(set) var gatewayIfAny: GatewayLink?
    private var downloadsIfAny: OTADownloads?
    /// What the CONNECT said that downlinks have to heed.
    private var clientLimits = ClientLimits()
    private var isPaused = false
    /// Paused because the loop is saturated; the loop resumes it, and nobody else does.
    private var isWaitingForRoom = false
    /// Paused because too much waits for devices behind the gateway.
    private var isWaitingForGateway = false
    private(set) var lastActivity: MonotonicTime
    /// Packets that are no activity: invalid payloads, and acknowledgements of anything but calls (`device-api.md` 6.1).
    var idlePackets: UInt32 = 0
    /// The activity that the core was told of last.
    var reportedActivity = MonotonicTime(nanoseconds: 0)
    /// When activity and silence are looked at next.
    var nextCheck = MonotonicTime(nanoseconds: 0)
    /// The client presented a certificate.
    var hasCertificate = false
    /// Requests of a provisioning connection that were refused.
    var provisionRefusals: UInt8 = 0
    /// A provisioning connection has its answer and will be closed.
    var isEnding = false
    /// When TCP accepted the connection.
    let accepted: MonotonicTime
    /// `nil` where packets lie in the stream as they are.
    let webSocket: MQTTWebSocket?

    init(_ connection: Connection, transport: MQTTTransportLoop, webSocket: MQTTWebSocket? = nil) {
        self.connection = connection
        self.webSocket = webSocket
        self.transport = transport
        decoder = MQTTFrameDecoder(maximumRemainingLength: transport.configuration.maximumRemainingLength)
        accepted = transport.loop.now
        lastActivity = accepted
    }

    var version: MQTTVersion { decoder.version }

    var session: OpenSession? {
        if case .open(let session) = state { session } else { nil }
    }

    /// What the connection needs to send messages of its own accord.
    var downlinks: Downlinks {
        if let downlinksIfAny { return downlinksIfAny }
        let made = Downlinks(clientLimits)
        downlinksIfAny = made
        return made
    }

    /// The devices behind this connection.
    var gateway: GatewayLink {
        if let gatewayIfAny { return gatewayIfAny }
        let made = GatewayLink(self)
        gatewayIfAny = made
        return made
    }

    var downloads: OTADownloads {
        get { downloadsIfAny ?? OTADownloads() }
        set { downloadsIfAny = newValue }
    }

    // MARK: - Input

    func connection(_ connection: Connection, received bytes: Span<UInt8>) -> Int {
        if let webSocket { return receive(bytes, by: webSocket) }
        return receivePackets(in: bytes)
    }

    /// Takes whole packets; returns how many bytes they were, all if the connection has ended.
    @inline(__always)
    func receivePackets(in bytes: Span<UInt8>) -> Int {
        var offset = 0
        var taken: UInt32 = 0
        let before = (lastActivity, idlePackets)
        lastActivity = transport.loop.now
        do throws(MQTTError) {
            while !isPaused, let frame = try decoder.next(in: bytes, from: offset) {
                guard try handle(frame, in: bytes) else { break }
                offset = frame.end
                taken &+= 1
            }
            if taken == idlePackets &- before.1 { lastActivity = before.0 }
        } catch {
            reject(error)
            return bytes.count
        }
        if case .closed = state { return bytes.count }
        sendAcknowledgements()
        if transport.reportsActivityAtOnce { transport.reportFirstActivity(of: self) }
        return offset
    }

    /// Handles one packet; `false` when it was not taken and must be presented again.
    private func handle(_ frame: MQTTFrame, in bytes: Span<UInt8>) throws(MQTTError) -> Bool {
        switch state {
        case .open(let session):
            if frame.type == .publish {
                guard admitsPublish() else { return false }
                try receivePublish(MQTTPublish.decode(frame, in: bytes, version: version), in: bytes, session)
                return true
            }
            transport.metrics.others += 1
            try receiveOther(frame, in: bytes, session)
        case .awaitingConnect:
            transport.metrics.others += 1
            guard frame.type == .connect else {
                close(.protocolError, .protocolError)
                return true
            }
            let connect = try MQTTConnect.decode(frame, in: bytes)
            decoder.version = connect.version
            clientLimits = ClientLimits(connect)
            receiveConnect(connect)
        case .authenticating:
            return false
        case .provisioning:
            return try receiveProvisioning(frame, in: bytes)
        case .closed:
            break
        }
        return true
    }

    private func receiveOther(_ frame: MQTTFrame, in bytes: Span<UInt8>, _ session: OpenSession) throws(MQTTError) {
        switch frame.type {
        case .pingreq:
            try receivePing(frame)
        case .subscribe:
            receive(try MQTTSubscribe.decode(frame, in: bytes, version: version), session)
        case .unsubscribe:
            receive(try MQTTUnsubscribe.decode(frame, in: bytes, version: version), session)
        case .puback:
            acknowledged(try MQTTAcknowledgement.decode(frame, in: bytes, version: version).packetIdentifier)
        case .pubrec, .pubrel, .pubcomp:
            // QoS 2 was answered by PUBACK and is not sent.
            idlePackets &+= 1
            _ = try MQTTAcknowledgement.decode(frame, in: bytes, version: version)
        case .disconnect:
            try receiveDisconnect(frame, in: bytes)
        case .auth:
            break
        case .connect, .publish, .connack, .suback, .unsuback, .pingresp:
            // A second CONNECT, or what only a server sends (MQTT 5.0 4.13.1).
            close(.protocolError, .protocolError)
        }
    }

    func receivePing(_ frame: MQTTFrame) throws(MQTTError) {
        try MQTTPing.decode(frame)
        write { MQTTPing.encodeResponse(into: &$0) }
    }

    func receiveDisconnect(_ frame: MQTTFrame, in bytes: Span<UInt8>) throws(MQTTError) {
        _ = try MQTTDisconnect.decode(frame, in: bytes, version: version)
        if version == .v5 { write(MQTTDisconnect()) }
        finish()
        end(.requested, .normal)
    }

    /// Whether another PUBLISH may be taken; if not, reading stops until it may.
    func admitsPublish() -> Bool {
        if pending.count >= transport.configuration.maximumInFlight {
            // What is answered already must not count: nothing would resume the reading.
            sendAcknowledgements()
            if pending.count >= transport.configuration.maximumInFlight {
                pause()
                return false
            }
        }
        if let gatewayIfAny, gatewayIfAny.isFull {
            pause()
            isWaitingForGateway = true
            return false
        }
        if let tenant = session?.info.device.tenantID, transport.transport.isSaturated(by: tenant) {
            pause()
            isWaitingForRoom = true
            transport.transport.waitForRoom(of: tenant) { [weak self] in
                self?.isWaitingForRoom = false
                self?.resume()
            }
            return false
        }
        return true
    }

    /// Reads on when less waits for devices behind the gateway.
    func resumeAfterGateway() {
        guard isWaitingForGateway, gatewayIfAny?.isFull == false else { return }
        isWaitingForGateway = false
        resume()
    }

    // MARK: - Acknowledgements

    func uplinkFinished(tag: UInt32) {
        acknowledge(tag, .success)
    }

    /// The queue could not keep what was published: without a PUBACK the device sends it again when it comes back.
    func uplinkLost(tag: UInt32) {
        close(.implementationSpecificError, .overload)
    }

    /// Answers a PUBLISH that was added to the pending ones under that number.
    func acknowledge(_ number: UInt32, _ reasonCode: MQTTReasonCode) {
        switch state {
        case .open, .provisioning: break
        case .awaitingConnect, .authenticating, .closed: return
        }
        pending.finish(number, reasonCode)
        sendAcknowledgements()
        if isPaused, !isWaitingForRoom, !isWaitingForGateway,
            pending.count <= transport.configuration.maximumInFlight / 2
        {
            resume()
        }
    }

    /// Answers a PUBLISH at once, in its turn; nothing is sent with QoS 0.
    func acknowledge(_ publish: MQTTPublish, _ reasonCode: MQTTReasonCode = .success) {
        if publish.qos != .atMostOnce { pending.appendFinished(publish.packetIdentifier, reasonCode) }
    }

    func sendAcknowledgements() {
        guard pending.count > 0 else { return }
        let version = version
        while let (packetIdentifier, reasonCode) = pending.popFinished() {
            if reasonCode != .success, version == .v5 {
                // With a property length, as the platform's clients know it.
                write {
                    MQTTAcknowledgement.encode(
                        .puback, packetIdentifier: packetIdentifier, reasonCode: reasonCode,
                        properties: MQTTProperties(), into: &$0)
                }
                continue
            }
            write {
                MQTTAcknowledgement.encode(
                    .puback, packetIdentifier: packetIdentifier, version: version, into: &$0)
            }
        }
    }

    private func pause() {
        isPaused = true
        connection?.pauseReading()
    }

    private func resume() {
        guard isPaused, let connection else { return }
        isPaused = false
        connection.resumeReading()
    }

    // MARK: - Output

    @inline(__always)
    func write(_ body: (inout ByteBuffer) -> Void) {
        if let webSocket { return write(body, by: webSocket) }
        connection?.write(body)
    }

    func write(_ disconnect: MQTTDisconnect) {
        write { [version] in disconnect.encode(version: version, into: &$0) }
    }

    // MARK: - Ends

    /// Closes the session as the platform wants (`device-api.md` 6.2).
    func closeSession(_ reason: SessionCloseReason) {
        guard case .open = state else { return }
        if reason == .deviceDeleted { noteFailure() }
        close(reason.disconnectCode, .session)
    }

    /// Takes a changed device or profile.
    func update(_ change: (SessionInfo) -> SessionInfo?) {
        gatewayIfAny?.update(change)
        guard case .open(let session) = state, let info = change(session.info) else { return }
        state = .open(
            OpenSession(
                info: info, lane: session.lane, limiter: session.limiter, isGateway: session.isGateway))
    }

    /// No CONNECT came in time.
    func connectTimedOut() {
        guard case .awaitingConnect = state else { return }
        transport.metrics.noteClose(.connectTimeout)
        finish()
        end(.timeout, .policyViolation)
    }

    /// The session was without uplink activity for too long.
    func inactive() {
        guard case .open = state else { return }
        close(.implementationSpecificError, .inactivity)
    }

    /// The process stops.
    func shutDown() {
        guard case .open = state else { return end(.shutdown, .goingAway) }
        if version == .v5 { write(MQTTDisconnect(reasonCode: .serverShuttingDown)) }
        finish()
        end(.shutdown, .goingAway)
    }

    private func reject(_ error: MQTTError) {
        transport.logger.limited(
            .debug, "malformed packet",
            ["error": .string(String(describing: error)), "peer": .string(connection?.peerDescription ?? "")])
        if error.isUnsupportedProtocol {
            closeInSilence(.unsupportedProtocol)
            return
        }
        close(.malformedPacket, .malformedPacket)
    }

    /// Closes without a word, because the peer would not understand it.
    func closeInSilence(_ reason: MQTTMetrics.Close) {
        transport.metrics.noteClose(reason)
        finish()
        end(.protocolError, .protocolError)
    }

    /// Closes with a DISCONNECT where the version has one and CONNECT was seen.
    func close(_ code: MQTTReasonCode, _ reason: MQTTMetrics.Close) {
        if case .closed = state { return }
        transport.metrics.noteClose(reason)
        sendAcknowledgements()
        if version == .v5 { write(MQTTDisconnect(reasonCode: code)) }
        finish()
        let isMalformed = reason == .malformedPacket || reason == .protocolError
        end(reason == .inactivity ? .timeout : .protocolError, isMalformed ? .protocolError : .policyViolation)
    }

    /// Sends what is waiting and ends the connection, with the code where it is a WebSocket.
    func end(_ reason: CloseReason, _ code: WebSocketCloseCode) {
        if webSocket != nil { connection?.write { WebSocketFrame.encodeClose(code, into: &$0) } }
        connection?.close(reason)
    }

    /// Ends the device session, once.
    func finish() {
        if case .open(let session) = state {
            transport.metrics.sessions.add(-1)
            downlinksIfAny?.end()
            gatewayIfAny?.endAll()
            transport.transport.sessionClosed(session.info)
        }
        state = .closed
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        if reason == .slowConsumer { transport.metrics.noteClose(.slowSubscriber) }
        finish()
        self.connection = nil
        // A timer may hold the object for a while; it need not hold its memory.
        pending = PendingAcknowledgements()
        downlinksIfAny = nil
        gatewayIfAny = nil
        downloadsIfAny = nil
        webSocket?.releaseMemory()
        transport.connectionEnded()
    }

    func connectionDidDrain(_ connection: Connection) {}
}
