public import Messages

/// The producing face of the rule engines' notification topics. Safe from any thread.
public protocol RuleEngineNotificationProducer: Sendable {
    /// Sends to every rule engine, in this process and in others.
    func broadcast(_ notification: RuleEngineNotification)
}

/// Notifications to the rule engine of the same process.
public struct InProcessRuleEngineNotifications: RuleEngineNotificationProducer {
    private let handler: @Sendable (RuleEngineNotification) -> Void

    /// - Parameter handler: Called on the thread of the sender, which it does not hold up.
    public init(handler: @escaping @Sendable (RuleEngineNotification) -> Void) { self.handler = handler }

    public func broadcast(_ notification: RuleEngineNotification) { handler(notification) }
}
