public import Model
public import Reactor

/// Decides when the messages of one queue on one lane begin, begin again, and are given up: the strategies of the queue as
/// a state machine. It does no I/O, takes the time from its caller, and answers with what is to be done.
///
///     arrived ──► waiting ──► running ──► done
///                    ▲           │ failed, or timed out and stopped
///                    └─ pausing ◄┘
///
/// A message that timed out is told to stop, and keeps its place until it has: it never runs twice at a time. What is stored
/// of it in the meantime counts.
public struct MessageSchedule {
    public enum Action: Equatable, Sendable {
        /// Run the message from its start.
        case run(UInt32, attempt: UInt32)
        /// Let the attempt end at the next rule node.
        case stop(UInt32)
        /// Tell the queue. The message may still be on its way to its stop.
        case tell(UInt32, DeliveryOutcome)
        /// Forget it.
        case forget(UInt32)
        /// It was told to nobody, and begins no more here.
        case giveBack(UInt32)
    }

    /// What was counted since it was asked last.
    public struct Counts: Equatable, Sendable {
        /// Attempts that are followed by another.
        public var failedForNow = 0
        public var timedOutForNow = 0
        /// Messages that were given up because of time.
        public var timedOut = 0
    }

    private enum Phase: Equatable {
        case waiting
        case running
        /// Timed out, and not stopped yet. `again`: it runs again then; else its outcome was told.
        case stopping(again: Bool)
        case pausing
        /// In another queue.
        case elsewhere
    }

    private struct Entry {
        var phase = Phase.waiting
        var group: UUID128
        var delivery: UInt32
        var attempt: UInt32 = 0
        /// Whether others of its group, or of the next batch, wait for it.
        var hasTurn = false
        /// Whether it counts among its delivery's unsuccessful messages.
        var isUnsuccessful = false
        /// Branches of it that wait for an earlier message of their originator.
        var paused: UInt32 = 0
        /// When the last of them went on.
        var wentOn: MonotonicTime?
        /// Its queue has been taken away: no more retries.
        var isGivenBack = false
    }

    private struct SharedDelivery {
        var size: Int
        var open: Int
        var unsuccessful = 0
        /// Too many were unsuccessful at a time: none of it runs again.
        var isGivenUp = false
    }

    /// Attempts that run at a time, those that are to stop included: what the storage has is bounded by it.
    public static let maximumRunning = 10_000

    private var strategies: QueueStrategies
    private let maximumRunning: Int
    private var entries: [UInt32: Entry] = [:]
    private var nextSlot: UInt32 = 0
    private var runningCount = 0
    /// Slots that may run as soon as there is room.
    private var ready = Fifo<UInt32>()
    /// By group, those behind the one that has its turn.
    private var behind: [UUID128: Fifo<UInt32>] = [:]
    private var busy: Set<UUID128> = []
    /// Of a batch: those that are not done.
    private var batchCount = 0
    private var gathering = Fifo<UInt32>()
    /// All take the same time, so they are in order. At most about twice as many as run: one that is over is dropped.
    private var timeouts = Fifo<(slot: UInt32, attempt: UInt32, at: MonotonicTime)>()
    /// Ordered by time.
    private var pauses: [(at: MonotonicTime, slot: UInt32)] = []
    private var deliveries: [UInt32: SharedDelivery] = [:]
    private var nextDelivery: UInt32 = 0
    public private(set) var counts = Counts()

    public init(_ strategies: QueueStrategies, maximumRunning: Int = Self.maximumRunning) {
        self.strategies = strategies
        self.maximumRunning = maximumRunning
    }

    /// Messages that are not forgotten.
    public var count: Int { entries.count }
    /// Messages that wait for their turn or for another attempt.
    public var waitingCount: Int { entries.count - runningCount }

    public mutating func takeCounts() -> Counts {
        defer { counts = Counts() }
        return counts
    }

    // MARK: - Input

    /// Processes everything by another strategy from now on, also what is in work; the way to submit stays. What pauses begins
    /// again at once, and is done or given up as the new strategy says.
    public mutating func process(
        by processing: ProcessingStrategy, timeout: Duration, at now: MonotonicTime, _ actions: inout [Action]
    ) {
        strategies.processing = processing
        strategies.timeout = timeout
        for index in pauses.indices { pauses[index].at = now }
        advance(to: now, &actions)
    }

    /// Begins a delivery: messages that came together. Its failures are counted together.
    public mutating func beginDelivery(of size: Int) -> UInt32 {
        nextDelivery &+= 1
        if strategies.processing.failurePercentage > 0, size > 0 {
            deliveries[nextDelivery] = SharedDelivery(size: size, open: size)
        }
        return nextDelivery
    }

    /// Takes a message; returns its slot, which names it until it is forgotten.
    public mutating func add(
        originator: UUID128, tenant: TenantID, delivery: UInt32
    ) -> UInt32 {
        repeat { nextSlot &+= 1 } while entries[nextSlot] != nil
        let slot = nextSlot
        let group: UUID128 =
            switch strategies.submit {
            case .burst, .batch, .sequential: .zero
            case .sequentialByOriginator: originator
            case .sequentialByTenant: tenant.uuid
            }
        entries[slot] = Entry(group: group, delivery: delivery)
        switch strategies.submit {
        case .burst: ready.append(slot)
        case .batch: gathering.append(slot)
        case .sequentialByOriginator, .sequentialByTenant, .sequential:
            if busy.insert(group).inserted {
                entries[slot]!.hasTurn = true
                ready.append(slot)
            } else {
                behind[group, default: Fifo()].append(slot)
            }
        }
        return slot
    }

    /// What may begin now.
    public mutating func begin(at now: MonotonicTime, _ actions: inout [Action]) {
        if case .batch(let size) = strategies.submit, batchCount == 0 {
            while batchCount < size, let slot = gathering.popFirst() {
                guard entries[slot] != nil else { continue }
                entries[slot]!.hasTurn = true
                batchCount += 1
                ready.append(slot)
            }
        }
        while runningCount < maximumRunning, let slot = ready.popFirst() { run(slot, now, &actions) }
    }

    /// An attempt has ended. ``DeliveryOutcome/lost`` says that it was stopped on its way.
    public mutating func ended(
        _ slot: UInt32, _ outcome: DeliveryOutcome, at now: MonotonicTime, _ actions: inout [Action]
    ) {
        guard let entry = entries[slot] else { return }
        if entry.phase != .elsewhere { runningCount -= 1 }
        switch entry.phase {
        case .elsewhere:
            actions.append(.tell(slot, outcome))
            forget(slot, &actions)
        case .stopping(again: false):
            forget(slot, &actions)
        case .running, .stopping(again: true):
            if outcome == .acknowledged {
                finish(slot, .acknowledged, &actions)
                forget(slot, &actions)
            } else {
                retry(slot, isTimedOut: entry.phase != .running, now, &actions)
            }
        case .waiting, .pausing:
            preconditionFailure("slot \(slot) ended and was \(entry.phase)")
        }
    }

    /// A message goes on in another queue: here it has no turn and no end of its time any more, and no other attempt. What
    /// ``ended(_:_:at:_:)`` says of it is told.
    public mutating func handOver(_ slot: UInt32, at now: MonotonicTime, _ actions: inout [Action]) {
        guard entries[slot]?.phase == .running else { return }
        entries[slot]!.phase = .elsewhere
        runningCount -= 1
        leave(slot)
        begin(at: now, &actions)
    }

    /// A branch of a message waits for an earlier message: its time does not count meanwhile.
    public mutating func pause(_ slot: UInt32) { entries[slot]?.paused += 1 }

    /// The branch goes on: it has the whole time again, and up to as much more.
    public mutating func goOn(_ slot: UInt32, at now: MonotonicTime) {
        guard let entry = entries[slot], entry.paused > 0 else { return }
        entries[slot]!.paused -= 1
        entries[slot]!.wentOn = now
    }

    /// What the time brings: messages that took too long, and those whose pause is over.
    public mutating func advance(to now: MonotonicTime, _ actions: inout [Action]) {
        while let first = timeouts.first, first.at <= now {
            _ = timeouts.popFirst()
            guard let entry = entries[first.slot], entry.phase == .running, entry.attempt == first.attempt else {
                continue
            }
            if entry.paused > 0 || entry.wentOn.map({ $0 + strategies.timeout > now }) ?? false {
                timeouts.append((first.slot, first.attempt, now + max(strategies.timeout, .milliseconds(1))))
                continue
            }
            timeOut(first.slot, &actions)
        }
        var over = 0
        while over < pauses.count, pauses[over].at <= now {
            let slot = pauses[over].slot
            over += 1
            guard entries[slot]?.phase == .pausing else { continue }
            entries[slot]!.phase = .waiting
            ready.append(slot)
        }
        pauses.removeFirst(over)
        begin(at: now, &actions)
    }

    /// Times that are watched, those of attempts that have ended included.
    var watchedCount: Int { timeouts.count }

    /// When ``advance(to:_:)`` has something to do.
    public var nextTime: MonotonicTime? {
        switch (timeouts.first?.at, pauses.first?.at) {
        case (let a?, let b?): min(a, b)
        case (let a, let b): a ?? b
        }
    }

    /// Lets go of these: what does not run is given back, what runs has no other attempt.
    public mutating func giveBack(_ slots: [UInt32], at now: MonotonicTime, _ actions: inout [Action]) {
        for slot in slots {
            guard let entry = entries[slot] else { continue }
            entries[slot]!.isGivenBack = true
            guard entry.phase == .waiting || entry.phase == .pausing else { continue }
            actions.append(.giveBack(slot))
            leave(slot)
            forget(slot, &actions)
        }
        begin(at: now, &actions)
    }

    // MARK: - Steps

    private mutating func run(_ slot: UInt32, _ now: MonotonicTime, _ actions: inout [Action]) {
        // It may have been given back while it waited.
        guard var entry = entries[slot], entry.phase == .waiting else { return }
        entry.phase = .running
        entry.attempt += 1
        entry.paused = 0
        entry.wentOn = nil
        entries[slot] = entry
        runningCount += 1
        if strategies.processing.stopsTimedOut {
            dropEndedTimeouts()
            timeouts.append((slot, entry.attempt, now + strategies.timeout))
        }
        actions.append(.run(slot, attempt: entry.attempt))
    }

    private mutating func dropEndedTimeouts() {
        guard timeouts.count >= 1024, timeouts.count >= 2 * runningCount else { return }
        timeouts.removeAll { timeout in
            guard let entry = entries[timeout.slot] else { return true }
            return entry.phase != .running || entry.attempt != timeout.attempt
        }
    }

    private mutating func timeOut(_ slot: UInt32, _ actions: inout [Action]) {
        let again = strategies.processing.retriesTimedOut && mayRetry(slot)
        entries[slot]!.phase = .stopping(again: again)
        actions.append(.stop(slot))
        if again {
            counts.timedOutForNow += 1
        } else {
            counts.timedOut += 1
            let delivery = entries[slot]!
            // Nobody can say what of it will be stored.
            finish(slot, .lost, &actions)
            if isGivenUp(delivery) { giveUp(delivery.delivery, &actions) }
        }
    }

    private mutating func retry(
        _ slot: UInt32, isTimedOut: Bool, _ now: MonotonicTime, _ actions: inout [Action]
    ) {
        let entry = entries[slot]!
        if entry.isGivenBack {
            actions.append(.giveBack(slot))
            leave(slot)
            return forget(slot, &actions)
        }
        guard !isGivenUp(entry), isTimedOut || strategies.processing.retriesFailed && mayRetry(slot) else {
            finish(slot, isTimedOut ? .lost : .failed, &actions)
            forget(slot, &actions)
            if isGivenUp(entry) { giveUp(entry.delivery, &actions) }
            return
        }
        if !isTimedOut { counts.failedForNow += 1 }
        entries[slot]!.phase = .pausing
        let at = now + strategies.processing.pause(before: Int(entry.attempt))
        var index = pauses.endIndex
        while index > 0, pauses[index - 1].at > at { index -= 1 }
        pauses.insert((at, slot), at: index)
    }

    private func isGivenUp(_ entry: Entry) -> Bool { deliveries[entry.delivery]?.isGivenUp ?? false }

    /// Whether the message, which was unsuccessful just now, may have another attempt.
    private mutating func mayRetry(_ slot: UInt32) -> Bool {
        let entry = entries[slot]!
        let retries = strategies.processing.retries
        if retries > 0, Int(entry.attempt) > retries { return false }
        guard var delivery = deliveries[entry.delivery] else { return true }
        if !entry.isUnsuccessful {
            entries[slot]!.isUnsuccessful = true
            delivery.unsuccessful += 1
            let limit = strategies.processing.failurePercentage * Double(delivery.size)
            if Double(delivery.unsuccessful) * 100 > limit { delivery.isGivenUp = true }
            deliveries[entry.delivery] = delivery
        }
        return !delivery.isGivenUp
    }

    /// Gives up what waits for another attempt in a delivery of which too much was unsuccessful.
    private mutating func giveUp(_ delivery: UInt32, _ actions: inout [Action]) {
        for (_, slot) in pauses where entries[slot]?.phase == .pausing && entries[slot]?.delivery == delivery {
            finish(slot, .failed, &actions)
            forget(slot, &actions)
        }
    }

    /// The message has its outcome; others may have their turn.
    private mutating func finish(_ slot: UInt32, _ outcome: DeliveryOutcome, _ actions: inout [Action]) {
        actions.append(.tell(slot, outcome))
        leave(slot)
    }

    private mutating func leave(_ slot: UInt32) {
        let entry = entries[slot]!
        entries[slot]!.hasTurn = false
        switch strategies.submit {
        case .burst: break
        // One that is given back may not have had it.
        case .batch: if entry.hasTurn { batchCount -= 1 }
        case .sequentialByOriginator, .sequentialByTenant, .sequential: if entry.hasTurn { passTurn(of: entry.group) }
        }
        if var delivery = deliveries[entry.delivery] {
            if entry.isUnsuccessful { delivery.unsuccessful -= 1 }
            delivery.open -= 1
            deliveries[entry.delivery] = delivery.open == 0 ? nil : delivery
        }
    }

    private mutating func passTurn(of group: UUID128) {
        while let next = behind[group]?.popFirst() {
            guard entries[next] != nil else { continue }  // It was given back.
            entries[next]!.hasTurn = true
            ready.append(next)
            return
        }
        behind[group] = nil
        busy.remove(group)
    }

    private mutating func forget(_ slot: UInt32, _ actions: inout [Action]) {
        entries[slot] = nil
        actions.append(.forget(slot))
    }
}

/// First in, first out.
struct Fifo<Element> {
    private var elements: [Element] = []
    private var head = 0

    var count: Int { elements.count - head }
    var first: Element? { head < elements.count ? elements[head] : nil }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func removeAll(where isUnwanted: (Element) -> Bool) {
        elements.removeFirst(head)
        head = 0
        elements.removeAll(where: isUnwanted)
    }

    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        defer {
            head += 1
            if head >= 1024, head * 2 >= elements.count {
                elements.removeFirst(head)
                head = 0
            }
        }
        return elements[head]
    }
}
