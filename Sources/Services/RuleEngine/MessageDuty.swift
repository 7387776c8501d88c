import Queue

/// The duty to tell the outcome of a message: to its queue, or to the message that it is a copy of.
enum MessageDuty {
    case ticket(DeliveryTicket)
    /// To the schedule of a queue with strategies, which tells the queue.
    case attempt(MessageAttempt)
    case copy(FanOut)
    /// It has a place in the order of its originator's messages.
    case placed(LaneBranch)
    /// Nobody waits for it.
    case none
}

/// A message that went to several nodes as copies. It is done when all of them are (`rule-engine.md` 5.6): a queue inside
/// the process keeps nothing, so a copy is safe only when it has been processed.
final class FanOut {
    var remaining: Int
    /// Whether a copy ended before its end, because it took too long.
    var isStopped = false
    /// Whether a copy failed in a queue that runs again what fails: then the message does, with all its copies.
    var hasFailed = false
    let duty: MessageDuty
    /// The place of the message, taken when one of the copies waited.
    var place: LanePlace?

    init(copies: Int, of duty: MessageDuty) {
        remaining = copies
        self.duty = duty
    }
}
