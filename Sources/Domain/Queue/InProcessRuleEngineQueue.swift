public import Messages
public import Model
public import Reactor
import Synchronization

/// A rule engine queue inside one process: batches change hands between event loops, nothing is encoded or copied.
///
/// It keeps nothing itself. A message counts as durable when its consumer has acknowledged it, so an outcome means what a
/// broker's delivery report means: the sender may forget the message. Its bound is that of its producers: each admits a
/// limited number of messages without an outcome.
public final class InProcessRuleEngineQueue: RuleEngineQueue {
    /// Partition of an originator, 0 ..< partitionCount.
    private let partition: @Sendable (UUID128) -> Int
    private let lanes: [LaneInbox]
    private let producers = Mutex<[@Sendable ([TicketOutcome]) -> Void]>([])
    private let waiting: WaitingSenders

    /// - Parameters:
    ///   - laneLoops: The loops that consume; partition p is consumed by loop p mod count.
    ///   - maximumPendingSends: Bound of ``send(_:)``.
    ///   - partition: Maps an originator to its partition (`cluster.md` 4.3).
    public init(
        laneLoops: [EventLoop], maximumPendingSends: Int = 10_000, partition: @escaping @Sendable (UUID128) -> Int
    ) {
        precondition(!laneLoops.isEmpty, "a queue needs a lane")
        self.partition = partition
        lanes = laneLoops.enumerated().map { LaneInbox(loop: $1, index: $0) }
        let waiting = WaitingSenders(capacity: maximumPendingSends)
        self.waiting = waiting
        // Producer 0 is `send`.
        producers.withLock {
            $0.append { outcomes in
                for outcome in outcomes { waiting.finish(outcome.ticket, outcome.outcome) }
            }
        }
    }

    public var laneCount: Int { lanes.count }

    /// Gives the lane its consumer. Called on the lane's loop, before anything is sent.
    public func attach(_ consumer: any RuleEngineLaneConsumer, lane index: Int) {
        let inbox = lanes[index]
        precondition(inbox.loop.isCurrent, "a consumer is attached on its lane's loop")
        inbox.consumer = consumer
        let (partition, count) = (partition, lanes.count)
        let lane = RuleEngineLane(
            loop: inbox.loop, index: index, ownership: { partition($0) % count == index ? 0 : nil }
        ) { [unowned self] producer, outcomes in
            let post = producers.withLock { $0[Int(producer)] }
            post(outcomes)
        }
        inbox.lane = lane
        consumer.attached(to: lane)
    }

    public func makeUplinkProducer(on loop: EventLoop, outcomes: @escaping OutcomeHandler) -> any UplinkProducer {
        precondition(loop.isCurrent, "a producer is made on its loop")
        let mailbox = Mailbox<TicketOutcome>(on: loop, outcomes)
        let number = producers.withLock { list -> UInt32 in
            list.append { mailbox.post(contentsOf: $0) }
            return UInt32(list.count - 1)
        }
        return InProcessUplinkProducer(number: number, lanes: lanes, partition: partition)
    }

    public func send(_ message: RuleMessage) async throws(QueueError) -> DeliveryOutcome {
        let lane = lanes[partition(message.originator.uuid) % lanes.count]
        let outcome = await withCheckedContinuation { (continuation: CheckedContinuation<DeliveryOutcome?, Never>) in
            guard let ticket = waiting.add(continuation, tenant: message.tenantID) else {
                continuation.resume(returning: nil)
                return
            }
            lane.mailbox.post(.message(message, DeliveryTicket(producer: 0, ticket: ticket)))
        }
        guard let outcome else { throw .full }
        return outcome
    }
}

/// Where one lane's deliveries arrive. `consumer` and `lane` belong to its loop.
private final class LaneInbox: @unchecked Sendable {
    // @unchecked: the two variables are set and read on `loop` only.
    let loop: EventLoop
    var consumer: (any RuleEngineLaneConsumer)?
    var lane: RuleEngineLane?
    nonisolated(unsafe) private(set) var mailbox: Mailbox<Delivery>

    init(loop: EventLoop, index: Int) {
        self.loop = loop
        let box = WeakInbox()
        mailbox = Mailbox(on: loop) { deliveries in
            guard let inbox = box.inbox, let consumer = inbox.consumer, let lane = inbox.lane else {
                preconditionFailure("lane \(index) received messages before its consumer was attached")
            }
            consumer.receive(&deliveries, from: lane)
        }
        box.inbox = self
    }

    private final class WeakInbox {
        weak var inbox: LaneInbox?
    }
}

/// The producing face for one transport loop.
private final class InProcessUplinkProducer: UplinkProducer {
    private let number: UInt32
    private let lanes: [LaneInbox]
    private let partition: @Sendable (UUID128) -> Int

    init(number: UInt32, lanes: [LaneInbox], partition: @escaping @Sendable (UUID128) -> Int) {
        self.number = number
        self.lanes = lanes
        self.partition = partition
    }

    var laneCount: Int { lanes.count }

    func lane(for originator: UUID128) -> Int {
        lanes.count == 1 ? 0 : partition(originator) % lanes.count
    }

    func submit(_ batch: UplinkBatch, lane: Int) {
        lanes[lane].mailbox.post(.uplinks(batch, producer: number))
    }
}
