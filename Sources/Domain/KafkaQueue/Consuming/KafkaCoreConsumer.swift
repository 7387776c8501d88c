public import Cluster
public import Kafka
public import Messages
public import Reactor
import Wire

/// The consuming face of the core queue on Kafka: the partitions that this node owns, on one loop. A record is
/// committed once its handler has returned and has room for more, in order; until then partitions rest that have as many
/// records in work as they may.
public final class KafkaCoreConsumer: PartitionConsumer {
    private let partitions: KafkaPartitionConsumer
    private let inbox: CoreInbox

    /// - Parameters:
    ///   - handler: called on `loop`, message by message, in order per device.
    ///   - isOwner: whether this process may act as an owner now; asked from any thread, for every batch.
    ///   - hasRoom: whether the handler has done enough of what it was given; asked on `loop`.
    public init(
        hub: KafkaHub, loop: EventLoop, isOwner: @escaping @Sendable () -> Bool = { true },
        hasRoom: @escaping () -> Bool = { true }, handler: @escaping (CoreMessage) -> Void
    ) throws(KafkaError) {
        partitions = try KafkaPartitionConsumer(
            hub: hub, topic: hub.settings.topics.core, group: hub.settings.topics.coreGroup, isOwner: isOwner)
        inbox = CoreInbox(loop: loop, consumer: partitions, isOwner: isOwner, hasRoom: hasRoom, handler: handler)
    }

    /// Starts to serve; nothing is owned yet.
    public func start() {
        let inbox = inbox
        partitions.start { CoreSink(inbox: inbox) }
    }

    /// Consumes exactly these partitions from now on; returns when the others that were consumed are drained and
    /// committed, or abandoned.
    public func own(_ owned: Set<Int>) async { await partitions.own(owned) }

    /// Stops at once: nothing more of these is handed over or committed.
    public func abandon(_ lost: Set<Int>) { partitions.abandon(lost) }

    /// Drains everything and ends.
    public func stop() async { await partitions.stop() }
}

private struct CoreBatch: Sendable {
    let slot: PartitionSlot
    var messages: [CoreMessage]
    var tickets: [UInt32]
}

private final class CoreInbox: Sendable {
    private let mailbox: Mailbox<CoreBatch>

    init(
        loop: EventLoop, consumer: KafkaPartitionConsumer, isOwner: @escaping @Sendable () -> Bool,
        hasRoom: @escaping () -> Bool, handler: @escaping (CoreMessage) -> Void
    ) {
        let handled = HandledBatches(loop: loop, consumer: consumer, hasRoom: hasRoom)
        mailbox = Mailbox(on: loop) { batches in
            for batch in batches where !batch.slot.isAbandoned && isOwner() {
                for message in batch.messages { handler(message) }
                handled.add(batch.tickets, batch.slot)
            }
        }
    }

    func post(_ batch: CoreBatch) { mailbox.post(batch) }
}

/// What was handled, and is done once there is room for more. Owned by the loop.
private final class HandledBatches {
    private static let lookInterval = Duration.milliseconds(50)

    private let loop: EventLoop
    private let consumer: KafkaPartitionConsumer
    private let hasRoom: () -> Bool
    private var waiting: [(tickets: [UInt32], slot: PartitionSlot)] = []

    init(loop: EventLoop, consumer: KafkaPartitionConsumer, hasRoom: @escaping () -> Bool) {
        self.loop = loop
        self.consumer = consumer
        self.hasRoom = hasRoom
    }

    func add(_ tickets: [UInt32], _ slot: PartitionSlot) {
        if waiting.isEmpty, hasRoom() { return consumer.finish(tickets, slot) }
        waiting.append((tickets, slot))
        if waiting.count == 1 { lookLater() }
    }

    private func lookLater() {
        loop.schedule(after: Self.lookInterval) { [self] in
            guard hasRoom() else { return lookLater() }
            let done = waiting
            waiting = []
            for batch in done { consumer.finish(batch.tickets, batch.slot) }
        }
    }
}

/// Owned by the consumer's thread.
private final class CoreSink: RecordSink {
    private let decoder = WireDecoder()
    private let inbox: CoreInbox
    private var messages: [CoreMessage] = []
    private var tickets: [UInt32] = []

    init(inbox: CoreInbox) {
        self.inbox = inbox
    }

    func take(_ record: borrowing KafkaRecord, ticket: UInt32, slot: PartitionSlot) throws(WireError) {
        messages.append(try decoder.coreMessage(record.value))
        tickets.append(ticket)
    }

    func flush(_ slot: PartitionSlot) {
        inbox.post(CoreBatch(slot: slot, messages: messages, tickets: tickets))
        messages.removeAll(keepingCapacity: true)
        tickets.removeAll(keepingCapacity: true)
    }
}
