public import Messages
import Metrics
public import Model
public import Queue
public import Reactor
public import Telemetry

/// What became of an uplink that was handed in.
public enum UplinkAdmission: Sendable {
    /// Its target will be told.
    case pending
    /// It held nothing to process; there is nothing to wait for.
    case acknowledged
    /// It is more than the limits of tenant, device or gateway let pass; nothing was handed over.
    case limited
}

/// The transports' shared path to the queues on one event loop: decoding, batching, back pressure, tickets.
///
/// Owned by its loop; every call is made on it. Uplinks of one tick travel as one batch a lane.
public final class TransportLoop {
    public let loop: EventLoop
    public let configuration: TransportConfiguration
    public let api: any TransportAPI
    /// Shared by all loops of the process.
    public let limits: TransportRateLimits
    let core: any CoreQueueProducer
    let queue: any RuleEngineQueue
    private let decoder: TelemetryDecoder
    private let producer: any UplinkProducer
    private var batches: [UplinkBatch?]
    private var dirtyLanes: [Int] = []
    /// Submitted batches, oldest first; one that nobody else holds any more is used again.
    private var submitted: [UplinkBatch] = []
    private static let maximumKeptBatches = 8
    /// A batch with more points is given back: its memory would stay for good.
    private static let maximumKeptPoints = 4096
    private let tickets: TicketBox
    let metrics: TransportMetrics
    private var records: [TelemetryRecord] = []

    /// Called on `loop`.
    public init(
        loop: EventLoop, configuration: TransportConfiguration, queue: any RuleEngineQueue, core: any CoreQueueProducer,
        api: any TransportAPI, limits: TransportRateLimits = TransportRateLimits(), metrics: TransportMetrics
    ) {
        self.loop = loop
        self.configuration = configuration
        self.api = api
        self.limits = limits
        self.core = core
        self.queue = queue
        self.metrics = metrics
        decoder = TelemetryDecoder(options: configuration.decoding)
        let tickets = TicketBox(
            maximumMessages: configuration.maximumUnacknowledgedMessages,
            maximumBytes: configuration.maximumUnacknowledgedBytes)
        self.tickets = tickets
        producer = queue.makeUplinkProducer(on: loop) { outcomes in
            tickets.finish(outcomes, metrics: metrics)
        }
        batches = Array(repeating: nil, count: producer.laneCount)
        loop.addTickHook { [unowned self] in submitBatches() }
    }

    // MARK: - Sessions

    public func lane(of device: DeviceID) -> Int { producer.lane(for: device.uuid) }

    /// Tells the device's core node; `false` when its queue is full.
    public func sessionOpened(_ session: SessionInfo) -> Bool {
        core.send(.sessionOpened(session), device: session.device.deviceID)
    }

    /// Tells the device's core node. A full queue loses it; the node then learns when it closes the session itself.
    public func sessionClosed(_ session: SessionInfo) {
        if !core.send(.sessionClosed(session), device: session.device.deviceID) { metrics.coreQueueFull.increment() }
    }

    // MARK: - Back pressure

    /// Whether the loop has as many unacknowledged messages of the tenant as it may have. Whoever reads a socket stops then
    /// and calls ``waitForRoom(of:_:)``.
    ///
    /// - Parameter tenant: Of the session that reads.
    public func isSaturated(by tenant: TenantID) -> Bool { tickets.isSaturated(by: tenant) }

    /// Calls `resume` on the loop when there is room for the tenant again.
    public func waitForRoom(of tenant: TenantID, _ resume: @escaping () -> Void) {
        tickets.wait(tenant, resume)
        metrics.pausedReads.increment()
    }

    // MARK: - Uplinks

    /// Decodes a telemetry payload and hands its records to the rule engine.
    ///
    /// - Parameters:
    ///   - lane: ``lane(of:)`` of the session's device.
    ///   - target: Told with `tag` when every record is durable, unless the result is `.acknowledged`.
    ///   - limiter: Of the session; `nil` for none.
    /// - Throws: When the payload is invalid; nothing was handed over then.
    public func postTelemetry(
        _ payload: Span<UInt8>, session: SessionInfo, lane: Int, limiter: SessionLimiter? = nil,
        target: any UplinkTarget, tag: UInt32
    ) throws(TelemetryError) -> UplinkAdmission {
        let batch = openBatch(lane)
        records.removeAll(keepingCapacity: true)
        try decoder.decodeTelemetry(
            payload, receivedAt: loop.wallClockMilliseconds, into: &batch.arena, records: &records)
        return handTelemetry(
            of: batch, byteCount: payload.count, session: session, limiter: limiter, target: target, tag: tag)
    }

    /// Hands `records` to the rule engine.
    @inline(__always)
    private func handTelemetry(
        of batch: UplinkBatch, byteCount: Int, session: SessionInfo, limiter: SessionLimiter?, target: any UplinkTarget,
        tag: UInt32
    ) -> UplinkAdmission {
        guard !records.isEmpty else { return .acknowledged }
        if let limiter, !limiter.isUnlimited {
            var load = TransportLoad()
            for record in records { load.add(dataPoints: Int(record.pointCount)) }
            guard limiter.admits(load, now: loop.now) else {
                // The points of the batch that nobody refers to are left there.
                metrics.limited.increment()
                return .limited
            }
        }
        let ticket = tickets.issue(
            records.count, byteCount: byteCount, tenant: session.device.tenantID, target: target, tag: tag)
        var points = 0
        for record in records {
            points &+= Int(record.pointCount)
            batch.messages.append(
                UplinkMessage(
                    session: session, kind: .telemetry, timestamp: record.timestamp, firstPoint: record.firstPoint,
                    pointCount: record.pointCount, ticket: ticket))
        }
        metrics.noteTelemetry(messages: records.count, points: points)
        return .pending
    }

    /// Hands over telemetry whose values have their types already.
    public func postTelemetry(
        _ typed: [TypedRecord], session: SessionInfo, lane: Int, limiter: SessionLimiter? = nil,
        target: any UplinkTarget, tag: UInt32
    ) -> UplinkAdmission {
        let batch = openBatch(lane)
        records.removeAll(keepingCapacity: true)
        for record in typed {
            let first = batch.arena.count
            record.append(to: &batch.arena)
            let time = record.timestamp == 0 ? loop.wallClockMilliseconds : record.timestamp
            records.append(TelemetryRecord(timestamp: time, points: first..<batch.arena.count))
        }
        return handTelemetry(
            of: batch, byteCount: typed.reduce(0) { $0 + $1.byteCount }, session: session, limiter: limiter,
            target: target, tag: tag)
    }

    /// Decodes an attributes payload and hands it to the rule engine as client attributes.
    public func postAttributes(
        _ payload: Span<UInt8>, session: SessionInfo, lane: Int, limiter: SessionLimiter? = nil,
        target: any UplinkTarget, tag: UInt32
    ) throws(TelemetryError) -> UplinkAdmission {
        let batch = openBatch(lane)
        let points = try decoder.decodeAttributes(payload, into: &batch.arena)
        return handAttributes(
            points, of: batch, byteCount: payload.count, session: session, limiter: limiter, target: target, tag: tag)
    }

    /// Hands over client attributes whose values have their types already.
    public func postAttributes(
        _ typed: TypedRecord, session: SessionInfo, lane: Int, limiter: SessionLimiter? = nil,
        target: any UplinkTarget, tag: UInt32
    ) -> UplinkAdmission {
        let batch = openBatch(lane)
        let first = batch.arena.count
        typed.append(to: &batch.arena)
        return handAttributes(
            first..<batch.arena.count, of: batch, byteCount: typed.byteCount, session: session, limiter: limiter,
            target: target, tag: tag)
    }

    @inline(__always)
    private func handAttributes(
        _ points: Range<Int>, of batch: UplinkBatch, byteCount: Int, session: SessionInfo, limiter: SessionLimiter?,
        target: any UplinkTarget, tag: UInt32
    ) -> UplinkAdmission {
        if let limiter, !limiter.isUnlimited {
            var load = TransportLoad()
            load.add(dataPoints: points.count)
            guard limiter.admits(load, now: loop.now) else {
                metrics.limited.increment()
                return .limited
            }
        }
        let ticket = tickets.issue(
            1, byteCount: byteCount, tenant: session.device.tenantID, target: target, tag: tag)
        batch.messages.append(
            UplinkMessage(
                session: session, kind: .attributes, timestamp: loop.wallClockMilliseconds,
                firstPoint: UInt32(points.lowerBound), pointCount: UInt32(points.count), ticket: ticket))
        metrics.noteAttributes(points: points.count)
        return .pending
    }

    private func openBatch(_ lane: Int) -> UplinkBatch {
        if let batch = batches[lane] { return batch }
        let batch = reusedBatch() ?? UplinkBatch()
        batches[lane] = batch
        dirtyLanes.append(lane)
        return batch
    }

    /// The oldest submitted batch, if everybody else is done with it.
    private func reusedBatch() -> UplinkBatch? {
        guard !submitted.isEmpty, isKnownUniquelyReferenced(&submitted[0]) else { return nil }
        let batch = submitted.removeFirst()
        batch.removeAll()
        return batch
    }

    private func submitBatches() {
        guard !dirtyLanes.isEmpty else { return }
        for lane in dirtyLanes {
            guard let batch = batches[lane].take(), !batch.messages.isEmpty else { continue }
            producer.submit(batch, lane: lane)
            guard batch.arena.points.count <= Self.maximumKeptPoints else { continue }
            if submitted.count == Self.maximumKeptBatches { submitted.removeFirst() }
            submitted.append(batch)
        }
        dirtyLanes.removeAll(keepingCapacity: true)
        metrics.publish()
    }
}

/// The tickets of a loop and those who wait for room. Owned by the loop.
private final class TicketBox {
    private var tickets: UplinkTickets
    /// Those who wait, by the share that they wait for.
    private var waiting: [UplinkTickets.Share: [() -> Void]] = [:]

    init(maximumMessages: Int, maximumBytes: Int) {
        tickets = UplinkTickets(maximumMessages: maximumMessages, maximumBytes: maximumBytes)
    }

    func isSaturated(by tenant: TenantID) -> Bool {
        let share = tickets.share(of: tenant)
        // Whoever comes while others of the tenant wait waits behind them.
        return !tickets.admits(share) || !waiting.isEmpty && waiting[share] != nil
    }

    func wait(_ tenant: TenantID, _ resume: @escaping () -> Void) {
        waiting[tickets.share(of: tenant), default: []].append(resume)
    }

    func issue(_ records: Int, byteCount: Int, tenant: TenantID, target: any UplinkTarget, tag: UInt32) -> UInt32 {
        tickets.issue(records, byteCount: byteCount, tenant: tenant, target: target, tag: tag)
    }

    func finish(_ outcomes: [TicketOutcome], metrics: TransportMetrics) {
        var failed = 0
        for outcome in outcomes {
            if outcome.outcome != .acknowledged { failed &+= 1 }
            guard let uplink = tickets.finish(outcome.ticket, isLost: outcome.outcome == .lost) else { continue }
            if uplink.isLost {
                uplink.target.uplinkLost(tag: uplink.tag)
            } else {
                uplink.target.uplinkFinished(tag: uplink.tag)
            }
        }
        metrics.noteOutcomes(outcomes.count, failed: failed, unacknowledged: tickets.unacknowledgedCount)
        resumeWaiting()
    }

    private func resumeWaiting() {
        guard !waiting.isEmpty else { return }
        for share in Array(waiting.keys) where tickets.readmits(share) {
            for resume in waiting.removeValue(forKey: share) ?? [] { resume() }
        }
    }
}
