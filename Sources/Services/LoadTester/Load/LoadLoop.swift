internal import Bytes
internal import MQTTProtocol
internal import Reactor

/// The devices of one event loop, and their part of the schedule.
///
/// Made anywhere, then only touched on its loop; other threads use the async functions in `LoadLoop+Control.swift`.
final class LoadLoop: @unchecked Sendable {
    // @unchecked: mutable state is only reached from `loop`, through callbacks of the reactor and ``run(_:)``.
    let loop: EventLoop
    let plan: LoadPlan
    private(set) var part: SchedulePart
    private let ledger: LedgerFile?
    // Parts of `plan` that every message needs, where the compiler reaches them without a copy of the rest.
    private let topic: [UInt8]
    private let payload: PayloadType
    private let version: MQTTVersion
    private let quality: MQTTQoS
    private let isGateway: Bool

    private(set) var devices: [DeviceClient] = []
    var counters = LoadCounters()
    private(set) var start = LoadStart(monotonic: 0, wallMilliseconds: 0)
    /// Whether new messages go out.
    private(set) var isSending = false
    private(set) var openConnections = 0
    private var connecting = 0
    private var connectQueue: [DeviceClient] = []
    private var connectQueueHead = 0
    private var latencies = LatencyHistogram()
    private var page = LedgerPage()
    private var ledgerFailure: LedgerError?
    private var scratch = ByteBuffer(capacity: 4096)
    private var probe: (@Sendable (ProbedMessage?) -> Void)?

    init(loop: EventLoop, plan: LoadPlan, index: Int, count: Int, ledger: LedgerFile?) {
        self.loop = loop
        self.plan = plan
        self.ledger = ledger
        topic = plan.topic
        payload = plan.payload
        version = plan.mqttVersion
        isGateway = plan.gateways != nil
        quality = plan.api == .http || plan.qualityOfService > 0 ? .atLeastOnce : .atMostOnce
        part = SchedulePart(of: plan.schedule, loopIndex: index, loopCount: count)
    }

    // MARK: - Life, on the loop

    /// Makes the devices and begins to connect them.
    func connectAll() {
        // Time stamps of the warm-up count from here.
        start = LoadStart(monotonic: loop.now.nanoseconds, wallMilliseconds: loop.wallClockMilliseconds)
        devices = (0..<part.slotCount).map { DeviceClient(owner: self, index: part.device(slot: $0)) }
        for device in devices { device.wantConnection() }
        _ = loop.schedule(after: .seconds(1), repeating: .seconds(1)) { [unowned self] in sweep() }
        if ledger != nil {
            _ = loop.schedule(after: .milliseconds(10), repeating: .milliseconds(10)) { [unowned self] in flushLedger()
            }
        }
    }

    func beginSending(at start: LoadStart) {
        self.start = start
        isSending = true
        switch plan.pace {
        case .open:
            _ = loop.schedule(after: .milliseconds(1), repeating: .milliseconds(1)) { [unowned self] in playSchedule() }
        case .closed: for device in devices { device.pump() }
        case .idle: break
        }
    }

    func stopSending() {
        // What came due since the last tick still goes out.
        if case .open = plan.pace { playSchedule() }
        isSending = false
        probe?(nil)
        probe = nil
    }

    func stop() {
        stopSending()
        connectQueue = []
        for device in devices { device.stop() }
        flushLedger()
    }

    private func playSchedule() {
        let now = loop.now.nanoseconds
        guard isSending, now >= start.monotonic else { return }
        while let slot = part.takeDue(elapsed: now - start.monotonic) {
            counters.due += 1
            devices[slot].messageDue()
        }
    }

    private func sweep() {
        let now = loop.now.nanoseconds
        for device in devices { device.sweep(now: now) }
    }

    // MARK: - Connecting

    func queueConnect(_ device: DeviceClient, after delay: Duration? = nil) {
        guard let delay else {
            connectQueue.append(device)
            return connectNext()
        }
        _ = loop.schedule(after: delay) { [unowned self] in queueConnect(device) }
    }

    /// Starts connections while there is room: a listener's backlog is finite.
    private func connectNext() {
        while connecting < plan.connectingLimit, connectQueueHead < connectQueue.count {
            let device = connectQueue[connectQueueHead]
            connectQueueHead += 1
            connecting += 1
            device.connect()
        }
        if connectQueueHead == connectQueue.count {
            connectQueue.removeAll(keepingCapacity: true)
            connectQueueHead = 0
        }
    }

    func deviceDidConnect() {
        counters.connected += 1
        openConnections += 1
        connecting -= 1
        connectNext()
    }

    func deviceDidFailToConnect() {
        connecting -= 1
        connectNext()
    }

    func deviceDidDisconnect() {
        openConnections -= 1
    }

    // MARK: - Messages

    /// Whether the server acknowledges messages.
    var hasAnswers: Bool { quality != .atMostOnce }

    /// Appends the PUBLISH of a message.
    func appendPublish(_ message: InFlightMessage, to out: inout ByteBuffer) {
        scratch.removeAll()
        appendDocument(message)
        let topic = topic
        scratch.withSpan { document in
            MQTTPublish.encode(
                topic: topic.span, payload: document, qos: quality, packetIdentifier: message.packetIdentifier,
                version: version, into: &out)
        }
    }

    /// The document of a message.
    func payload(_ message: InFlightMessage) -> [UInt8] {
        scratch.removeAll()
        appendDocument(message)
        return scratch.copy()
    }

    /// A gateway names the device: `{"DW00000017":[{"ts":..,"values":{..}}]}`.
    private func appendDocument(_ message: InFlightMessage) {
        let device = Int(message.device)
        if isGateway {
            scratch.append(utf8: "{\"DW" as StaticString)
            var divisor = UInt64(10_000_000)
            while divisor > 0 {
                scratch.append(UInt8(48 + UInt64(device) / divisor % 10))
                divisor /= 10
            }
            scratch.append(utf8: "\":[" as StaticString)
        }
        payload.append(device: device, timestamp: message.timestamp, alarm: message.isAlarm, to: &scratch)
        if isGateway { scratch.append(utf8: "]}" as StaticString) }
    }

    func didSend(device: Int, timestamp: Int64, due: UInt64) {
        guard let probe else { return }
        self.probe = nil
        probe(ProbedMessage(device: device, timestamp: timestamp, due: due))
    }

    func didAcknowledge(_ message: InFlightMessage) {
        if ledger != nil {
            page.append(LedgerRecord(device: UInt32(message.device), timestamp: message.timestamp))
            if page.byteCount >= 65_536 { flushLedger() }
        }
        guard message.isMeasured else { return }
        counters.acknowledged += 1
        if message.isAlarm { counters.alarms += 1 }
        let now = loop.now.nanoseconds
        latencies.record(microseconds: now > message.due ? (now - message.due) / 1000 : 0)
    }

    private func flushLedger() {
        guard let ledger else { return }
        do {
            try ledger.write(&page)
        } catch {
            ledgerFailure = error
        }
    }

    // MARK: - Looking

    /// What happened since the start, and the latencies since the last call.
    func takeSnapshot() throws(LedgerError) -> LoopSnapshot {
        if let ledgerFailure { throw ledgerFailure }
        let snapshot = LoopSnapshot(
            counters: counters, inFlight: devices.reduce(0) { $0 + $1.window.count },
            waiting: devices.reduce(0) { $0 + $1.waitingCount }, openConnections: openConnections,
            latencies: latencies)
        latencies.reset()
        return snapshot
    }

    /// Calls `body`, on the loop, with the next message that is sent, or with `nil` when none will be.
    func probeNext(_ body: @escaping @Sendable (ProbedMessage?) -> Void) {
        precondition(probe == nil, "a second probe")
        if isSending { probe = body } else { body(nil) }
    }
}

/// A message whose way to the database somebody watches.
struct ProbedMessage: Sendable {
    var device: Int
    var timestamp: Int64
    /// Nanoseconds of the monotonic clock.
    var due: UInt64
}
