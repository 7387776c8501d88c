import Messages
import Model
import Queue
import Reactor

/// One attempt of a message to get through its chain.
final class MessageAttempt {
    unowned let queue: ScheduledQueue
    let slot: UInt32
    /// Whether the message was never tried before by this process.
    let isFirst: Bool
    /// Whether it took too long: it ends before the next rule node.
    var isStopped = false

    init(queue: ScheduledQueue, slot: UInt32, isFirst: Bool) {
        self.queue = queue
        self.slot = slot
        self.isFirst = isFirst
    }
}

/// The messages of one queue on one lane that its strategies apply to. Owned by the shard's loop.
///
/// Outcomes come while messages run; what follows from them is done by ``settle()``, which the shard calls when nothing runs,
/// so that one message never runs inside another.
final class ScheduledQueue {
    private struct Held {
        let message: RuleMessage
        let ticket: DeliveryTicket
        let lane: RuleEngineLane
        var attempt: MessageAttempt?
        /// Whether its last attempt took too long.
        var wasStopped = false
    }

    let name: String
    private(set) var strategies: QueueStrategies
    private let loop: EventLoop
    private let metrics: RuleEngineMetrics
    private let run: (RuleMessage, MessageAttempt) -> Void
    private var schedule: MessageSchedule
    private var held: [UInt32: Held] = [:]
    private var actions: [MessageSchedule.Action] = []
    private var isSettling = false
    private var wakesAt: MonotonicTime?
    private var reports: [TenantID: QueueReport] = [:]

    /// - Parameter run: Starts a message at its first node.
    init(
        name: String, strategies: QueueStrategies, loop: EventLoop, metrics: RuleEngineMetrics,
        run: @escaping (RuleMessage, MessageAttempt) -> Void
    ) {
        self.name = name
        self.strategies = strategies
        self.loop = loop
        self.metrics = metrics
        self.run = run
        schedule = MessageSchedule(strategies)
    }

    var count: Int { schedule.count }

    /// What became of messages since it was asked last, by tenant.
    func takeReports() -> [TenantID: QueueReport] {
        defer { reports = [:] }
        return reports
    }

    func note(_ failure: RuleNodeFailure, of tenant: TenantID) {
        if reports[tenant]?.firstError == nil { reports[tenant, default: QueueReport()].firstError = failure }
    }

    /// Begins a delivery; the number of its messages in this queue.
    func beginDelivery(of size: Int) -> UInt32 { schedule.beginDelivery(of: size) }

    func accept(_ message: RuleMessage, _ ticket: DeliveryTicket, delivery: UInt32, from lane: RuleEngineLane) {
        let slot = schedule.add(originator: message.originator.uuid, tenant: message.tenantID, delivery: delivery)
        held[slot] = Held(message: message, ticket: ticket, lane: lane)
    }

    func ended(_ attempt: MessageAttempt, _ outcome: DeliveryOutcome) {
        held[attempt.slot]?.attempt = nil
        schedule.ended(attempt.slot, outcome, at: loop.now, &actions)
    }

    /// The message goes on in another queue, whose outcome is that of the attempt.
    func handOver(_ attempt: MessageAttempt) {
        schedule.handOver(attempt.slot, at: loop.now, &actions)
    }

    /// The message waits for an earlier one of its originator: its time stands still.
    func pause(_ attempt: MessageAttempt) { schedule.pause(attempt.slot) }

    func goOn(_ attempt: MessageAttempt) { schedule.goOn(attempt.slot, at: loop.now) }

    func release(producer: UInt32) {
        let slots = held.filter { $0.value.ticket.producer == producer }.map(\.key).sorted()
        schedule.giveBack(slots, at: loop.now, &actions)
    }

    /// Processes what it has as these say, but for the way to submit, which stays.
    func follow(_ changed: QueueStrategies) {
        guard changed.processing != strategies.processing || changed.timeout != strategies.timeout else { return }
        strategies.processing = changed.processing
        strategies.timeout = changed.timeout
        schedule.process(by: changed.processing, timeout: changed.timeout, at: loop.now, &actions)
        settle()
    }

    /// Begins what may begin, and does what follows, until nothing is left to do.
    func settle() {
        guard !isSettling else { return }
        isSettling = true
        schedule.begin(at: loop.now, &actions)
        var next = 0
        while next < actions.count {
            perform(actions[next])
            next += 1
            if next == actions.count { schedule.begin(at: loop.now, &actions) }
        }
        actions.removeAll(keepingCapacity: true)
        isSettling = false
        let counts = schedule.takeCounts()
        metrics.failedForNow += counts.failedForNow
        metrics.timedOutForNow += counts.timedOutForNow
        metrics.timedOut += counts.timedOut
        wake()
    }

    private func perform(_ action: MessageSchedule.Action) {
        switch action {
        case .run(let slot, let number):
            let attempt = MessageAttempt(queue: self, slot: slot, isFirst: number == 1)
            guard let message = held[slot]?.message else { preconditionFailure("slot \(slot) holds no message") }
            if !attempt.isFirst { countAnother(message.tenantID, afterStop: held[slot]!.wasStopped) }
            held[slot]!.attempt = attempt
            held[slot]!.wasStopped = false
            run(message, attempt)
        case .stop(let slot):
            held[slot]?.attempt?.isStopped = true
            held[slot]?.wasStopped = true
        case .tell(let slot, let outcome):
            guard let message = held[slot] else { preconditionFailure("slot \(slot) holds no message") }
            switch outcome {
            case .acknowledged: metrics.successful += 1
            case .failed: metrics.failed += 1
            case .lost: break  // Counted as timed out.
            }
            reports[message.message.tenantID, default: QueueReport()].counts.note(outcome)
            message.lane.tell(outcome, of: message.ticket)
        case .giveBack(let slot):
            guard let message = held[slot] else { preconditionFailure("slot \(slot) holds no message") }
            message.lane.giveBack(message.ticket)
        case .forget(let slot):
            held[slot] = nil
        }
    }

    private func countAnother(_ tenant: TenantID, afterStop: Bool) {
        if afterStop {
            reports[tenant, default: QueueReport()].counts.timedOutForNow += 1
        } else {
            reports[tenant, default: QueueReport()].counts.failedForNow += 1
        }
    }

    /// Sees to it that the schedule hears of the time.
    private func wake() {
        guard let time = schedule.nextTime, wakesAt.map({ time < $0 }) ?? true else { return }
        wakesAt = time
        let delay = max(.zero, time - loop.now)
        // Strong: messages are owed their outcomes, also when the queue has other strategies by now.
        loop.schedule(after: delay + .milliseconds(1)) { [self] in
            if wakesAt == time { wakesAt = nil }
            schedule.advance(to: loop.now, &actions)
            settle()
        }
    }
}

extension MessageDuty {
    /// Whether the attempt that it belongs to is to end.
    var isStopped: Bool {
        switch self {
        case .ticket, .none: false
        case .attempt(let attempt): attempt.isStopped
        case .copy(let shared): shared.duty.isStopped
        case .placed(let branch): branch.duty.isStopped
        }
    }

    /// The attempt that it belongs to.
    var attempt: MessageAttempt? {
        switch self {
        case .ticket, .none: nil
        case .attempt(let attempt): attempt
        case .copy(let shared): shared.duty.attempt
        case .placed(let branch): branch.duty.attempt
        }
    }

    /// The queue whose strategies it follows.
    var queue: ScheduledQueue? { attempt?.queue }

    /// Whether the message begins for the first time.
    var isFirstAttempt: Bool {
        if case .attempt(let attempt) = self { attempt.isFirst } else { true }
    }

    /// Whether the message runs again when it fails.
    var retriesFailed: Bool { queue?.strategies.processing.retriesFailed ?? false }
}
