import Model
import Reactor
import Storage

/// A rule chain ready to run on one shard: nodes by index, connections resolved. Owned by the shard's loop.
final class RuleChain {
    /// One node and where its messages go.
    struct Node {
        let id: RuleNodeID
        let name: String
        /// The name as the label under which an output lets messages out.
        let label: RelationLabel
        let debug: RuleNodeDebugSettings
        /// Whether ``debug`` asks for anything.
        let isDebugged: Bool
        /// Where it sends messages; `nil`: `Main`.
        let queueName: String?
        /// Where it stands in the order of an originator's messages.
        let order: NodeOrder
        /// What messages may do behind it.
        fileprivate(set) var behind: NodeEffects = []
        /// The node, or why it could not start.
        let node: Result<any RuleNode, RuleNodeConfigurationError>
        /// Folded label and the indices of the nodes behind it.
        var targets: [(label: String, nodes: [Int])]
    }

    let id: RuleChainID
    let name: String
    let isRoot: Bool
    let firstNode: Int?
    private(set) var nodes: [Node]
    /// Of its tenant.
    let usage: TenantUsage
    private let indices: [RuleNodeID: Int]
    /// What the nodes of the tenant do.
    private var effects = NodeEffects.all
    /// What happened since it was told, by node; the last one is the chain itself.
    private(set) var counts: [RuleCounts]

    init(
        _ definition: RuleChainDefinition, scripts: PreparedScripts, context: RuleNodeContext, usage: TenantUsage
    ) {
        self.usage = usage
        id = definition.id
        name = definition.name
        isRoot = definition.isRoot
        var indices: [RuleNodeID: Int] = [:]
        var nodes: [Node] = []
        for node in definition.nodes {
            indices[node.id] = nodes.count
            let made = Result { () throws(RuleNodeConfigurationError) in
                context.preparedScript = scripts[node.id]
                return try RuleNodeRegistry.makeNode(node, context: context)
            }
            context.preparedScript = nil
            let isDebugged = node.debug.failures || node.debug.allUntil > context.loop.wallClockMilliseconds
            nodes.append(
                Node(
                    id: node.id, name: node.name, label: RelationLabel(node.name), debug: node.debug,
                    isDebugged: isDebugged, queueName: node.queueName, order: RuleNodeRegistry.order(of: node.type),
                    node: made, targets: []))
        }
        for connection in definition.connections {
            guard let from = indices[connection.from], let to = indices[connection.to] else { continue }
            let label = connection.label.lowercased()
            if let known = nodes[from].targets.firstIndex(where: { $0.label == label }) {
                nodes[from].targets[known].nodes.append(to)
            } else {
                nodes[from].targets.append((label, [to]))
            }
        }
        firstNode = definition.firstNodeID.flatMap { indices[$0] }
        self.indices = indices
        self.nodes = nodes
        counts = [RuleCounts](repeating: RuleCounts(), count: nodes.count + 1)
    }

    func countProcessed(_ node: Int) { counts[node].processed &+= 1 }
    func countError(_ node: Int) { counts[node].errors &+= 1 }
    func countEntered() { counts[nodes.count].processed &+= 1 }

    /// Gives what was counted, by node and chain, and begins anew.
    func takeCounts() -> [(UUID128, RuleCounts)] {
        let taken = zip(nodes.map(\.id.uuid) + [id.uuid], counts).filter { $0.1 != RuleCounts() }
        for index in counts.indices { counts[index] = RuleCounts() }
        return taken
    }

    func index(of node: RuleNodeID) -> Int? { indices[node] }

    /// Finds out what messages may do behind each node, of what the tenant's nodes do at all.
    func findEffects(among known: NodeEffects) {
        effects = known
        var changed = true
        while changed {
            changed = false
            for index in nodes.indices.reversed() {
                var behind: NodeEffects = nodes[index].leadsElsewhere ? known : []
                for label in nodes[index].targets {
                    for target in label.nodes { behind.formUnion(ahead(before: target)) }
                }
                guard behind != nodes[index].behind else { continue }
                nodes[index].behind = behind
                changed = true
            }
        }
    }

    /// What a message may yet do that is about to go into a node.
    func ahead(before node: Int) -> NodeEffects {
        nodes[node].order.begins.union(nodes[node].behind).intersection(effects)
    }

    /// What a message may yet do that waits in a node, and what must not be done until it goes on.
    func ahead(waitingAt node: Int) -> NodeEffects {
        let order = nodes[node].order
        return order.keepsPlace ? order.holds.union(nodes[node].behind).intersection(effects) : []
    }

    /// The nodes behind one label of a node.
    func targets(of node: Int, _ label: RelationLabel) -> [Int] {
        for target in nodes[node].targets where target.label == label.folded { return target.nodes }
        return []
    }

    /// The only node behind a label; `nil` as well where events are noted on the way.
    func plainTarget(of node: Int, _ label: RelationLabel) -> Int? {
        guard !nodes[node].isDebugged else { return nil }
        for index in nodes[node].targets.indices where nodes[node].targets[index].label == label.folded {
            guard nodes[node].targets[index].nodes.count == 1 else { return nil }
            let target = nodes[node].targets[index].nodes[0]
            return nodes[target].isDebugged ? nil : target
        }
        return nil
    }

    /// The nodes behind several labels: each node once.
    func targets(of node: Int, _ labels: [RelationLabel]) -> [Int] {
        var found: [Int] = []
        for label in labels {
            for target in targets(of: node, label) where !found.contains(target) { found.append(target) }
        }
        return found
    }
}

extension RuleChain.Node {
    /// Whether its messages go on in another chain.
    fileprivate var leadsElsewhere: Bool {
        guard case .success(let node) = node else { return false }
        return node is RuleChainInputNode || node is RuleChainOutputNode
    }
}

/// Messages of a node or a chain.
struct RuleCounts: Equatable, Sendable {
    var processed = 0
    var errors = 0

    static func += (sum: inout RuleCounts, other: RuleCounts) {
        sum.processed &+= other.processed
        sum.errors &+= other.errors
    }
}

/// The chains of one tenant on one shard.
struct TenantChains {
    let chains: [RuleChainID: RuleChain]
    let root: RuleChain?
    let usage: TenantUsage

    init(
        _ definitions: [RuleChainDefinition], scripts: PreparedScripts, context: RuleNodeContext, usage: TenantUsage
    ) {
        self.usage = usage
        var chains: [RuleChainID: RuleChain] = [:]
        for definition in definitions {
            chains[definition.id] = RuleChain(definition, scripts: scripts, context: context, usage: usage)
        }
        // What no node of the tenant does need not be waited for.
        var effects: NodeEffects = []
        for chain in chains.values { for node in chain.nodes { effects.formUnion(node.order.begins) } }
        for chain in chains.values { chain.findEffects(among: effects) }
        self.chains = chains
        root = chains.values.first { $0.isRoot }
    }
}
