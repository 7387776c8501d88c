import Messages
import Model
import Queue
import Reactor
import Storage

extension RuleNodeContext {
    /// A message of another type that the current node tells of the originator of one, without data (`rule-engine.md` 1.8).
    func sideMessage(_ type: KnownMessageType, of message: RuleMessage) -> RuleMessage {
        RuleMessage(
            id: .random(), timestamp: loop.wallClockMilliseconds, type: .known(type), originator: message.originator,
            tenantID: message.tenantID, customerID: message.customerID,
            metadata: MessageMetadata(["ruleNodeId": shard.currentNodeID?.uuid.text ?? ""]), payload: .text("{}"))
    }

    /// What sends messages when the node no longer has its turn.
    var sending: SideMessageSender { SideMessageSender(loop: loop, queue: outlets.queue) }
}

/// Sends what nodes tell the rule engine itself.
struct SideMessageSender: Sendable {
    let loop: EventLoop
    let queue: (any RuleEngineQueue)?

    /// Sends a message to the chain and queue of its originator's profile. Waits for a queue that keeps messages; one inside
    /// the process would have it wait for what is behind the message that the node has in work.
    func send(_ message: RuleMessage, _ database: any StatementRunner) async throws {
        guard let queue else { return }
        let route = try await MessageRouteRepository(database).route(of: message.originator)
        var sent = message
        sent.ruleChainID = route.chain
        sent.queueName = route.queue
        guard queue.keepsMessages else {
            Task(executorPreference: loop) { [sent, loop] in _ = await queue.deliver(sent, on: loop) }
            return
        }
        guard await queue.deliver(sent, on: loop) == .acknowledged else {
            throw RuleNodeError("The queue could not take the message")
        }
    }
}
