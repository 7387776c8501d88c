public import Model

/// A chain and its node that a message is to come back to: one entry of the message's stack (`rule-engine.md` 1.1).
public final class RuleChainCall: Sendable {
    public let chain: RuleChainID
    public let node: RuleNodeID
    /// The entry that was pushed before; `nil` at the bottom.
    public let below: RuleChainCall?

    public init(chain: RuleChainID, node: RuleNodeID, below: RuleChainCall?) {
        self.chain = chain
        self.node = node
        self.below = below
    }

    /// Entries from this one down.
    public var entries: [RuleChainCall] {
        var entries: [RuleChainCall] = []
        var next: RuleChainCall? = self
        while let entry = next {
            entries.append(entry)
            next = entry.below
        }
        return entries
    }
}
