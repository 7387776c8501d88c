internal import Bytes
internal import HTTPClient
internal import MQTTProtocol
internal import Reactor

/// One device, or a gateway with its devices: its connection, what it has in flight, and which of its messages have come due.
///
/// Owned by a ``LoadLoop``; everything runs on that loop.
final class DeviceClient: ConnectionHandler {
    enum State {
        /// No connection, none wanted.
        case idle
        /// Wants a connection and waits for its turn, or for the end of a pause after a failure.
        case waiting
        /// Connecting, or waiting for CONNACK.
        case connecting
        case connected
        /// Closed for good.
        case stopped
    }

    /// Bytes on their way into a socket beyond which messages wait.
    private static let outputLimit = 262_144

    /// Lives as long as the run, and so longer than its devices.
    unowned(unsafe) let owner: LoadLoop
    /// Place in the schedule.
    let index: Int
    /// The number in its name.
    let number: Int
    private(set) var state = State.idle
    private(set) var window: InFlightWindow
    /// Scheduled messages that have come due, and how many of them were sent.
    private(set) var dueCount = 0
    private var sentCount = 0
    /// Attempts to connect since the last success.
    private var failures = 0
    private var lastTimestamp: Int64 = 0
    /// Messages that were made.
    private var madeCount = 0
    /// With the MQTT API.
    private var connection: Connection?
    /// With the HTTP API.
    private var http: HTTPClientConnection?
    /// Nanoseconds at which anything was last written, or connecting began.
    private var lastActivity: UInt64 = 0
    private var frames: MQTTFrameDecoder

    init(owner: LoadLoop, index: Int) {
        self.owner = owner
        self.index = index
        number = owner.plan.number(connection: index)
        window = InFlightWindow(limit: owner.plan.inFlightLimit)
        frames = MQTTFrameDecoder(version: owner.plan.mqttVersion)
    }

    /// Messages that are due and not sent.
    var waitingCount: Int { dueCount - sentCount }

    // MARK: - Connecting

    func wantConnection() {
        guard state == .idle else { return }
        state = .waiting
        owner.queueConnect(self)
    }

    /// Its turn to connect.
    func connect() {
        guard state == .waiting else { return }
        state = .connecting
        lastActivity = owner.loop.now.nanoseconds
        do {
            switch owner.plan.api {
            case .mqtt:
                connection = try Connection.connect(
                    to: owner.plan.address, on: owner.loop, tls: owner.plan.tls, handler: self)
            case .http: try connectHTTP()
            }
        } catch {
            connectionEnded()
        }
    }

    func connectionDidConnect(_ c: Connection) {
        let connect = MQTTConnect(
            version: owner.plan.mqttVersion, clientIdentifier: owner.plan.name(number),
            keepAliveSeconds: UInt16(owner.plan.keepAliveSeconds), userName: owner.plan.token(number))
        c.write { connect.encode(into: &$0) }
    }

    private func connectHTTP() throws {
        let made = try HTTPClientConnection(to: owner.plan.address, host: owner.plan.httpHost, on: owner.loop)
        made.onClose = { [weak self] in self?.connectionEnded() }
        http = made
        // Requests may go out at once.
        becomeConnected()
    }

    private func becomeConnected() {
        state = .connected
        failures = 0
        lastActivity = owner.loop.now.nanoseconds
        owner.deviceDidConnect()
        let again = window.renumber()
        owner.counters.resent += again.count
        send(again)
        pump()
    }

    func connectionDidClose(_ c: Connection, reason: CloseReason) {
        connectionEnded()
    }

    func connectionInputEnded(_ c: Connection) {
        c.abort(.peerClosed)
    }

    private func connectionEnded() {
        connection = nil
        http = nil
        let before = state
        guard before != .stopped else { return }
        state = .idle
        switch before {
        case .connecting:
            owner.counters.connectsFailed += 1
            owner.deviceDidFailToConnect()
        case .connected:
            owner.deviceDidDisconnect()
            // A server may close an idle HTTP connection; the next message makes a new one.
            if owner.plan.api == .http, window.count == 0 { return pump() }
            owner.counters.connectionsLost += 1
        case .idle, .waiting, .stopped: break
        }
        state = .waiting
        failures += 1
        owner.queueConnect(self, after: backoff)
    }

    /// 50 ms, doubled with each failure up to 1.6 s, plus up to half of it so that devices do not come back in step.
    private var backoff: Duration {
        let base = 50 << min(failures - 1, 5)
        var random = SplitMix(seed: UInt64(number) << 8 | UInt64(failures & 0xFF))
        return .milliseconds(base + Int(random.next(below: UInt64(base / 2 + 1))))
    }

    /// Closes for good.
    func stop() {
        let wasConnected = state == .connected
        state = .stopped
        http?.close()
        http = nil
        guard let connection else { return }
        if wasConnected {
            connection.write { MQTTDisconnect().encode(version: owner.plan.mqttVersion, into: &$0) }
        }
        connection.close(.requested)
        self.connection = nil
    }

    // MARK: - Keeping alive

    /// Once a second: pings when nothing was written for half the keep-alive, gives up on a server that does not answer
    /// the CONNECT.
    func sweep(now: UInt64) {
        let quiet = now &- lastActivity
        switch state {
        case .connecting where quiet > 10_000_000_000: connection?.abort(.timeout)
        case .connected where owner.plan.api == .mqtt && owner.plan.keepAliveSeconds > 0:
            guard quiet > UInt64(owner.plan.keepAliveSeconds) * 500_000_000, let connection else { return }
            lastActivity = now
            connection.write { MQTTPing.encodeRequest(into: &$0) }
        case .idle, .waiting, .connecting, .connected, .stopped: break
        }
    }

    // MARK: - Sending

    /// The next message of the schedule has come due.
    func messageDue() {
        dueCount += 1
        pump()
    }

    /// Sends one message outside the schedule, due now.
    func sendUnmeasured() {
        guard state == .connected, !window.isFull else { return }
        send([message(due: owner.loop.now.nanoseconds, isAlarm: false, isMeasured: false)])
    }

    /// Sends what is due, as far as the window and the socket allow.
    func pump() {
        guard owner.isSending else { return }
        if state == .idle, waitingCount > 0 { return wantConnection() }
        guard state == .connected, (connection?.pendingOutputBytes ?? 0) < Self.outputLimit else { return }
        switch owner.plan.pace {
        case .open: sendScheduled(min(window.room, waitingCount))
        case .closed: sendAtOnce(window.room)
        case .idle: break
        }
    }

    func connectionDidDrain(_ c: Connection) { pump() }

    private func sendScheduled(_ count: Int) {
        guard count > 0 else { return }
        let schedule = owner.plan.schedule
        send(
            (0..<count).lazy.map { [self] _ in
                let number = schedule.message(device: index, round: sentCount)
                sentCount += 1
                return message(
                    due: owner.start.monotonic + schedule.dueNanoseconds(of: number),
                    isAlarm: schedule.isAlarm(message: number), isMeasured: true)
            })
    }

    private func sendAtOnce(_ count: Int) {
        guard count > 0 else { return }
        let now = owner.loop.now.nanoseconds
        send((0..<count).lazy.map { [self] _ in message(due: now, isAlarm: false, isMeasured: true) })
    }

    /// A new message, with its place in the window where it has an answer.
    private func message(due: UInt64, isAlarm: Bool, isMeasured: Bool) -> InFlightMessage {
        let timestamp = max(lastTimestamp + 1, owner.start.timestamp(due: due))
        lastTimestamp = timestamp
        if isMeasured { owner.counters.sent += 1 }
        let device = owner.plan.gateways?.device(gateway: index, message: madeCount) ?? number
        madeCount += 1
        owner.didSend(device: device, timestamp: timestamp, due: due)
        guard owner.hasAnswers else {
            return InFlightMessage(
                packetIdentifier: 0, isAlarm: isAlarm, isMeasured: isMeasured, timestamp: timestamp, due: due,
                device: Int32(device))
        }
        return window.append(
            timestamp: timestamp, due: due, isAlarm: isAlarm, isMeasured: isMeasured, device: Int32(device))
    }

    /// Writes `messages`, each looked at once, in one go.
    private func send(_ messages: some Sequence<InFlightMessage>) {
        lastActivity = owner.loop.now.nanoseconds
        switch owner.plan.api {
        case .mqtt:
            connection?.write { out in
                for message in messages { owner.appendPublish(message, to: &out) }
            }
        case .http:
            for message in messages { post(message) }
        }
    }

    private func post(_ message: InFlightMessage) {
        let target = "\(owner.plan.httpPrefix)/api/v1/\(owner.plan.token(number))/telemetry"
        let body = owner.payload(message)
        http?.send("POST", target, fields: [("Content-Type", "application/json")], body: body) { [weak self] answer in
            // Without an answer the connection is gone, and the message goes out again on the next one.
            if case .success(let response) = answer { self?.answered(response.status) }
        }
    }

    // MARK: - Receiving

    func connection(_ c: Connection, received bytes: Span<UInt8>) -> Int {
        var offset = 0
        do throws(MQTTError) {
            while let frame = try frames.next(in: bytes, from: offset) {
                try receivedPacket(c, frame, bytes)
                offset = frame.end
            }
        } catch {
            c.abort(.protocolError)
            return bytes.count
        }
        if offset > 0 { pump() }
        return offset
    }

    private func receivedPacket(_ c: Connection, _ frame: MQTTFrame, _ bytes: Span<UInt8>) throws(MQTTError) {
        switch frame.type {
        case .puback:
            let puback = try MQTTAcknowledgement.decode(frame, in: bytes, version: frames.version)
            acknowledged(puback.packetIdentifier, isSuccess: !puback.reasonCode.isFailure)
        case .connack:
            let connack = try MQTTConnack.decode(frame, in: bytes, version: frames.version)
            if connack.answer.isAccepted, state == .connecting { becomeConnected() } else { c.abort(.protocolError) }
        case .connect, .publish, .pubrec, .pubrel, .pubcomp, .subscribe, .suback, .unsubscribe, .unsuback, .pingreq,
            .pingresp, .disconnect, .auth:
            break
        }
    }

    private func acknowledged(_ identifier: UInt16, isSuccess: Bool) {
        guard let message = window.acknowledge(identifier) else {
            owner.counters.unexpected += 1
            return
        }
        if isSuccess { owner.didAcknowledge(message) } else { owner.counters.refused += 1 }
    }

    /// The HTTP API answers in order.
    private func answered(_ status: Int) {
        if let message = window.acknowledgeOldest() {
            if status == 200 { owner.didAcknowledge(message) } else { owner.counters.refused += 1 }
        } else {
            owner.counters.unexpected += 1
        }
        pump()
    }
}
