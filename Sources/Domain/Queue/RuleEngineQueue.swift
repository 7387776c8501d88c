public import Messages
public import Model
public import Reactor

/// The producing face of a rule engine queue for one transport loop. Every call is made on that loop.
public protocol UplinkProducer: AnyObject {
    /// Uplinks are gathered in one batch a lane.
    var laneCount: Int { get }
    /// The lane of an originator; always the same for the same originator, so its messages stay in order.
    func lane(for originator: UUID128) -> Int
    /// Takes the batch over. The outcome of each of its messages is told once, on the producer's loop.
    func submit(_ batch: UplinkBatch, lane: Int)
}

/// Told on the producer's loop: the outcomes that arrived since the last tick.
public typealias OutcomeHandler = (inout [TicketOutcome]) -> Void

/// Processes what one lane delivers. Every call is made on the lane's loop.
public protocol RuleEngineLaneConsumer: AnyObject {
    /// The lane that it has from now on, before anything is delivered.
    func attached(to lane: RuleEngineLane)

    /// Takes the deliveries, in order; for each message it tells the lane its outcome later, once, in any order.
    func receive(_ deliveries: inout [Delivery], from lane: RuleEngineLane)

    /// The queue wants back what this producer sent and has not begun, or waits to begin again: its part of the queue goes to
    /// another process. Each such message is given back by ``RuleEngineLane/giveBack(_:)``.
    func release(producer: UInt32, of lane: RuleEngineLane)
}

extension RuleEngineLaneConsumer {
    public func attached(to lane: RuleEngineLane) {}
    public func release(producer: UInt32, of lane: RuleEngineLane) {}
}

/// A rule engine queue: partitioned by originator id, bounded by its producers, acknowledged message by message.
///
/// The in-process back end is ``InProcessRuleEngineQueue``; a broker's back end fulfils the same contract with delivery
/// reports as outcomes.
public protocol RuleEngineQueue: AnyObject, Sendable {
    /// A producer for uplinks of the transport on `loop`. Called on `loop`.
    func makeUplinkProducer(on loop: EventLoop, outcomes: @escaping OutcomeHandler) -> any UplinkProducer

    /// Whether the queue itself keeps what it acknowledges, processed or not.
    var keepsMessages: Bool { get }

    /// Sends one message; returns when its outcome is known.
    ///
    /// - Throws: ``QueueError/full`` when the bound on messages that wait for an outcome is reached,
    ///   ``QueueError/tooLarge`` for a message that it will never take.
    func send(_ message: RuleMessage) async throws(QueueError) -> DeliveryOutcome
}

extension RuleEngineQueue {
    public var keepsMessages: Bool { false }
}

public enum QueueError: Error, Sendable, Equatable {
    /// The bound on unacknowledged messages is reached; try again later.
    case full
    /// The message is larger than the queue takes, now and later.
    case tooLarge
}
