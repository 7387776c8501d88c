public import Messages
public import Model

/// Takes messages for the rule engine that nobody waits for the outcome of. Safe from any thread.
public protocol RuleMessageSink: Sendable {
    /// Takes the message over: it is sent as soon as the queue takes it, and is not dropped. Messages of one caller keep
    /// their order.
    func send(_ message: RuleMessage)

    /// Sends a message and waits until the queue keeps it, or it is done where the queue keeps nothing itself.
    func deliver(_ message: RuleMessage) async

    /// Whether there is room for the messages of one more change of a tenant; waits for it, for a bounded time. To be asked before
    /// something is changed that the rule engine is to be told of.
    func hasRoom(of tenant: TenantID) async -> Bool

    /// Waits until everything that was sent is done, for a bounded time; for when nothing is sent any more.
    ///
    /// - Returns: How many messages are not.
    func finish(within limit: Duration) async -> Int
}

/// Nobody processes anything.
public struct NoRuleMessages: RuleMessageSink {
    public init() {}
    public func send(_ message: RuleMessage) {}
    public func deliver(_ message: RuleMessage) async {}
    public func hasRoom(of tenant: TenantID) async -> Bool { true }
    public func finish(within limit: Duration) async -> Int { 0 }
}

/// The rule engine takes messages slower than they come, and enough of them wait: nothing was changed.
struct RuleEngineBusy: Error {}

extension RuleMessageSink {
    /// Throws ``RuleEngineBusy`` when there is no room for the messages of a change.
    func requireRoom(of tenant: TenantID) async throws(RuleEngineBusy) {
        guard await hasRoom(of: tenant) else { throw RuleEngineBusy() }
    }
}
