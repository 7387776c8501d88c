import JSON
import Logging
import Messages
import Model
import Queue
import Reactor
import Storage

/// Where a node is.
struct RuleNodePlace: Hashable, Sendable {
    var tenant: TenantID
    var chain: RuleChainID
    var node: RuleNodeID
    /// The queue that it sends messages to; `nil`: `Main`.
    var queueName: String?
}

/// What a node keeps for longer than a message. Owned by the loop of its shard.
///
/// The nodes of a tenant are made anew whenever one of its chains changes; a memory goes over to the new one as long as the
/// node is there and has the same configuration.
protocol RuleNodeMemory: AnyObject {
    /// Nothing more of it is wanted. Timers end here.
    func stop()

    /// An entity that rule engines are told of changed.
    func entityChanged(_ entity: EntityID, _ change: EntityChange)
}

extension RuleNodeMemory {
    func entityChanged(_ entity: EntityID, _ change: EntityChange) {}
}

/// A node with a memory, which it has before its first message.
protocol RememberingNode: RuleNode {
    associatedtype Memory: RuleNodeMemory

    var memory: Memory! { get set }

    /// Called when the node is new, or has another configuration. On the loop of its shard.
    func makeMemory(_ place: RuleNodePlace, _ context: RuleNodeContext) -> Memory
}

extension RememberingNode {
    /// Takes over what an earlier node of the same configuration kept; whether that is of this kind.
    fileprivate func adopt(_ memory: any RuleNodeMemory) -> Bool {
        guard let memory = memory as? Memory else { return false }
        self.memory = memory
        return true
    }

    fileprivate func begin(_ place: RuleNodePlace, _ context: RuleNodeContext) -> any RuleNodeMemory {
        let memory = makeMemory(place, context)
        self.memory = memory
        return memory
    }
}

/// A memory, and for which node it was made.
struct KeptMemory {
    let memory: any RuleNodeMemory
    let place: RuleNodePlace
    let configuration: JSONValue
}

extension RuleEngineShard {
    /// Gives the nodes of chains that were read what those before them kept.
    func remember(_ chains: TenantChains, _ definitions: [RuleChainDefinition], of tenant: TenantID) {
        var before = memories[tenant] ?? [:]
        var kept: [RuleNodeID: KeptMemory] = [:]
        for definition in definitions {
            guard let chain = chains.chains[definition.id] else { continue }
            for node in definition.nodes {
                guard let index = chain.index(of: node.id), case .success(let made) = chain.nodes[index].node,
                    let remembering = made as? any RememberingNode
                else { continue }
                let place = RuleNodePlace(
                    tenant: tenant, chain: definition.id, node: node.id, queueName: node.queueName)
                if let known = before[node.id], known.place == place, known.configuration == node.configuration,
                    remembering.adopt(known.memory)
                {
                    before[node.id] = nil
                    kept[node.id] = known
                } else {
                    kept[node.id] = KeptMemory(
                        memory: remembering.begin(place, context), place: place, configuration: node.configuration)
                }
            }
        }
        memories[tenant] = kept.isEmpty ? nil : kept
        for old in before.values { old.memory.stop() }
    }

    /// Starts the chains in which something happens without messages.
    ///
    /// - Parameter wanted: Of this tenant only.
    func startSelfActing(of wanted: TenantID? = nil) {
        let bound = ShardReference(shard: self)
        let (source, loop, logger) = (chains, loop, logger)
        Task(executorPreference: loop) {
            var pause = 50
            while true {
                do {
                    for tenant in try await source.tenants(withNodes: RuleNodeRegistry.selfActing)
                    where (wanted ?? tenant) == tenant && bound.shard.tenants[tenant] == nil {
                        bound.shard.reload(tenant, starts: true)
                    }
                    return
                } catch DatabaseError.closed {
                    return
                } catch {
                    logger.limited(
                        .error, "rule chains that act by themselves cannot be found at the moment",
                        ["error": .string(String(describing: error))])
                }
                await loop.sleep(.milliseconds(pause))
                pause = min(2_000, pause * 2)
            }
        }
    }

    /// Tells nodes that an entity of their tenant changed.
    func entityChanged(_ entity: EntityID, _ change: EntityChange, of tenant: TenantID) {
        guard let kept = memories[tenant] else { return }
        for one in kept.values { one.memory.entityChanged(entity, change) }
    }

    /// Whether messages of an originator come to this shard, and since when: see ``RuleEngineLane/ownership(of:)``.
    func ownership(of originator: UUID128) -> UInt32? { lane?.ownership(of: originator) }

    /// Another number when the shard has other partitions than before.
    var assignment: Int { lane?.assignment ?? 0 }

    /// The queue that all messages of the shard come from; `nil` when they come from all queues.
    var queueName: String? { queues.only?.name }

    /// Whether the shard is the one that runs something of a node by itself: the one that has the messages of an originator in
    /// the node's queue (`rule-engine.md` 5.8).
    func runs(_ place: RuleNodePlace, for originator: UUID128) -> Bool {
        if let queue = queues.only {
            guard queue.name == place.queueName ?? QueueRoute.main else { return false }
        }
        return ownership(of: originator) != nil
    }

    /// Counts and notes a new message that a node of its own accord tells a label; gives it as it goes into a queue.
    ///
    /// - Parameter error: Why, where the label is `Failure`.
    func emitted(
        _ message: RuleMessage, _ label: RelationLabel, error: String? = nil, by place: RuleNodePlace
    ) -> RuleMessage {
        var sent = message
        sent.id = UUID128.random(using: &random)
        sent.ruleChainID = place.chain
        sent.ruleNodeID = place.node
        sent.labels = [label.name]
        if case .ready(let tenant) = tenants[place.tenant], let chain = tenant.chains[place.chain],
            let node = chain.index(of: place.node), chain.nodes[node].isDebugged
        {
            recordOut(error.map { .failure(sent, $0) } ?? .next(sent, label), chain, node)
        }
        return sent
    }
}

/// Carries something that a loop owns into tasks on that loop.
struct LoopOwned<Value>: @unchecked Sendable {
    // @unchecked: used by tasks whose executor is the owner's loop only.
    let value: Value

    init(_ value: Value) { self.value = value }
}

extension SideMessageSender {
    /// Sends a message that ``RuleEngineShard/emitted(_:_:by:)`` made. Waits for a queue that keeps messages; one inside the
    /// process would have it wait for what is behind the message that the node has in work.
    ///
    /// - Returns: Whether it is known to be safe; `true` inside the process.
    @discardableResult
    func sendOn(_ message: RuleMessage) async -> Bool {
        guard let queue else { return false }
        guard queue.keepsMessages else {
            Task(executorPreference: loop) { [loop] in _ = await queue.deliver(message, on: loop) }
            return true
        }
        return await queue.deliver(message, on: loop) == .acknowledged
    }
}
