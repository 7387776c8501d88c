internal import Bytes
internal import MQTTProtocol
internal import Reactor

/// One device: its connection, what it has in flight, and which of its messages have come due.
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

    unowned let owner: LoadLoop
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
    private var connection: Connection?
    /// Nanoseconds at which anything was last written, or connecting began.
    private var lastActivity: UInt64 = 0
    private var frames = MQTTFrameDecoder()

    init(owner: LoadLoop, index: Int) {
        self.owner = owner
        self.index = index
        number = owner.plan.firstDevice + index
        window = InFlightWindow(limit: owner.plan.inFlightLimit)
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
            connection = try Connection.connect(to: owner.plan.address, on: owner.loop, tls: nil, handler: self)
        } catch {
            connectionEnded()
        }
    }

    func connectionDidConnect(_ c: Connection) {
        connection = c
        guard owner.plan.api == .mqtt else { return becomeConnected() }
        let name = LoadTestOptions.deviceName(number)
        c.write { out in
            MQTTWire.appendConnect(
                clientID: name, username: self.owner.plan.token(device: self.number),
                keepAlive: self.owner.plan.keepAliveSeconds, to: &out)
        }
    }

    private func becomeConnected() {
        state = .connected
        failures = 0
        lastActivity = owner.loop.now.nanoseconds
        owner.deviceDidConnect()
        window.renumber { message in
            owner.counters.resent += 1
            write(message)
        }
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
        guard let connection else { return }
        if wasConnected, owner.plan.api == .mqtt {
            connection.write { MQTTWire.appendDisconnect(to: &$0) }
        }
        connection.close(.finished)
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
            connection.write { MQTTWire.appendPingRequest(to: &$0) }
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
    func sendUnscheduled(isMeasured: Bool) {
        guard state == .connected, !window.isFull else { return }
        publish(due: owner.loop.now.nanoseconds, isAlarm: false, isMeasured: isMeasured)
    }

    /// Sends what is due, as far as the window and the socket allow.
    func pump() {
        guard owner.isSending else { return }
        if state == .idle, owner.plan.api == .http, waitingCount > 0 { return wantConnection() }
        guard state == .connected, let connection else { return }
        while !window.isFull, connection.pendingOutputBytes < 262_144 {
            switch owner.plan.pace {
            case .open:
                guard sentCount < dueCount else { return }
                let message = owner.plan.schedule.message(device: index, round: sentCount)
                sentCount += 1
                publish(
                    due: owner.start.monotonic + owner.plan.schedule.dueNanoseconds(of: message),
                    isAlarm: owner.plan.schedule.isAlarm(message: message), isMeasured: true)
            case .closed: publish(due: owner.loop.now.nanoseconds, isAlarm: false, isMeasured: true)
            case .idle: return
            }
        }
    }

    func connectionDidDrain(_ c: Connection) { pump() }

    private func publish(due: UInt64, isAlarm: Bool, isMeasured: Bool) {
        let timestamp = max(lastTimestamp + 1, owner.start.timestamp(due: due))
        lastTimestamp = timestamp
        if isMeasured { owner.counters.sent += 1 }
        let hasAnswer = owner.plan.qualityOfService > 0 || owner.plan.api == .http
        var message = InFlightMessage(
            packetIdentifier: 0, isAlarm: isAlarm, isMeasured: isMeasured, timestamp: timestamp, due: due)
        if hasAnswer {
            message.packetIdentifier = window.append(
                timestamp: timestamp, due: due, isAlarm: isAlarm, isMeasured: isMeasured)
        }
        write(message)
        owner.didSend(device: number, timestamp: timestamp, due: due)
    }

    private func write(_ message: InFlightMessage) {
        guard let connection else { return }
        lastActivity = owner.loop.now.nanoseconds
        owner.withPayload(device: number, message) { payload in
            connection.write { out in
                switch owner.plan.api {
                case .mqtt:
                    MQTTWire.appendPublish(
                        topic: owner.plan.topic,
                        identifier: message.packetIdentifier == 0 ? nil : message.packetIdentifier,
                        payload: payload, to: &out)
                case .http:
                    HTTPWire.appendPost(
                        plan: owner.plan, token: owner.plan.token(device: number), payload: payload, to: &out)
                }
            }
        }
    }

    // MARK: - Receiving

    func connection(_ c: Connection, received bytes: Span<UInt8>) -> Int {
        switch owner.plan.api {
        case .mqtt: receivedMQTT(c, bytes)
        case .http: receivedHTTP(c, bytes)
        }
    }

    private func receivedMQTT(_ c: Connection, _ bytes: Span<UInt8>) -> Int {
        var offset = 0
        do throws(MQTTError) {
            while let frame = try frames.next(in: bytes, from: offset) {
                switch frame.type {
                case .puback where frame.end - frame.body >= 2:
                    acknowledged(UInt16(bytes[frame.body]) << 8 | UInt16(bytes[frame.body + 1]))
                case .connack where frame.end - frame.body >= 2 && state == .connecting:
                    guard bytes[frame.body + 1] == 0 else {
                        c.abort(.protocolError)
                        return bytes.count
                    }
                    becomeConnected()
                default: break
                }
                offset = frame.end
            }
        } catch {
            c.abort(.protocolError)
            return bytes.count
        }
        if offset > 0 { pump() }
        return offset
    }

    private func acknowledged(_ identifier: UInt16) {
        guard let message = window.acknowledge(identifier) else {
            owner.counters.unexpected += 1
            return
        }
        owner.didAcknowledge(device: number, message)
    }

    private func receivedHTTP(_ c: Connection, _ bytes: Span<UInt8>) -> Int {
        switch HTTPResponseReader.read(bytes) {
        case .incomplete: return 0
        case .malformed:
            c.abort(.protocolError)
            return bytes.count
        case .response(let response):
            if let message = window.acknowledgeOldest() {
                if response.status == 200 {
                    owner.didAcknowledge(device: number, message)
                } else {
                    owner.counters.refused += 1
                }
            } else {
                owner.counters.unexpected += 1
            }
            if response.closes { c.close(.finished) } else { pump() }
            return response.byteCount
        }
    }
}
