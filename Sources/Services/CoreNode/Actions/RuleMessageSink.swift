public import Logging
public import Messages
public import Queue

/// Takes messages for the rule engine that nobody waits for the outcome of. Safe from any thread.
public protocol RuleMessageSink: Sendable {
    /// Returns when the message is queued, not when it is processed. Messages of one caller keep their order.
    func send(_ message: RuleMessage)
}

/// Nobody processes anything.
public struct NoRuleMessages: RuleMessageSink {
    public init() {}
    public func send(_ message: RuleMessage) {}
}

/// Messages of the API on their way to the rule engine's queue.
///
/// The queue bounds what waits for an outcome. A message that does not fit is counted in its log line and lost: it
/// describes a change that is stored already.
public struct QueuedRuleMessages: RuleMessageSink {
    private let queue: any RuleEngineQueue
    private let logger: Logger

    public init(queue: any RuleEngineQueue, logger: Logger) {
        self.queue = queue
        self.logger = logger
    }

    public func send(_ message: RuleMessage) {
        let (queue, logger) = (queue, logger)
        // Runs on this thread up to the queue, so that order is kept; ends with the message's outcome.
        Task.immediate {
            do throws(QueueError) {
                _ = try await queue.send(message)
            } catch {
                logger.limited(
                    .warning, "a message for the rule engine was refused: its queue is full",
                    ["type": .string(message.type.name)])
            }
        }
    }
}
