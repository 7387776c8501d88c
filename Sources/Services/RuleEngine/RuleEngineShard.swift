import CalculatedFields
import Cluster
import Logging
import Messages
import Model
import Queue
import Reactor
import ScriptEngine
import Storage

/// Runs the rule chains over the messages of one lane. Owned by the lane's loop: no locks, no hops between nodes.
///
/// A message that a node suspends keeps its place in a slot; all others run to their end at once.
final class RuleEngineShard: RuleEngineLaneConsumer {
    enum Tenant {
        /// The chains are being read; messages wait, bounded by what their producers admit.
        case loading([(RuleMessage, MessageDuty)])
        case ready(TenantChains)
    }

    /// Nodes that may process one message: a chain that leads back into itself ends there.
    private static let maximumExecutions: UInt32 = 1_000

    let loop: EventLoop
    let chains: any RuleChainSource
    let events: RuleEvents
    let scripts: ScriptEngine
    /// Scripts of the nodes that run.
    var prepared: [TenantID: PreparedScripts] = [:]
    let logger: Logger
    private let metrics: RuleEngineMetrics
    let context: RuleNodeContext
    private(set) var fields: FieldEngine!
    /// Of events for calculated fields.
    var fieldDuties = FieldDuties()
    /// Counts readings of calculated fields, as `loads` does of chains.
    var fieldLoads: [TenantID: UInt32] = [:]
    /// The number of the reading that holds.
    var fieldInstalls: [TenantID: UInt32] = [:]
    private(set) var lane: RuleEngineLane!
    /// What nodes keep for longer than a message.
    var memories: [TenantID: [RuleNodeID: KeptMemory]] = [:]
    var tenants: [TenantID: Tenant] = [:]
    /// Counts reloads, so that an answer to an older question is recognised.
    var loads: [TenantID: UInt32] = [:]
    var suspended = SuspendedMessages()
    /// What was counted by chains that were replaced since.
    var counts: [TenantID: [UUID128: RuleCounts]] = [:]
    /// What runs when the message that runs now has ended or waits: copies of it, and what waited for it.
    var steps: [MessageStep] = []
    private var isRunningSteps = false
    let lanes = OriginatorLanes()
    var current: (chain: RuleChain, node: Int, duty: MessageDuty)?
    var usages: [TenantID: TenantUsage] = [:]
    var random = FastRandom()
    let queues: ShardQueues

    /// Makes the way to the storage for a loop, with its completions.
    typealias SinkMaker = (EventLoop, @escaping SaveCompletionHandler) -> any TelemetrySink

    /// Called on `loop`.
    ///
    /// - Parameter queue: The queue that all messages of the lane come from; `nil` when each names its own.
    init(
        loop: EventLoop, chains: any RuleChainSource, makeSink: SinkMaker, outlets: RuleEngineOutlets,
        events: RuleEvents, scripts: ScriptEngine, logger: Logger, metrics: RuleEngineMetrics, queue: QueueKey? = nil
    ) {
        self.scripts = scripts
        queues = ShardQueues(only: queue)
        self.loop = loop
        self.chains = chains
        self.events = events
        self.logger = logger
        self.metrics = metrics
        let completions = Completions()
        let sink = makeSink(loop) { saves in completions.shard?.finish(saves) }
        context = RuleNodeContext(loop: loop, telemetry: sink, outlets: outlets, logger: logger)
        completions.shard = self
        context.shard = self
        fields = FieldEngine(self, database: outlets.database)
        loop.addTickHook { [unowned self] in self.metrics.publish(suspended: suspended.count + lanes.parkedCount) }
    }

    private final class Completions {
        unowned var shard: RuleEngineShard?
    }

    // MARK: - Deliveries

    func attached(to lane: RuleEngineLane) { self.lane = lane }

    func receive(_ deliveries: inout [Delivery], from lane: RuleEngineLane) {
        self.lane = lane
        for delivery in deliveries {
            switch delivery {
            case .uplinks(let batch, let producer):
                metrics.received += batch.messages.count
                for index in batch.messages.indices {
                    let message = RuleMessage(uplink: batch, index: index, id: UUID128.random(using: &random))
                    let ticket = DeliveryTicket(producer: producer, ticket: batch.messages[index].ticket)
                    deliver(message, ticket)
                }
            case .message(let message, let ticket):
                metrics.received += 1
                deliver(message, ticket)
            }
        }
        if !queues.isPlain { queues.endDelivery(from: lane) }
    }

    func release(producer: UInt32, of lane: RuleEngineLane) {
        queues.release(producer: producer)
        fields.forgetAll()
    }

    /// Messages of queues with strategies that are not done.
    var scheduledCount: Int { queues.count }

    /// Most queues have no strategies to follow: their messages begin at once and are done when they end.
    private func deliver(_ message: RuleMessage, _ ticket: DeliveryTicket) {
        if !queues.isPlain, queues.take(message, ticket) { return }
        accept(message, .ticket(ticket))
    }

    /// The queues have these strategies from now on.
    func setQueues(_ table: QueueTable) {
        queues.set(table, loop: loop, metrics: metrics) { [unowned self] message, attempt in
            accept(message, .attempt(attempt))
        }
    }

    private func accept(_ message: RuleMessage, _ duty: MessageDuty) {
        if queues.hasCopies, let count = queues.copies(of: message) { return acceptCopies(count, of: message, duty) }
        switch tenants[message.tenantID] {
        case .ready(let chains):
            start(message, duty, in: chains)
        case .loading(var waiting):
            // Moved out and back, so that the array is not copied.
            tenants[message.tenantID] = nil
            waiting.append((message, duty))
            tenants[message.tenantID] = .loading(waiting)
        case nil:
            tenants[message.tenantID] = .loading([(message, duty)])
            load(message.tenantID)
        }
    }

    /// Takes a message once for each partition of its queue (`rule-engine.md` 5.3): it is done when all copies are.
    private func acceptCopies(_ count: Int, of message: RuleMessage, _ duty: MessageDuty) {
        let own = Partitioner(count: count).partition(of: message.originator.uuid)
        let correlation = UUID128.random(using: &random)
        let shared = FanOut(copies: count, of: duty)
        for partition in [own] + (0..<count).filter({ $0 != own }) {
            var copy = message
            if partition != own { copy.id = UUID128.random(using: &random) }
            copy.duplicate = MessageDuplicate(correlationID: correlation, partition: Int32(partition))
            accept(copy, .copy(shared))
        }
    }

    /// Finds the chain and node of a message (`rule-engine.md` 2.8).
    func start(_ message: RuleMessage, _ duty: MessageDuty, in tenant: TenantChains) {
        if duty.isFirstAttempt { tenant.usage.begin(message) }
        guard tenant.usage.features.ruleEngine != .disabled else { return finish(duty, .acknowledged, tenant.usage) }
        if message.type == FieldEvent.messageType, message.ruleNodeID == nil {
            return receiveEvent(message, duty, tenant.usage)
        }
        var duty = duty
        if let fields = tenant.usage.fields, message.isOfConnectivity {
            duty = feedConnectivity(message, duty, fields)
        }
        let chain: RuleChain
        if let id = message.ruleChainID {
            guard let found = tenant.chains[id] else {
                // The chain was deleted while the message was on its way.
                finish(duty, .acknowledged, tenant.usage)
                return
            }
            chain = found
        } else {
            guard let root = tenant.root else {
                fail(message, duty, "No Root Rule Chain available!", chain: nil, node: nil)
                return
            }
            chain = root
        }
        if let id = message.ruleNodeID {
            guard let node = chain.index(of: id) else {
                fail(message, duty, "Rule node stopped", chain: chain, node: nil)
                return
            }
            chain.countEntered()
            if message.labels.isEmpty {
                run(message, duty, chain, node)
            } else {
                goOn(message, duty, chain, node)
            }
        } else if let first = chain.firstNode {
            chain.countEntered()
            if chain.nodes[first].isDebugged { recordIn(message, "", chain, first) }
            run(message, duty, chain, first)
        } else {
            finish(duty, .acknowledged, tenant.usage)
        }
        runSteps()
    }

    // MARK: - Running

    /// Runs a message from a node until it ends or is suspended.
    func run(_ start: RuleMessage, _ duty: MessageDuty, _ first: RuleChain, _ firstNode: Int) {
        var (message, chain, node) = (start, first, firstNode)
        while true {
            if duty.isStopped { return finish(duty, .lost, chain.usage) }
            if !lanes.isEmpty, parks(message, duty, chain, node) { return }
            guard message.executedNodeCount < Self.maximumExecutions else {
                let text = "Message is processed by more than \(Self.maximumExecutions) rule nodes!"
                fail(message, duty, text, chain: chain, node: node)
                return
            }
            message.executedNodeCount += 1
            metrics.executions += 1
            chain.countProcessed(node)
            chain.usage.counts.ruleEngineExecutions += 1
            let outcome: NodeOutcome
            switch chain.nodes[node].node {
            case .success(let implementation):
                current = (chain, node, duty)
                outcome = implementation.process(message, context)
                current = nil
            case .failure(let error):
                // An inactive node fails the message itself; `Failure` is not followed.
                fail(
                    message, duty, "Failed to initialize rule node! \(error.message)", chain: chain, node: node)
                return
            }
            // Most messages go on to one node as they are.
            if case .pass(let label) = outcome, let target = chain.plainTarget(of: node, label) {
                node = target
                continue
            }
            guard let next = route(outcome.of(message), duty, chain, node) else { return }
            (message, chain, node) = next
        }
    }

    /// Decides where a message goes from a node; `nil` when it ended here or went on elsewhere.
    func route(
        _ outcome: NodeOutcome, _ duty: MessageDuty, _ chain: RuleChain, _ node: Int
    ) -> (RuleMessage, RuleChain, Int)? {
        if chain.nodes[node].isDebugged { recordOut(outcome, chain, node) }
        switch outcome {
        case .suspended:
            return nil
        case .pass: preconditionFailure("an outcome without its message")
        case .acknowledge:
            finish(duty, .acknowledged, chain.usage)
            return nil
        case .enter(let message, let target, let prefersDefault):
            return enter(message, target, prefersDefault: prefersDefault, duty, from: chain, node)
        case .leave(let message):
            return leave(message, duty, chain, node)
        case .moveAndNext(let message, let label):
            move(message, label, duty, chain, node)
            return nil
        case .failure(let message, let text):
            let targets = chain.targets(of: node, .failure)
            if targets.isEmpty {
                fail(message, duty, text, chain: chain, node: node)
                return nil
            }
            return forward(message, to: targets, outcome.labels, duty, chain)
        case .next(let message, let label):
            return forward(message, to: chain.targets(of: node, label), outcome.labels, duty, chain)
        case .acknowledgeAndNext(let message, let label):
            let rest = acknowledge(duty, chain.usage)
            guard
                let next = forward(message, to: chain.targets(of: node, label), outcome.labels, rest, chain)
            else { return nil }
            // Runs by itself from here: as a copy that nobody waits for.
            steps.append(MessageStep(message: next.0, chain: next.1, node: next.2, duty: rest))
            return nil
        case .nextAny(let message, let labels):
            return forward(message, to: chain.targets(of: node, labels), outcome.labels, duty, chain)
        case .split(_, into: let parts, let label):
            let targets = chain.targets(of: node, label)
            guard !targets.isEmpty, !parts.isEmpty else {
                finish(duty, .acknowledged, chain.usage)
                return nil
            }
            fanOut(parts, to: targets, outcome.labels, duty, chain)
            return nil
        }
    }

    /// Sends a message to the nodes behind a label; `nil` when it ended here or went on elsewhere.
    func forward(
        _ message: RuleMessage, to targets: [Int], _ labels: @autoclosure () -> String, _ duty: MessageDuty,
        _ chain: RuleChain
    ) -> (RuleMessage, RuleChain, Int)? {
        switch targets.count {
        case 0:
            finish(duty, .acknowledged, chain.usage)
            return nil
        case 1:
            if chain.nodes[targets[0]].isDebugged { recordIn(message, labels(), chain, targets[0]) }
            return (message, chain, targets[0])
        default:
            fanOut([message], to: targets, labels(), duty, chain)
            return nil
        }
    }

    /// Makes copies, one of each message for each target.
    private func fanOut(
        _ messages: [RuleMessage], to targets: [Int], _ labels: @autoclosure () -> String, _ duty: MessageDuty,
        _ chain: RuleChain
    ) {
        let (place, before) = duty.placed
        let shared = FanOut(copies: messages.count * targets.count, of: before)
        for message in messages {
            for target in targets {
                var copy = message
                copy.id = UUID128.random(using: &random)
                copy.ruleChainID = chain.id
                copy.ruleNodeID = chain.nodes[target].id
                if chain.nodes[target].isDebugged { recordIn(copy, labels(), chain, target) }
                let duty: MessageDuty =
                    place.map { copied(.copy(shared), at: $0, chain.ahead(before: target)) } ?? .copy(shared)
                steps.append(MessageStep(message: copy, chain: chain, node: target, duty: duty))
            }
        }
        _ = released(duty)
    }

    /// Runs what is to run besides, in order, until there is nothing.
    func runSteps() {
        guard !isRunningSteps, !steps.isEmpty else { return }
        isRunningSteps = true
        var next = 0
        while next < steps.count {
            let step = steps[next]
            next += 1
            run(step.message, step.duty, step.chain, step.node)
        }
        steps.removeAll(keepingCapacity: steps.count < 10_000)
        isRunningSteps = false
    }

    // MARK: - Ends

    /// - Parameter usage: Of the message's tenant.
    func finish(_ duty: MessageDuty, _ outcome: DeliveryOutcome, _ usage: TenantUsage?) {
        switch duty {
        case .ticket(let ticket):
            if outcome == .acknowledged { metrics.successful += 1 } else { metrics.failed += 1 }
            usage?.queue.note(outcome)
            lane.tell(outcome, of: ticket)
        case .attempt(let attempt):
            attempt.queue.ended(attempt, outcome)
            queues.hasEnded(attempt.queue)
        case .copy(let shared):
            shared.remaining -= 1
            if outcome == .lost { shared.isStopped = true }
            // A failed branch does not fail the message that it is a copy of, unless that can run again.
            if outcome == .failed, shared.duty.retriesFailed { shared.hasFailed = true }
            guard shared.remaining == 0 else { return }
            finish(shared.duty, shared.isStopped ? .lost : shared.hasFailed ? .failed : .acknowledged, usage)
        case .placed(let branch):
            finish(released(duty), outcome, usage)
            branch.duty = .none
        case .none:
            break
        }
    }

    /// Tells that a message is done which goes on all the same, in its place.
    ///
    /// - Returns: Its duty from here.
    private func acknowledge(_ duty: MessageDuty, _ usage: TenantUsage?) -> MessageDuty {
        guard case .placed(let branch) = duty else {
            finish(duty, .acknowledged, usage)
            return .none
        }
        finish(branch.duty, .acknowledged, usage)
        branch.duty = .none
        return duty
    }

    func fail(_ message: RuleMessage, _ duty: MessageDuty, _ text: String, chain: RuleChain?, node: Int?) {
        if let chain { recordFailure(message, text, chain, node) }
        let nodeName = node.map { chain?.nodes[$0].name ?? "" } ?? ""
        logger.limited(
            .warning, "a message failed in the rule engine",
            [
                "error": .string(text), "rule_chain.name": .string(chain?.name ?? ""),
                "rule_node.name": .string(nodeName), "message.type": .string(message.type.name),
                "tenant.id": .string(message.tenantID.description),
            ])
        let usage = chain?.usage ?? usages[message.tenantID]
        let failure = RuleNodeFailure(
            text: text, node: node.flatMap { chain?.nodes[$0].id }, nodeName: nodeName, chain: chain?.id,
            chainName: chain?.name ?? "")
        if let queue = duty.queue {
            queue.note(failure, of: message.tenantID)
        } else if usage?.firstError == nil {
            usage?.firstError = failure
        }
        finish(duty, .failed, usage)
    }
}

/// Carries a shard into a task that runs on the shard's own loop.
struct ShardReference: @unchecked Sendable {
    // @unchecked: dereferenced only by tasks whose executor is the shard's loop.
    let shard: RuleEngineShard
}

/// A generator for message ids: fast, seeded from the system.
struct FastRandom: RandomNumberGenerator {
    private var state = UInt64.random(in: 0...UInt64.max)

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
