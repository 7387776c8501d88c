import Messages
import Model
import Queue
import Reactor
import Storage

/// What a shard notes of its messages. All of it is off the way of messages that nobody debugs.
extension RuleEngineShard {
    /// Notes a message that is about to be processed by a debugged node.
    func recordIn(_ message: RuleMessage, _ label: String, _ chain: RuleChain, _ node: Int) {
        let now = loop.wallClockMilliseconds
        guard chain.nodes[node].debug.allUntil > now else { return }
        events.record(message, .into, label: label, node: chain.nodes[node].id, chain: chain.id, now: now)
    }

    /// Notes what a debugged node did with a message: everything for a time, or what goes along `Failure`.
    func recordOut(_ outcome: NodeOutcome, _ chain: RuleChain, _ node: Int) {
        let now = loop.wallClockMilliseconds
        let debug = chain.nodes[node].debug
        guard let (message, label, error) = outcome.told(by: chain.nodes[node].name) else { return }
        let isFailure = label.lowercased() == RelationLabel.failure.folded
        guard debug.allUntil > now || debug.failures && isFailure else { return }
        events.record(
            message, .out, label: label, error: error, node: chain.nodes[node].id, chain: chain.id, now: now)
    }

    /// Notes that nobody takes care of a failure.
    func recordFailure(_ message: RuleMessage, _ text: String, _ chain: RuleChain, _ node: Int?) {
        chain.countError(node ?? chain.nodes.count)
        events.failed(
            message, text, node: node.map { chain.nodes[$0].id }, chain: chain.id, now: loop.wallClockMilliseconds)
    }

    // MARK: - Statistics

    func keepCounts(of chains: TenantChains, _ tenant: TenantID) {
        for chain in chains.chains.values {
            for (entity, count) in chain.takeCounts() {
                counts[tenant, default: [:]][entity, default: RuleCounts()] += count
            }
        }
    }

    /// Gives what was counted since the last call.
    func takeCounts() -> [TenantID: [UUID128: RuleCounts]] {
        for (tenant, state) in tenants {
            if case .ready(let chains) = state { keepCounts(of: chains, tenant) }
        }
        defer { counts.removeAll() }
        return counts
    }
}

extension NodeOutcome {
    /// The labels that a message was told, as events show them.
    var labels: String {
        switch self {
        case .pass(let label), .next(_, let label), .acknowledgeAndNext(_, let label), .moveAndNext(_, let label),
            .split(_, into: _, let label):
            label.name
        case .nextAny(_, let labels): labels.map(\.name).joined(separator: ", ")
        case .failure: RelationLabel.failure.name
        case .acknowledge, .suspended, .enter, .leave: ""
        }
    }

    /// What an event says of it; `nil` while the node is not done with its message.
    fileprivate func told(by name: String) -> (message: RuleMessage, label: String, error: String?)? {
        switch self {
        case .next(let message, _), .nextAny(let message, _), .acknowledgeAndNext(let message, _),
            .moveAndNext(let message, _), .split(let message, into: _, _):
            (message, labels, nil)
        case .failure(let message, let error): (message, labels, error)
        case .leave(let message): (message, name, nil)
        case .acknowledge(let message): (message, "ACK", nil)
        // One that passes is told of with its message.
        case .suspended, .enter, .pass: nil
        }
    }
}
