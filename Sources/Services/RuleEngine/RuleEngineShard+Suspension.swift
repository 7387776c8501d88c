import Messages
import Model
import Queue
import Reactor
import Storage

/// Messages that nodes keep while the storage, or somebody who is asked, has not answered.
extension RuleEngineShard {
    /// Keeps the message that a node is processing.
    func suspend(_ message: RuleMessage) -> UInt32 {
        guard let current else { preconditionFailure("suspend outside a node's process") }
        let ahead = current.chain.ahead(waitingAt: current.node)
        let duty = held(current.duty, message.originator.uuid, ahead)
        return suspended.insert(
            SuspendedMessages.Entry(message: message, chain: current.chain, node: current.node, duty: duty))
    }

    func expect(_ completions: Int, slot: UInt32) {
        suspended.expect(completions, slot: slot)
    }

    func announce(_ announcement: DeviceNotification, slot: UInt32) {
        suspended.announce(announcement, slot: slot)
    }

    func finish(_ saves: [SaveCompletion]) {
        for save in saves {
            if save.token >= FieldEngine.firstSave {
                fields.finish(save)
                continue
            }
            guard let entry = suspended.complete(save.token, refused: !save.isStored) else { continue }
            if let announcement = entry.announcement, !entry.isRefused {
                _ = context.outlets.core?.send(.device(announcement), device: announcement.deviceID)
            }
            if let event = entry.fieldEvent, !entry.isRefused {
                feed(event, entry)
                continue
            }
            let outcome: NodeOutcome =
                entry.isRefused
                ? .failure(entry.message, "The database refuses the values") : .next(entry.message, .success)
            guard let (message, chain, node) = route(outcome, entry.duty, entry.chain, entry.node) else { continue }
            run(message, entry.duty, chain, node)
        }
        runSteps()
        queues.settle()
    }

    /// Sends a new message on from the current node once `body` has its data.
    func answer(_ message: RuleMessage, _ body: @escaping @Sendable () async -> (String, RelationLabel)) {
        guard let current else { preconditionFailure("answer outside a node's process") }
        let chainID = current.chain.id
        let nodeID = current.chain.nodes[current.node].id
        let bound = ShardReference(shard: self)
        Task(executorPreference: loop) {
            let (data, label) = await body()
            bound.shard.resume(message, data: data, label: label, chain: chainID, node: nodeID)
        }
    }

    private func resume(
        _ original: RuleMessage, data: String, label: RelationLabel, chain chainID: RuleChainID, node nodeID: RuleNodeID
    ) {
        guard case .ready(let tenant) = tenants[original.tenantID], let chain = tenant.chains[chainID],
            let node = chain.index(of: nodeID)
        else { return }
        var message = original
        message.id = UUID128.random(using: &random)
        message.payload = .text(data)
        let outcome: NodeOutcome =
            label.folded == RelationLabel.failure.folded ? .failure(message, data) : .next(message, label)
        if let (next, chain, target) = route(outcome, .none, chain, node) { run(next, .none, chain, target) }
        runSteps()
    }
}
