public import Cluster
public import Kafka
public import Messages
public import Reactor
import Wire

/// The consuming face of the core queue on Kafka: the partitions that this node owns, on one loop. A record is
/// committed once its handler has returned, in order.
public final class KafkaCoreConsumer: PartitionConsumer {
    private let partitions: KafkaPartitionConsumer
    private let inbox: CoreInbox

    /// - Parameters:
    ///   - handler: called on `loop`, message by message, in order per device.
    ///   - isOwner: whether this process may act as an owner now; asked from any thread, for every batch.
    public init(
        hub: KafkaHub, loop: EventLoop, isOwner: @escaping @Sendable () -> Bool = { true },
        handler: @escaping (CoreMessage) -> Void
    ) throws(KafkaError) {
        partitions = try KafkaPartitionConsumer(
            hub: hub, topic: hub.settings.topics.core, group: hub.settings.topics.coreGroup, isOwner: isOwner)
        inbox = CoreInbox(loop: loop, consumer: partitions, isOwner: isOwner, handler: handler)
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
        handler: @escaping (CoreMessage) -> Void
    ) {
        mailbox = Mailbox(on: loop) { batches in
            for batch in batches where !batch.slot.isAbandoned && isOwner() {
                for message in batch.messages { handler(message) }
                consumer.finish(batch.tickets, batch.slot)
            }
        }
    }

    func post(_ batch: CoreBatch) { mailbox.post(batch) }
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
