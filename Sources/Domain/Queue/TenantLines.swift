public import Messages
public import Model

/// Messages that wait to be sent: of each tenant in order, and tenants take turns, so that one whose messages are refused
/// holds up nobody else.
public struct TenantLines {
    private struct Line {
        var messages = Fifo<RuleMessage>()
        /// Those that were refused, the next one last; they go first.
        var refused: [RuleMessage] = []
        var isHeld = false
        /// Whether it has its turn in ``turns``.
        var isListed = false

        var count: Int { messages.count + refused.count }
    }

    private var lines: [TenantID: Line] = [:]
    private var turns = Fifo<TenantID>()
    public private(set) var count = 0

    public init() {}

    public func count(of tenant: TenantID) -> Int { lines[tenant]?.count ?? 0 }

    public mutating func append(_ message: RuleMessage) {
        lines[message.tenantID, default: Line()].messages.append(message)
        count += 1
        list(message.tenantID)
    }

    /// Takes back a message that was refused: before the others of its tenant, when they are no longer held.
    public mutating func putBack(_ message: RuleMessage) {
        lines[message.tenantID, default: Line()].refused.append(message)
        count += 1
        list(message.tenantID)
    }

    /// The next message of the next tenant that is not held.
    public mutating func popNext() -> RuleMessage? {
        while let tenant = turns.popFirst() {
            guard var line = lines.removeValue(forKey: tenant) else { continue }
            line.isListed = false
            guard !line.isHeld, let message = line.refused.popLast() ?? line.messages.popFirst() else {
                if line.isHeld { lines[tenant] = line }
                continue
            }
            count -= 1
            if line.count > 0 {
                lines[tenant] = line
                list(tenant)
            }
            return message
        }
        return nil
    }

    /// Forgets the oldest message of a tenant.
    public mutating func dropFirst(of tenant: TenantID) {
        guard lines[tenant] != nil else { return }
        if lines[tenant]!.refused.popLast() != nil || lines[tenant]!.messages.popFirst() != nil { count -= 1 }
    }

    /// Gives out nothing of the tenant until it is released.
    ///
    /// - Returns: Whether it was not held before.
    public mutating func hold(_ tenant: TenantID) -> Bool {
        let wasHeld = lines[tenant]?.isHeld ?? false
        lines[tenant, default: Line()].isHeld = true
        return !wasHeld
    }

    public mutating func release(_ tenant: TenantID) {
        guard lines[tenant]?.isHeld ?? false else { return }
        lines[tenant]!.isHeld = false
        if lines[tenant]!.count == 0 { lines[tenant] = nil } else { list(tenant) }
    }

    private mutating func list(_ tenant: TenantID) {
        guard !lines[tenant]!.isListed, !lines[tenant]!.isHeld else { return }
        lines[tenant]!.isListed = true
        turns.append(tenant)
    }
}
