public import Cluster
public import Kafka
public import Messages
public import Queue
public import Reactor
import Logging
import Model
import Synchronization
import Wire

/// The consuming face of one rule engine queue on Kafka: the partitions that this node owns, shared out to lanes;
/// partition p goes to lane p mod the number of lanes. A record is committed when it and all before it in its partition
/// have an outcome.
///
///     let consumer = try KafkaRuleEngineConsumer(hub: hub, route: route, laneLoops: loops, isOwner: { lease.isValid })
///     for lane in loops.indices { try await loops[lane].run { consumer.attach(…, lane: lane) } }
///     consumer.start()
///     await consumer.own([0, 3, 7])
public final class KafkaRuleEngineConsumer: PartitionConsumer {
    private let partitions: KafkaPartitionConsumer
    private let lanes: [LaneInbox]

    /// - Parameters:
    ///   - route: the queue; its topic exists.
    ///   - isOwner: whether this process may act as an owner now; asked from any thread, for every batch.
    public init(
        hub: KafkaHub, route: QueueRoute, laneLoops: [EventLoop],
        isOwner: @escaping @Sendable () -> Bool = { true }
    ) throws(KafkaError) {
        precondition(!laneLoops.isEmpty, "a queue needs a lane")
        let names = hub.settings.topics
        partitions = try KafkaPartitionConsumer(
            hub: hub, topic: names.ruleEngine(topic: route.topic, isolated: route.isolatedTenant),
            group: names.ruleEngineGroup(queue: route.name, isolated: route.isolatedTenant), isOwner: isOwner)
        let partitions = partitions
        let (partitioner, count) = (Partitioner(count: route.partitions), laneLoops.count)
        lanes = laneLoops.enumerated().map { index, loop in
            LaneInbox(loop: loop, index: index, consumer: partitions, isOwner: isOwner) { originator in
                let partition = partitioner.partition(of: originator)
                guard partition % count == index, isOwner() else { return nil }
                return partitions.slotNumber(of: partition)
            }
        }
    }

    public var laneCount: Int { lanes.count }

    /// Gives the lane its consumer. Called on the lane's loop, before ``start()``.
    public func attach(_ consumer: any RuleEngineLaneConsumer, lane index: Int) {
        lanes[index].attach(consumer)
    }

    /// Starts to serve; nothing is owned yet.
    public func start() {
        let lanes = lanes
        partitions.start { RuleEngineSink(lanes: lanes) }
    }

    /// Consumes exactly these partitions from now on; returns when the others that were consumed are drained and
    /// committed, or abandoned.
    public func own(_ owned: Set<Int>) async { await partitions.own(owned) }

    /// Stops at once: nothing more of these is handed over or committed.
    public func abandon(_ lost: Set<Int>) { partitions.abandon(lost) }

    /// Drains everything and ends.
    public func stop() async { await partitions.stop() }
}

/// Deliveries of one partition for its lane.
private struct LaneBatch: Sendable {
    let slot: PartitionSlot
    /// None: the partition goes to another owner.
    var deliveries: [Delivery]?
}

/// Where one lane's deliveries arrive. `consumer` and `lane` belong to its loop.
private final class LaneInbox: @unchecked Sendable {
    // @unchecked: the variables are set on `loop` before the first delivery, and used on it only.
    private let loop: EventLoop
    private let index: Int
    private let partitions: KafkaPartitionConsumer
    private let isOwner: @Sendable () -> Bool
    private let ownership: @Sendable (UUID128) -> UInt32?
    private var consumer: (any RuleEngineLaneConsumer)?
    private var lane: RuleEngineLane?
    nonisolated(unsafe) private var mailbox: Mailbox<LaneBatch>!

    init(
        loop: EventLoop, index: Int, consumer partitions: KafkaPartitionConsumer,
        isOwner: @escaping @Sendable () -> Bool, ownership: @escaping @Sendable (UUID128) -> UInt32?
    ) {
        self.ownership = ownership
        self.loop = loop
        self.index = index
        self.partitions = partitions
        self.isOwner = isOwner
        mailbox = Mailbox(on: loop) { [weak self] batches in self?.receive(&batches) }
    }

    func attach(_ consumer: any RuleEngineLaneConsumer) {
        precondition(loop.isCurrent, "a consumer is attached on its lane's loop")
        self.consumer = consumer
        let partitions = partitions
        let lane = RuleEngineLane(
            loop: loop, index: index, ownership: ownership,
            assignment: { [weak partitions] in partitions?.assignment ?? 0 },
            takeBack: { [weak partitions] in partitions?.giveBack($0.ticket, slot: $0.producer) }
        ) { [weak partitions] slot, outcomes in
            // A consumer that has ended commits nothing more.
            partitions?.finish(outcomes.lazy.map(\.ticket), slot: slot)
        }
        self.lane = lane
        consumer.attached(to: lane)
    }

    func post(_ batch: LaneBatch) { mailbox.post(batch) }

    private func receive(_ batches: inout [LaneBatch]) {
        guard let consumer, let lane else {
            preconditionFailure("lane \(index) received messages before its consumer was attached")
        }
        for index in batches.indices {
            let slot = batches[index].slot
            guard var deliveries = batches[index].deliveries.take() else {
                consumer.release(producer: slot.number, of: lane)
                continue
            }
            guard !slot.isAbandoned, isOwner() else { continue }
            consumer.receive(&deliveries, from: lane)
        }
    }
}

/// Reads records of a rule engine queue; the points of one round of a partition share a batch. Owned by the consumer's
/// thread.
private final class RuleEngineSink: RecordSink {
    private let decoder = WireDecoder()
    private let lanes: [LaneInbox]
    private var batch = UplinkBatch()
    private var deliveries: [Delivery] = []

    init(lanes: [LaneInbox]) {
        self.lanes = lanes
    }

    func take(_ record: borrowing KafkaRecord, ticket: UInt32, slot: PartitionSlot) throws(WireError) {
        let message = try decoder.ruleMessage(record.value, into: batch)
        deliveries.append(.message(message, DeliveryTicket(producer: slot.number, ticket: ticket)))
    }

    func flush(_ slot: PartitionSlot) {
        lanes[Int(slot.partition) % lanes.count].post(LaneBatch(slot: slot, deliveries: deliveries))
        deliveries.removeAll(keepingCapacity: true)
        batch = UplinkBatch()
    }

    func release(_ slot: PartitionSlot) {
        lanes[Int(slot.partition) % lanes.count].post(LaneBatch(slot: slot, deliveries: nil))
    }
}
