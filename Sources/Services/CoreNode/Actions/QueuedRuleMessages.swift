public import Logging
public import Messages
public import Model
public import Queue
internal import Reactor
internal import Synchronization

/// Messages of the API on their way to the rule engine's queue.
///
/// What the queue does not take waits here, in order, and is offered again and again; that of one tenant holds up nobody else.
/// Whoever is about to change something asks for room first: so what waits is bounded by ``capacity``, of which no tenant has
/// all, and by the changes that were under way when it was reached.
public final class QueuedRuleMessages: RuleMessageSink {
    private struct State {
        var waiting = TenantLines()
        /// Somebody is sending; whoever adds a message leaves it to them.
        var isSending = false
        /// Offered, and without an outcome.
        var offered = 0
    }

    private let queue: any RuleEngineQueue
    private let logger: Logger
    private let capacity: Int
    private let patience: Duration
    private let state = Mutex(State())

    private static let pause: Duration = .milliseconds(20)

    /// - Parameters:
    ///   - capacity: Messages that may wait before changes are refused.
    ///   - patience: How long ``hasRoom(of:)`` waits.
    public init(
        queue: any RuleEngineQueue, logger: Logger, capacity: Int = 10_000, patience: Duration = .seconds(5)
    ) {
        self.queue = queue
        self.logger = logger
        self.capacity = capacity
        self.patience = patience
    }

    /// Messages that the queue has not taken yet.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    public func hasRoom(of tenant: TenantID) async -> Bool {
        if admits(tenant) { return true }
        let deadline = ContinuousClock.now + patience
        while !admits(tenant) {
            guard ContinuousClock.now < deadline else {
                logger.limited(
                    .warning, "changes are refused: the rule engine does not take messages fast enough",
                    ["tenant.id": .string(tenant.description)])
                return false
            }
            try? await Task.sleep(for: Self.pause)
        }
        return true
    }

    private func admits(_ tenant: TenantID) -> Bool {
        state.withLock { state in
            FairShare.admits(held: state.waiting.count(of: tenant), free: capacity - state.waiting.count)
        }
    }

    /// Waits until the queue has done what it was given.
    public func finish(within limit: Duration) async -> Int {
        let deadline = ContinuousClock.now + limit
        while true {
            let left = state.withLock { $0.waiting.count + $0.offered }
            if left == 0 || ContinuousClock.now >= deadline { return left }
            try? await Task.sleep(for: Self.pause)
        }
    }

    public func deliver(_ message: RuleMessage) async {
        while true {
            do throws(QueueError) {
                if try await queue.send(message) != .lost { return }
            } catch {
                logger.limited(
                    .warning, "a message for the rule engine waits: its queue is full",
                    ["tenant.id": .string(message.tenantID.description)])
            }
            try? await Task.sleep(for: Self.pause)
            if Task.isCancelled { return }
        }
    }

    public func send(_ message: RuleMessage) {
        state.withLock { $0.waiting.append(message) }
        sendWaiting()
    }

    private func sendWaiting() {
        let isMine = state.withLock { state in
            if state.isSending { return false }
            state.isSending = true
            return true
        }
        guard isMine else { return }
        while let message = next() { offer(message) }
    }

    /// The next message to offer; `nil` ends the sending.
    private func next() -> RuleMessage? {
        state.withLock { state in
            guard let message = state.waiting.popNext() else {
                state.isSending = false
                return nil
            }
            state.offered += 1
            return message
        }
    }

    private func offer(_ message: RuleMessage) {
        // Runs on this thread up to the queue, so that order is kept; ends with the message's outcome. On a loop it stays there.
        Task.immediate(executorPreference: EventLoop.current) {
            do throws(QueueError) {
                // One that the queue could not keep is offered again.
                let outcome = try await self.queue.send(message)
                if outcome == .lost { self.putBack(message) } else { self.state.withLock { $0.offered -= 1 } }
            } catch {
                guard error == .full else { return self.giveUp(message) }
                self.putBack(message)
            }
        }
    }

    /// The queue will never take it: what waits behind it goes on.
    private func giveUp(_ message: RuleMessage) {
        state.withLock { $0.offered -= 1 }
        logger.limited(
            .error, "a message for the rule engine is dropped: it is larger than its queue takes",
            ["tenant.id": .string(message.tenantID.description), "message.type": .string(message.type.name)])
    }

    /// The queue takes nothing of the tenant now: this message first, after a pause.
    private func putBack(_ message: RuleMessage) {
        let tenant = message.tenantID
        let isFirst = state.withLock { state in
            state.offered -= 1
            defer { state.waiting.putBack(message) }
            return state.waiting.hold(tenant)
        }
        guard isFirst else { return }
        logger.limited(
            .warning, "messages for the rule engine wait: its queue is full",
            ["tenant.id": .string(tenant.description)])
        Task {
            try? await Task.sleep(for: Self.pause)
            self.state.withLock { $0.waiting.release(tenant) }
            self.sendWaiting()
        }
    }
}
