import Messages
import Model
import Queue
import Reactor
import Storage

/// Messages whose nodes wait for something, and those that change queues.
extension RuleEngineShard {
    /// Keeps the message that a node is processing until `body` says what became of it.
    func later(_ message: RuleMessage, _ body: @escaping @Sendable () async throws -> NodeOutcome) {
        let slot = suspend(message)
        let bound = ShardReference(shard: self)
        Task(executorPreference: loop) {
            let outcome: NodeOutcome
            do {
                outcome = try await body()
            } catch DatabaseError.closed {
                // The process stops; the message has no outcome.
                return
            } catch let error as RuleNodeError {
                outcome = .failure(message, error.message)
            } catch {
                outcome = .failure(message, String(describing: error))
            }
            bound.shard.conclude(slot, outcome)
        }
    }

    /// Goes on with a message whose node has waited.
    private func conclude(_ slot: UInt32, _ outcome: NodeOutcome) {
        guard let entry = suspended.complete(slot, refused: false) else { return }
        if let (message, chain, node) = route(
            outcome.of(entry.message), entry.duty, entry.chain, entry.node)
        {
            run(message, entry.duty, chain, node)
        }
        runSteps()
        queues.settle()
    }

    /// Goes on behind a node that had the message already, in another queue or process.
    func goOn(_ message: RuleMessage, _ duty: MessageDuty, _ chain: RuleChain, _ node: Int) {
        var message = message
        let labels = message.labels
        message.labels = []
        let targets = chain.targets(of: node, labels.map { RelationLabel($0) })
        if let (message, chain, target) = forward(
            message, to: targets, labels.joined(separator: ", "), duty, chain)
        {
            run(message, duty, chain, target)
        }
    }

    /// Sends a message on through the queue that its node names (`rule-engine.md` 3.4).
    ///
    /// A queue that keeps what it is given takes the duty over. One inside the process does not: the message's own queue
    /// waits, and others of it may have their turn meanwhile.
    func move(_ message: RuleMessage, _ label: RelationLabel, _ duty: MessageDuty, _ chain: RuleChain, _ node: Int) {
        guard let queue = context.outlets.queue else {
            return fail(message, duty, "There are no queues here", chain: chain, node: node)
        }
        var moved = message
        moved.id = UUID128.random(using: &random)
        moved.ruleChainID = chain.id
        moved.ruleNodeID = chain.nodes[node].id
        moved.labels = [label.name]
        moved.queueName = chain.nodes[node].queueName
        // What it may yet do it does as a message of the other queue, which must not wait for this one.
        let duty = released(duty)
        if !queue.keepsMessages, let attempt = duty.attempt {
            attempt.queue.handOver(attempt)
            queues.hasEnded(attempt.queue)
        }
        let slot = suspended.insert(.init(message: message, chain: chain, node: node, duty: duty))
        let bound = ShardReference(shard: self)
        Task(executorPreference: loop) { [moved, keeps = queue.keepsMessages] in
            let outcome = await queue.deliver(moved, on: bound.shard.loop)
            bound.shard.moved(slot, outcome, isKept: keeps)
        }
    }

    private func moved(_ slot: UInt32, _ outcome: DeliveryOutcome, isKept: Bool) {
        guard let entry = suspended.complete(slot, refused: false) else { return }
        if isKept, outcome != .acknowledged {
            let text = "The queue could not take the message"
            if let (message, chain, node) = route(
                .failure(entry.message, text), entry.duty, entry.chain, entry.node)
            {
                run(message, entry.duty, chain, node)
            }
            runSteps()
        } else {
            // What failed there is the other queue's matter.
            finish(entry.duty, outcome == .lost ? .lost : .acknowledged, entry.chain.usage)
        }
        queues.settle()
    }
}

extension RuleEngineQueue {
    /// Sends a message; waits while the queue is full.
    func deliver(_ message: RuleMessage, on loop: EventLoop) async -> DeliveryOutcome {
        while true {
            do throws(QueueError) {
                return try await send(message)
            } catch {
                guard error == .full else { return .failed }
                await loop.sleep(.milliseconds(20))
            }
        }
    }
}

/// Why a node did not do with a message what it is for: it goes along `Failure` with that text.
struct RuleNodeError: Error, Sendable {
    var message: String

    init(_ message: String) { self.message = message }
}
