import Logging
import MQTTProtocol
import Messages
import Metrics
import Model
import Reactor
import Telemetry
import TransportCore

/// One MQTT connection of a device: packets in, packets out. Owned by its loop.
///
/// States: awaiting CONNECT -> authenticating -> open -> closed; from every state it may become closed. While the
/// credentials are checked the socket is not read, so what a client sends ahead waits in the kernel.
final class MQTTConnection: ConnectionHandler, UplinkTarget {
    enum State {
        case awaitingConnect
        case authenticating(MQTTConnect)
        case open(OpenSession)
        case closed
    }

    /// The device session of an accepted connection. A class, so that a packet costs one reference and no copy.
    final class OpenSession {
        let info: SessionInfo
        let lane: Int
        let classifier: UplinkTopicClassifier

        init(info: SessionInfo, lane: Int) {
            self.info = info
            self.lane = lane
            classifier = UplinkTopicClassifier(info.profile)
        }
    }

    /// Lives as long as the loop, and the loop longer than its connections.
    unowned(unsafe) let transport: MQTTTransportLoop
    private(set) var connection: Connection?
    private(set) var state: State = .awaitingConnect
    private var decoder: MQTTFrameDecoder
    private var pending = PendingAcknowledgements()
    private var filters: Set<String> = []
    private var isPaused = false
    /// Paused because the loop is saturated; the loop resumes it, and nobody else does.
    private var isWaitingForRoom = false
    private(set) var lastActivity: MonotonicTime
    /// When TCP accepted the connection.
    let accepted: MonotonicTime

    init(_ connection: Connection, transport: MQTTTransportLoop) {
        self.connection = connection
        self.transport = transport
        decoder = MQTTFrameDecoder(maximumRemainingLength: transport.configuration.maximumRemainingLength)
        accepted = transport.loop.now
        lastActivity = accepted
    }

    private var version: MQTTVersion { decoder.version }

    // MARK: - Input

    func connection(_ connection: Connection, received bytes: Span<UInt8>) -> Int {
        var offset = 0
        lastActivity = transport.loop.now
        do throws(MQTTError) {
            while !isPaused, let frame = try decoder.next(in: bytes, from: offset) {
                guard try handle(frame, in: bytes) else { break }
                offset = frame.end
            }
        } catch {
            reject(error)
            return bytes.count
        }
        if case .closed = state { return bytes.count }
        sendAcknowledgements()
        return offset
    }

    /// Handles one packet; `false` when it was not taken and must be presented again.
    private func handle(_ frame: MQTTFrame, in bytes: Span<UInt8>) throws(MQTTError) -> Bool {
        switch state {
        case .open(let session):
            if frame.type == .publish { return try receivePublish(frame, in: bytes, session) }
            transport.metrics.others += 1
            try receiveOther(frame, in: bytes, session)
        case .awaitingConnect:
            transport.metrics.others += 1
            guard frame.type == .connect else {
                close(.protocolError, .protocolError)
                return true
            }
            try receiveConnect(MQTTConnect.decode(frame, in: bytes))
        case .authenticating:
            return false
        case .closed:
            break
        }
        return true
    }

    private func receiveOther(_ frame: MQTTFrame, in bytes: Span<UInt8>, _ session: OpenSession) throws(MQTTError) {
        switch frame.type {
        case .pingreq:
            try MQTTPing.decode(frame)
            connection?.write { MQTTPing.encodeResponse(into: &$0) }
        case .subscribe:
            receive(try MQTTSubscribe.decode(frame, in: bytes, version: version), session)
        case .unsubscribe:
            receive(try MQTTUnsubscribe.decode(frame, in: bytes, version: version))
        case .puback, .pubrec, .pubrel, .pubcomp:
            // Nothing is in flight to the device that these could answer; QoS 2 was answered by PUBACK.
            _ = try MQTTAcknowledgement.decode(frame, in: bytes, version: version)
        case .disconnect:
            _ = try MQTTDisconnect.decode(frame, in: bytes, version: version)
            if version == .v5 { write(MQTTDisconnect()) }
            finish()
            connection?.close(.requested)
        case .auth:
            break
        case .connect, .publish, .connack, .suback, .unsuback, .pingresp:
            // A second CONNECT, or what only a server sends (MQTT 5.0 4.13.1).
            close(.protocolError, .protocolError)
        }
    }

    // MARK: - CONNECT

    private func receiveConnect(_ connect: MQTTConnect) {
        decoder.version = connect.version
        if connect.version == .v3_1, !(1...23).contains(connect.clientIdentifier.unicodeScalars.count) {
            transport.metrics.noteClose(.unsupportedProtocol)
            finish()
            connection?.close(.protocolError)
            return
        }
        state = .authenticating(connect)
        connection?.pauseReading()
        transport.authenticate(connect, for: self)
    }

    /// The answer about the credentials; `nil` when it did not come in time.
    func authenticated(_ response: DeviceCredentialsResponse?) {
        guard case .authenticating(let connect) = state, let connection else { return }
        switch response {
        case .accepted(let device, let profile):
            guard profile.allowsMQTT else {
                refuse(.unavailable)
                return
            }
            let info = transport.makeSession(device: device, profile: profile, connection: connection.id)
            guard transport.transport.sessionOpened(info) else {
                refuse(.notOpened)
                return
            }
            open(info)
            let answer: MQTTConnack.Answer = version == .v5 ? .reasonCode(.success) : .returnCode(.accepted)
            connection.write { [version] buffer in
                MQTTConnack(answer: answer, sessionPresent: !connect.cleanStart).encode(version: version, into: &buffer)
            }
            transport.metrics.connects.increment()
            connection.resumeReading()
        case .refused:
            transport.metrics.refusedConnects.increment()
            refuse(.wrongCredentials(connect))
        case .unavailable, nil:
            transport.metrics.unavailableConnects.increment()
            refuse(.unavailable)
        }
    }

    private func open(_ info: SessionInfo) {
        state = .open(
            OpenSession(info: info, lane: transport.transport.lane(of: info.device.deviceID)))
        transport.metrics.sessions.add(1)
        lastActivity = transport.loop.now
        transport.watchInactivity(of: self)
    }

    private func refuse(_ refusal: ConnectRefusal) {
        let answer: MQTTConnack.Answer =
            version == .v5 ? .reasonCode(refusal.reasonCode) : .returnCode(refusal.returnCode)
        connection?.write { [version] buffer in
            MQTTConnack(answer: answer).encode(version: version, into: &buffer)
        }
        close(refusal.disconnect, .refused)
    }

    // MARK: - PUBLISH

    private func receivePublish(
        _ frame: MQTTFrame, in bytes: Span<UInt8>, _ session: OpenSession
    ) throws(MQTTError) -> Bool {
        guard admitsPublish() else { return false }
        let publish = try MQTTPublish.decode(frame, in: bytes, version: version)
        transport.metrics.publishes += 1
        let topic = bytes.withUnsafeBytes {
            session.classifier.classify(UnsafeRawBufferPointer(rebasing: $0[publish.topic]))
        }
        switch topic {
        case .telemetry(let format):
            post(publish, in: bytes, format, session, isTelemetry: true)
        case .attributes(let format):
            post(publish, in: bytes, format, session, isTelemetry: false)
        case .gateway, .attributesRequest, .rpcResponse, .rpcRequest, .claim, .firmwareChunk, .softwareChunk, .unknown:
            transport.metrics.unknownTopics.increment()
            if publish.qos != .atMostOnce { pending.appendFinished(publish.packetIdentifier, .topicNameInvalid) }
        }
        return true
    }

    /// Whether another PUBLISH may be taken; if not, reading stops until it may.
    private func admitsPublish() -> Bool {
        if pending.count >= transport.configuration.maximumInFlight {
            // What is answered already must not count: nothing would resume the reading.
            sendAcknowledgements()
            if pending.count >= transport.configuration.maximumInFlight {
                pause()
                return false
            }
        }
        if transport.transport.isSaturated {
            pause()
            isWaitingForRoom = true
            transport.transport.waitForRoom { [weak self] in
                self?.isWaitingForRoom = false
                self?.resume()
            }
            return false
        }
        return true
    }

    private func post(
        _ publish: MQTTPublish, in bytes: Span<UInt8>, _ format: UplinkTopic.PayloadFormat, _ session: OpenSession,
        isTelemetry: Bool
    ) {
        let usesProtobuf = format == .protobuf || (format == .profile && session.info.profile.mqtt.usesProtobuf)
        let isAcknowledged = publish.qos != .atMostOnce
        let tag = isAcknowledged ? pending.append(publish.packetIdentifier) : 0
        let target: any UplinkTarget = isAcknowledged ? self : transport.unacknowledgedTarget
        guard !usesProtobuf else {
            // Without a schema no payload of this form is valid.
            rejectPayload(publish, session)
            return
        }
        let payload = bytes.extracting(publish.payload)
        do throws(TelemetryError) {
            let admission =
                isTelemetry
                ? try transport.transport.postTelemetry(
                    payload, session: session.info, lane: session.lane, target: target, tag: tag)
                : try transport.transport.postAttributes(
                    payload, session: session.info, lane: session.lane, target: target, tag: tag)
            switch admission {
            case .pending: break
            case .acknowledged: if isAcknowledged { pending.finish(tag) }
            }
        } catch {
            rejectPayload(publish, session)
        }
    }

    /// Answers an invalid payload (`device-api.md` 2.9). A QoS 1 packet was added to the pending ones last.
    private func rejectPayload(_ publish: MQTTPublish, _ session: OpenSession) {
        transport.metrics.invalidPayloads.increment()
        transport.logger.limited(
            .debug, "invalid payload", ["device.id": .string(session.info.device.deviceID.description)])
        guard publish.qos != .atMostOnce else {
            close(.payloadFormatInvalid, .invalidPayload)
            return
        }
        let acknowledges =
            session.info.profile.transportType == .mqtt && session.info.profile.mqtt.acknowledgesInvalidPayloads
        pending.removeLast()
        if version == .v5 || acknowledges {
            pending.appendFinished(publish.packetIdentifier, acknowledges ? .success : .payloadFormatInvalid)
        } else {
            close(.payloadFormatInvalid, .invalidPayload)
        }
    }

    // MARK: - Acknowledgements

    func uplinkFinished(tag: UInt32) {
        guard case .open = state else { return }
        pending.finish(tag)
        sendAcknowledgements()
        if isPaused, !isWaitingForRoom, pending.count <= transport.configuration.maximumInFlight / 2 { resume() }
    }

    private func sendAcknowledgements() {
        guard pending.count > 0, let connection else { return }
        let version = version
        while let (packetIdentifier, reasonCode) = pending.popFinished() {
            connection.write {
                MQTTAcknowledgement.encode(
                    .puback, packetIdentifier: packetIdentifier, reasonCode: reasonCode, version: version, into: &$0)
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

    // MARK: - Subscriptions

    private func receive(_ subscribe: MQTTSubscribe, _ session: OpenSession) {
        var codes: [MQTTReasonCode] = []
        for subscription in subscribe.subscriptions {
            let isKnown = DownlinkFilters.isKnown(
                subscription.topicFilter, profileFilter: session.info.profile.mqtt.attributesSubscribeTopicFilter)
            if isKnown { filters.insert(subscription.topicFilter) }
            let refused: MQTTReasonCode = version == .v5 ? .topicFilterInvalid : .unspecifiedError
            codes.append(isKnown ? .granted(DownlinkFilters.granted(subscription.qos)) : refused)
        }
        let suback = MQTTSuback(packetIdentifier: subscribe.packetIdentifier, reasonCodes: codes)
        connection?.write { [version] in suback.encode(version: version, into: &$0) }
    }

    private func receive(_ unsubscribe: MQTTUnsubscribe) {
        let codes: [MQTTReasonCode] = unsubscribe.topicFilters.map {
            filters.remove($0) == nil ? .noSubscriptionExisted : .success
        }
        let unsuback = MQTTUnsuback(packetIdentifier: unsubscribe.packetIdentifier, reasonCodes: codes)
        connection?.write { [version] in unsuback.encode(version: version, into: &$0) }
    }

    // MARK: - Ends

    /// Closes the session as the platform wants (`device-api.md` 6.2).
    func closeSession(_ reason: SessionCloseReason) {
        guard case .open = state else { return }
        close(reason.disconnectCode, .session)
    }

    /// Takes a changed device or profile.
    func update(_ change: (SessionInfo) -> SessionInfo?) {
        guard case .open(let session) = state, let info = change(session.info) else { return }
        state = .open(OpenSession(info: info, lane: session.lane))
    }

    /// No CONNECT came in time.
    func connectTimedOut() {
        guard case .awaitingConnect = state else { return }
        transport.metrics.noteClose(.connectTimeout)
        finish()
        connection?.close(.timeout)
    }

    /// The session was without uplink activity for too long.
    func inactive() {
        guard case .open = state else { return }
        close(.implementationSpecificError, .inactivity)
    }

    /// The process stops.
    func shutDown() {
        guard case .open = state else {
            connection?.close(.shutdown)
            return
        }
        if version == .v5 { write(MQTTDisconnect(reasonCode: .serverShuttingDown)) }
        finish()
        connection?.close(.shutdown)
    }

    private func reject(_ error: MQTTError) {
        transport.logger.limited(
            .debug, "malformed packet",
            ["error": .string(String(describing: error)), "peer": .string(connection?.peerDescription ?? "")])
        if error.isUnsupportedProtocol {
            transport.metrics.noteClose(.unsupportedProtocol)
            finish()
            connection?.close(.protocolError)
            return
        }
        close(.malformedPacket, .malformedPacket)
    }

    /// Closes with a DISCONNECT where the version has one and CONNECT was seen.
    private func close(_ code: MQTTReasonCode, _ reason: MQTTMetrics.Close) {
        transport.metrics.noteClose(reason)
        sendAcknowledgements()
        if version == .v5 { write(MQTTDisconnect(reasonCode: code)) }
        finish()
        connection?.close(reason == .inactivity || reason == .connectTimeout ? .timeout : .protocolError)
    }

    private func write(_ disconnect: MQTTDisconnect) {
        connection?.write { [version] in disconnect.encode(version: version, into: &$0) }
    }

    /// Ends the device session, once.
    private func finish() {
        if case .open(let session) = state {
            transport.metrics.sessions.add(-1)
            transport.transport.sessionClosed(session.info)
        }
        state = .closed
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        finish()
        self.connection = nil
        // A timer may hold the object for a while; it need not hold its memory.
        pending = PendingAcknowledgements()
        filters = []
        transport.connectionEnded()
    }

    func connectionDidDrain(_ connection: Connection) {}
}
