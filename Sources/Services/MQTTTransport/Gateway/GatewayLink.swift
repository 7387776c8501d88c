import Logging
import MQTTProtocol
import Messages
import Metrics
import Model
import Reactor
import Telemetry
import TransportCore

/// The devices behind the connection of a gateway (`device-api.md` 3). Owned by its connection.
///
/// A device that is named for the first time is looked up, or created, by the core; what is said about it meanwhile waits
/// in order. Waiting is bounded: beyond, the connection is not read.
final class GatewayLink: UplinkTarget {
    /// Questions for devices that one gateway may have open.
    static let maximumQuestions = 64
    /// Actions and their bytes that may wait for answers.
    static let maximumWaiting = 20_000
    static let maximumWaitingBytes = 8 << 20

    unowned let connection: MQTTConnection
    private var transport: MQTTTransportLoop { connection.transport }
    private(set) var children: [String: GatewayChild] = [:]
    private var bySession: [UUID128: GatewayChild] = [:]
    private var deliveries = GatewayDeliveries()
    private var latencies = GatewayLatencies()
    private var reportTimer: LoopTimer?
    /// Devices to look up, and the types to create them with.
    private var questions: [(child: GatewayChild, type: String)] = []
    private var nextQuestion = 0
    private var openQuestions = 0
    private var waitingCount = 0
    private var waitingBytes = 0
    /// The connection has ended, and may be gone: outcomes that come later are for nobody.
    private var isEnded = false

    init(_ connection: MQTTConnection) {
        self.connection = connection
    }

    /// Whether as much waits as may wait.
    var isFull: Bool { waitingCount >= Self.maximumWaiting || waitingBytes >= Self.maximumWaitingBytes }

    func child(of session: UUID128) -> GatewayChild? { bySession[session] }

    // MARK: - Uplinks

    func receive(_ publish: MQTTPublish, in bytes: Span<UInt8>, _ session: MQTTConnection.OpenSession) {
        guard let topic = GatewayTopic(bytes.extracting(publish.topic)) else {
            transport.metrics.unknownTopics.increment()
            return connection.acknowledge(publish, .topicNameInvalid)
        }
        let now = transport.loop.wallClockMilliseconds
        do throws(GatewayPayloadError) {
            let payload = bytes.extracting(publish.payload)
            let parts =
                session.info.profile.mqtt.usesProtobuf
                ? try transport.gatewayProtobufReader.parts(of: payload, on: topic)
                : try transport.gatewayReader.parts(of: payload, on: topic) { latencies.add($0, now: now) }
            if !latencies.isEmpty, reportTimer == nil { scheduleReport() }
            let number =
                publish.qos == .atMostOnce ? nil : connection.pending.append(publish.packetIdentifier)
            let delivery = deliveries.open(number, parts: parts.count)
            for part in parts { take(part.action, of: part.device, delivery) }
        } catch {
            switch error {
            case .invalid: connection.rejectPayload(publish, session)
            case .structural:
                transport.metrics.invalidPayloads.increment()
                connection.acknowledge(publish, .implementationSpecificError)
                connection.close(.implementationSpecificError, .invalidPayload)
            }
        }
    }

    /// Does what is asked for a device, now or when the device is known.
    private func take(_ action: GatewayAction, of name: String, _ delivery: UInt32) {
        if let child = children[name] {
            guard child.session == nil else { return perform(action, child, delivery) }
            return wait(action, child, delivery)
        }
        if case .disconnect = action { return finish(delivery, .success) }
        guard children.count < transport.configuration.maximumGatewayDevices else {
            return finish(delivery, .quotaExceeded)
        }
        // Looking a device up costs a message, and so does opening its session.
        guard let session = connection.session, transport.transport.admitsMessage(session.limiter) else {
            return connection.close(.serverShuttingDown, .rateLimit)
        }
        let child = GatewayChild(name: name, now: transport.loop.now)
        children[name] = child
        wait(action, child, delivery)
        var type = "default"
        if case .connect(let given) = action { type = given }
        questions.append((child, type))
        askNext()
    }

    private func wait(_ action: GatewayAction, _ child: GatewayChild, _ delivery: UInt32) {
        child.waiting.append((action, delivery))
        waitingCount += 1
        waitingBytes += action.byteCount
    }

    private func perform(_ action: GatewayAction, _ child: GatewayChild, _ delivery: UInt32) {
        guard let session = child.session else { preconditionFailure("\(child.name) is not known yet") }
        let before = child.lastActivity
        child.lastActivity = transport.loop.now
        let shared = transport.transport
        switch action {
        case .connect: finish(delivery, .success)
        case .disconnect:
            end(child)
            finish(delivery, .success)
        case .invalid: refuse(child, delivery, activeBefore: before)
        case .telemetry(let payload):
            post(child, delivery, activeBefore: before) { () throws(TelemetryError) in
                try shared.postTelemetry(
                    payload.span, session: session.info, lane: session.lane, limiter: session.limiter, target: self,
                    tag: delivery)
            }
        case .attributes(let payload):
            post(child, delivery, activeBefore: before) { () throws(TelemetryError) in
                try shared.postAttributes(
                    payload.span, session: session.info, lane: session.lane, limiter: session.limiter, target: self,
                    tag: delivery)
            }
        case .typedTelemetry(let records):
            note(
                shared.postTelemetry(
                    records, session: session.info, lane: session.lane, limiter: session.limiter, target: self,
                    tag: delivery), child, delivery)
        case .typedAttributes(let record, isShared: false):
            note(
                shared.postAttributes(
                    record, session: session.info, lane: session.lane, limiter: session.limiter, target: self,
                    tag: delivery), child, delivery)
        case .typedAttributes(let record, isShared: true):
            postShared(record, session, child, delivery)
        case .attributesRequest(let request):
            tell(.attributesRequest(session.info, request), session, child, delivery)
        case .claim(let claim):
            tell(
                .claim(session.info, secretKey: claim.secretKey, durationMilliseconds: claim.durationMilliseconds),
                session, child, delivery)
        case .rpcResponse(let response): tell(.rpcResponse(session.info, response), session, child, delivery)
        }
    }

    private func post(
        _ child: GatewayChild, _ delivery: UInt32, activeBefore: MonotonicTime,
        _ body: () throws(TelemetryError) -> UplinkAdmission
    ) {
        do throws(TelemetryError) {
            note(try body(), child, delivery)
        } catch {
            refuse(child, delivery, activeBefore: activeBefore)
        }
    }

    /// What a device said is invalid, and no activity of it.
    private func refuse(_ child: GatewayChild, _ delivery: UInt32, activeBefore: MonotonicTime) {
        child.lastActivity = activeBefore
        finish(delivery, .payloadFormatInvalid)
    }

    private func note(_ admission: UplinkAdmission, _ child: GatewayChild, _ delivery: UInt32) {
        switch admission {
        case .pending: break
        case .acknowledged: finish(delivery, .success)
        case .limited: limit(child, delivery)
        }
    }

    private func postShared(
        _ record: TypedRecord, _ session: GatewayChild.Session, _ child: GatewayChild, _ delivery: UInt32
    ) {
        let load = TransportLoad(telemetryMessages: 1, dataPoints: record.entries.count)
        guard transport.transport.admits(load, session.limiter) else { return limit(child, delivery) }
        transport.transport.postSharedAttributes(record, of: session.info) { [weak connection] isTaken in
            guard let connection, let link = connection.gatewayIfAny, !link.isEnded else { return }
            if isTaken { link.finish(delivery, .success) } else { link.uplinkLost(tag: delivery) }
        }
    }

    /// A message of a device is more than the limits let pass: it is answered, and the connection closes
    /// (`device-api.md` 3.6).
    private func limit(_ child: GatewayChild, _ delivery: UInt32) {
        connection.sendGatewayDisconnect(child.name, reason: .messageRateTooHigh)
        finish(delivery, .quotaExceeded)
        connection.close(.implementationSpecificError, .rateLimit)
    }

    private func tell(
        _ message: CoreMessage, _ session: GatewayChild.Session, _ child: GatewayChild, _ delivery: UInt32
    ) {
        guard transport.transport.admitsMessage(session.limiter) else { return limit(child, delivery) }
        guard transport.transport.send(message, of: session.info) else {
            connection.sendGatewayDisconnect(child.name, reason: .unspecifiedError)
            finish(delivery, .unspecifiedError)
            return connection.close(.implementationSpecificError, .overload)
        }
        finish(delivery, .success)
    }

    // MARK: - Outcomes

    func uplinkFinished(tag: UInt32) {
        guard !isEnded else { return }
        finish(tag, .success)
    }

    func uplinkLost(tag: UInt32) {
        guard !isEnded else { return }
        connection.uplinkLost(tag: tag)
    }

    private func finish(_ delivery: UInt32, _ reasonCode: MQTTReasonCode) {
        guard let outcome = deliveries.finish(delivery, reasonCode) else { return }
        if outcome.reasonCode == .payloadFormatInvalid {
            transport.metrics.invalidPayloads.increment()
            // MQTT 3 can only say it by closing; with QoS 0 so can MQTT 5 (`device-api.md` 2.9, 3.6).
            guard connection.version == .v5, outcome.number != nil else {
                return connection.close(.payloadFormatInvalid, .invalidPayload)
            }
        }
        if let number = outcome.number { connection.acknowledge(number, outcome.reasonCode) }
    }

    // MARK: - Devices

    private func askNext() {
        while openQuestions < Self.maximumQuestions, nextQuestion < questions.count,
            let gateway = connection.session?.info.device.deviceID
        {
            let (child, type) = questions[nextQuestion]
            nextQuestion += 1
            if nextQuestion == questions.count {
                questions.removeAll(keepingCapacity: questions.capacity <= 256)
                nextQuestion = 0
            }
            openQuestions += 1
            let name = child.name
            transport.ask({ api in await api.getOrCreateDevice(gateway: gateway, name: name, type: type) }) {
                [weak connection] response in
                guard let connection, connection.session != nil, let link = connection.gatewayIfAny else { return }
                link.openQuestions -= 1
                link.answered(response ?? .failed, child)
                link.askNext()
                connection.resumeAfterGateway()
            }
        }
    }

    private func answered(_ response: GatewayDeviceResponse, _ child: GatewayChild) {
        let waiting = child.waiting
        child.waiting = []
        waitingCount -= waiting.count
        waitingBytes -= waiting.reduce(0) { $0 + $1.action.byteCount }
        guard case .found(let device, let profile) = response, open(child, device, profile) else {
            children[child.name] = nil
            let reason: MQTTReasonCode = if case .limitReached = response { .quotaExceeded } else { .unspecifiedError }
            for (action, delivery) in waiting {
                switch action {
                case .disconnect: finish(delivery, .success)
                case .attributesRequest where reason == .unspecifiedError:
                    finish(delivery, .implementationSpecificError)
                default: finish(delivery, reason)
                }
            }
            return
        }
        for (index, (action, delivery)) in waiting.enumerated() {
            if child.session == nil {
                // A disconnect came before: the rest concerns a new session.
                for (action, delivery) in waiting[index...] { take(action, of: child.name, delivery) }
                return
            }
            perform(action, child, delivery)
        }
    }

    /// Opens the session of a device, which hears of calls and attributes from the start.
    private func open(_ child: GatewayChild, _ device: DeviceInfo, _ profile: DeviceProfileInfo) -> Bool {
        guard let gateway = connection.session?.info, let id = connection.connection?.id else { return false }
        let info = SessionInfo(
            nodeID: gateway.nodeID,
            sessionID: SessionAddress(loopIndex: transport.loop.index, connection: id).makeSessionID(),
            device: device, profile: profile,
            gateway: GatewaySession(sessionID: gateway.sessionID, deviceID: gateway.device.deviceID))
        let shared = transport.transport
        let limiter = shared.limits.limiter(of: info)
        guard shared.admitsMessage(limiter) else {
            connection.close(.serverShuttingDown, .rateLimit)
            return false
        }
        guard shared.sessionOpened(info), shared.send(.subscribeToAttributes(info, isSubscribed: true), of: info),
            shared.send(.subscribeToRPC(info, isSubscribed: true), of: info)
        else { return false }
        child.session = GatewayChild.Session(
            info: info, lane: shared.lane(of: device.deviceID), limiter: limiter)
        bySession[info.sessionID] = child
        transport.metrics.gatewayDevices.add(1)
        return true
    }

    /// The device leaves; the core is told.
    func end(_ child: GatewayChild) {
        guard let session = child.session else { return }
        children[child.name] = nil
        bySession[session.info.sessionID] = nil
        child.session = nil
        transport.metrics.gatewayDevices.add(-1)
        transport.transport.sessionClosed(session.info)
    }

    /// The connection ends.
    func endAll() {
        isEnded = true
        reportTimer?.cancel()
        for child in Array(bySession.values) { end(child) }
        children = [:]
    }

    /// Takes a changed device or profile.
    func update(_ change: (SessionInfo) -> SessionInfo?) {
        for child in bySession.values {
            if let session = child.session, let info = change(session.info) { child.session?.info = info }
        }
    }

    // MARK: - Time

    /// Looks at the activity of the devices: who was silent for too long leaves without a word.
    func check(gatewayActivity: MonotonicTime, overwrites: Bool) {
        let timeout = transport.transport.configuration.sessionInactivityTimeout
        for child in Array(bySession.values) {
            guard let session = child.session else { continue }
            let activity = overwrites ? max(child.lastActivity, gatewayActivity) : child.lastActivity
            guard activity + timeout > transport.loop.now else {
                end(child)
                continue
            }
            guard activity > child.reportedActivity else { continue }
            child.reportedActivity = activity
            _ = transport.transport.send(
                .activity(
                    session.info, lastActivityTime: transport.wallClock(of: activity), attributeSubscription: true,
                    rpcSubscription: true), of: session.info)
        }
    }

    /// Stores the latencies of connectors as telemetry of the gateway, some time after the first one.
    private func scheduleReport() {
        reportTimer = transport.loop.schedule(after: transport.configuration.gatewayMetricsInterval) { [weak self] in
            guard let self, let session = connection.session else { return }
            reportTimer = nil
            let payload = latencies.takeTelemetry()
            _ = try? transport.transport.postTelemetry(
                payload.span, session: session.info, lane: session.lane, target: transport.unacknowledgedTarget, tag: 0)
        }
    }
}
