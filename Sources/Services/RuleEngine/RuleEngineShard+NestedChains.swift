import Messages
import Model
import Queue
import Reactor
import Storage

/// Chains that are called by nodes of others (`rule-engine.md` 3.4, 5.2).
extension RuleEngineShard {
    /// Sends a message into a chain; `nil` when it ended here or waits.
    func enter(
        _ message: RuleMessage, _ target: RuleChainID, prefersDefault: Bool, _ duty: MessageDuty,
        from chain: RuleChain, _ node: Int
    ) -> (RuleMessage, RuleChain, Int)? {
        guard prefersDefault, message.originator.type == .device || message.originator.type == .asset else {
            return enter(message, target, duty, from: chain, node)
        }
        let duty = held(duty, message.originator.uuid, chain.ahead(waitingAt: node))
        let slot = suspended.insert(.init(message: message, chain: chain, node: node, duty: duty))
        let bound = ShardReference(shard: self)
        let source = chains
        Task(executorPreference: loop) {
            let found: Result<RuleChainID, any Error>
            do {
                found = .success(try await source.defaultChain(of: message.originator) ?? target)
            } catch {
                found = .failure(error)
            }
            bound.shard.enter(found, from: slot)
        }
        return nil
    }

    /// Goes on with a message whose chain was looked up.
    private func enter(_ found: Result<RuleChainID, any Error>, from slot: UInt32) {
        guard let entry = suspended.complete(slot, refused: false) else { return }
        let next: (RuleMessage, RuleChain, Int)?
        switch found {
        case .success(let target): next = enter(entry.message, target, entry.duty, from: entry.chain, entry.node)
        case .failure(let error):
            let text = "The default rule chain of the originator cannot be read: \(error)"
            next = route(.failure(entry.message, text), entry.duty, entry.chain, entry.node)
        }
        if let (message, chain, node) = next { run(message, entry.duty, chain, node) }
        runSteps()
        queues.settle()
    }

    private func enter(
        _ message: RuleMessage, _ target: RuleChainID, _ duty: MessageDuty, from chain: RuleChain, _ node: Int
    ) -> (RuleMessage, RuleChain, Int)? {
        if let problem = Self.loop(message, target, from: chain, node) {
            return route(.failure(message, problem), duty, chain, node)
        }
        guard case .ready(let tenant) = tenants[message.tenantID], let next = tenant.chains[target] else {
            fail(message, duty, "Rule Chain with id: \(target) not found!", chain: chain, node: node)
            return nil
        }
        guard let first = next.firstNode else {
            finish(duty, .acknowledged, chain.usage)
            return nil
        }
        var inner = message
        inner.callers = RuleChainCall(chain: chain.id, node: chain.nodes[node].id, below: message.callers)
        inner.ruleChainID = next.id
        inner.ruleNodeID = nil
        next.countEntered()
        if next.nodes[first].isDebugged { recordIn(inner, "", next, first) }
        return (inner, next, first)
    }

    /// Why a message may not go into a chain: it would come here again. What is on its stack is there once, so the stack
    /// is never deeper than the tenant has nodes of this kind.
    private static func loop(
        _ message: RuleMessage, _ target: RuleChainID, from chain: RuleChain, _ node: Int
    ) -> String? {
        if target == chain.id { return "Endless loop detected! The message is sent into the chain that it is in." }
        var caller = message.callers
        while let entry = caller {
            if entry.chain == chain.id, entry.node == chain.nodes[node].id {
                return "Detected rule chain processing loop: rule chain \(chain.name), node \(chain.nodes[node].name)"
            }
            caller = entry.below
        }
        return nil
    }

    /// Lets a message out of a chain: it goes on behind the node that sent it in. Done where nobody did, or where that
    /// node is gone.
    func leave(
        _ message: RuleMessage, _ duty: MessageDuty, _ chain: RuleChain, _ node: Int
    ) -> (RuleMessage, RuleChain, Int)? {
        guard let call = message.callers, case .ready(let tenant) = tenants[message.tenantID],
            let caller = tenant.chains[call.chain], let index = caller.index(of: call.node)
        else {
            finish(duty, .acknowledged, chain.usage)
            return nil
        }
        var outer = message
        outer.callers = call.below
        outer.ruleChainID = caller.id
        return route(.next(outer, chain.nodes[node].label), duty, caller, index)
    }
}
