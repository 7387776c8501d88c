public import Messages

/// How a message ended for the queue that carried it.
public enum DeliveryOutcome: UInt8, Sendable {
    /// What it asked for is done and durable.
    case acknowledged
    /// It was processed and failed for good; delivering it again would not help.
    case failed
    /// The queue could not keep it, or cannot say whether it did: nobody may be told that it is safe.
    case lost
}

/// Names one delivered message to its queue until its outcome is told, exactly once.
public struct DeliveryTicket: Sendable, Hashable {
    /// Which producer of the queue sent it.
    public var producer: UInt32
    /// The producer's own name for it.
    public var ticket: UInt32

    public init(producer: UInt32, ticket: UInt32) {
        self.producer = producer
        self.ticket = ticket
    }
}

/// The outcome of one message, told to the producer that sent it.
public struct TicketOutcome: Sendable {
    public var ticket: UInt32
    public var outcome: DeliveryOutcome

    public init(ticket: UInt32, outcome: DeliveryOutcome) {
        self.ticket = ticket
        self.outcome = outcome
    }
}

/// What a lane of a rule engine queue hands to its consumer.
public enum Delivery: Sendable {
    /// Every message of the batch; their tickets are in it.
    case uplinks(UplinkBatch, producer: UInt32)
    case message(RuleMessage, DeliveryTicket)
}
