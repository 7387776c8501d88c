import Messages
import Model

/// The order of an originator's messages behind nodes that wait (docs/architecture.md, guarantee 4).
extension RuleEngineShard {
    /// Keeps a message before a node if an earlier one may yet do what the node does.
    func parks(_ message: RuleMessage, _ duty: MessageDuty, _ chain: RuleChain, _ node: Int) -> Bool {
        let begins = chain.nodes[node].order.begins
        guard !begins.isEmpty, lanes.mustWait(duty.place, message.originator.uuid, begins) else { return false }
        let kept = held(duty, message.originator.uuid, chain.ahead(before: node))
        guard case .placed(let branch) = kept else { return false }
        lanes.park(MessageStep(message: message, chain: chain, node: node, duty: kept), branch)
        return true
    }

    /// The duty of a message that waits now, with a place while there is something that it may yet do.
    func held(_ duty: MessageDuty, _ originator: UUID128, _ ahead: NodeEffects) -> MessageDuty {
        if case .placed(let branch) = duty {
            lanes.set(branch, ahead: ahead, released: &steps)
            return ahead.isEmpty ? branch.duty : duty
        }
        guard !ahead.isEmpty else { return duty }
        let place = duty.place ?? lanes.makePlace(of: originator)
        duty.outermostCopies?.place = place
        let branch = LaneBranch(place, duty)
        lanes.set(branch, ahead: ahead, released: &steps)
        return .placed(branch)
    }

    /// The duty of a message that is no longer in order with others.
    func released(_ duty: MessageDuty) -> MessageDuty {
        guard case .placed(let branch) = duty else { return duty }
        lanes.set(branch, ahead: [], released: &steps)
        return branch.duty
    }

    /// The duty of a copy for a node, made of a message that has this place.
    func copied(_ duty: MessageDuty, at place: LanePlace, _ ahead: NodeEffects) -> MessageDuty {
        guard !ahead.isEmpty else { return duty }
        let branch = LaneBranch(place, duty)
        lanes.set(branch, ahead: ahead, released: &steps)
        return .placed(branch)
    }
}

extension MessageDuty {
    /// The place of the message, or of another copy of it.
    var place: LanePlace? {
        if case .placed(let branch) = self { return branch.place }
        guard let place = outermostCopies?.place, place.isLive else { return nil }
        return place
    }

    /// The place that it has itself, and what is to be told when it ends.
    var placed: (LanePlace?, MessageDuty) {
        if case .placed(let branch) = self { (branch.place, branch.duty) } else { (nil, self) }
    }

    /// What all copies of the message have in common.
    var outermostCopies: FanOut? {
        guard case .copy(var copies) = self else { return nil }
        while case .copy(let outer) = copies.duty { copies = outer }
        return copies
    }
}
