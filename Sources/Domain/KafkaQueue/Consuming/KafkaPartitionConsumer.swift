import CLinux
import Glibc
import Kafka
import Logging
import Metrics
import Synchronization
import Threads

/// Consumes the partitions of one topic that this process was told to own. One thread fetches, hands over and commits.
///
///     own ──► assign from the committed offset ──► records ──► sink ──► lanes ──► finish ──► commit the prefix that is
/// done
///     a partition with `maximumInFlight` records in work rests until some are done
///     own without it ──► unassign ──► wait until all is done ──► commit ──► released
///     abandon ──► unassign; nothing more is delivered or committed
final class KafkaPartitionConsumer: Sendable {
    let topic: String
    let logger: Logger
    let consumer: KafkaConsumer
    let deadLetters: DeadLetters
    let maximumInFlight: Int
    let commitInterval: Duration
    let isOwner: @Sendable () -> Bool
    /// An eventfd: records, room, commands.
    let wakeDescriptor: Int32
    let metrics: ConsumerMetrics
    private let state = Mutex(State())

    private struct State {
        var commands: [Command] = []
        /// Live slots by their number.
        var slots: [UInt32: PartitionSlot] = [:]
        /// Owned partitions of which a record came, or that there is none.
        var reading: Set<Int> = []
        var isStarted = false
        /// The number of the newest call of ``own(_:)`` or ``abandon(_:)``.
        var lastCall: UInt64 = 0
        /// By partition, the newest call that abandoned it.
        var abandoned: [Int32: UInt64] = [:]
        /// The newest call that abandoned everything.
        var allAbandoned: UInt64 = 0

        mutating func nextCall() -> UInt64 {
            lastCall += 1
            return lastCall
        }
    }

    enum Command: Sendable {
        case own(Set<Int32>, call: UInt64, CheckedContinuation<Void, Never>)
        case abandon
        case stop(CheckedContinuation<Void, Never>)
    }

    /// - Parameters:
    ///   - properties: beside those that are configured for the topic.
    ///   - maximumInFlight: records of one partition that may be in work; as configured unless told.
    ///   - isOwner: asked before records are handed over and before offsets are committed.
    init(
        hub: KafkaHub, topic: String, group: String, properties: KafkaProperties = KafkaProperties(),
        maximumInFlight: Int? = nil, isOwner: @escaping @Sendable () -> Bool
    ) throws(KafkaError) {
        self.topic = topic
        self.isOwner = isOwner
        logger = hub.logger
        deadLetters = hub.deadLetters
        self.maximumInFlight = maximumInFlight ?? hub.settings.maximumInFlight
        commitInterval = hub.settings.commitInterval
        consumer = try KafkaConsumer(hub.settings.consumerProperties(for: topic).merging(properties), group: group)
        wakeDescriptor = needletail_eventfd()
        consumer.wake(wakeDescriptor)
        metrics = ConsumerMetrics(hub.metrics, topic: topic)
    }

    deinit { _ = close(wakeDescriptor) }

    /// Starts the thread. Once, before anything is owned.
    ///
    /// - Parameter makeSink: called on the thread, which owns what it gives.
    func start(_ makeSink: @escaping @Sendable () -> any RecordSink) {
        let isFirst = state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted
        }
        precondition(isFirst, "the consumer of \(topic) was started before")
        DetachedThread.start("kafka-consume") { [self] in PartitionFetcher(self, sink: makeSink()).run() }
    }

    // MARK: - From any thread

    /// Owns exactly these; returns when all others are released, or abandoned.
    func own(_ partitions: Set<Int>) async {
        let wanted = Set(partitions.map { Int32($0) })
        await withCheckedContinuation { continuation in
            state.withLock { state in
                let call = state.nextCall()
                state.commands.append(.own(wanted, call: call, continuation))
            }
            needletail_eventfd_signal(wakeDescriptor)
        }
    }

    /// Also of partitions that a call of ``own(_:)`` before it names and the thread has not come to yet.
    func abandon(_ partitions: Set<Int>) {
        state.withLock { state in
            let call = state.nextCall()
            for partition in partitions { state.abandoned[Int32(partition)] = call }
            for slot in state.slots.values where partitions.contains(Int(slot.partition)) { slot.abandon() }
        }
        post(.abandon)
    }

    /// As ``abandon(_:)`` of everything that is owned or being released.
    func abandonAll() {
        state.withLock { state in
            state.allAbandoned = state.nextCall()
            for slot in state.slots.values { slot.abandon() }
        }
        post(.abandon)
    }

    /// Owned partitions of which a record was read, or their end where `enable.partition.eof` is set: what comes now comes
    /// at once.
    var reading: Set<Int> { state.withLock { $0.reading } }

    /// Releases everything and ends the thread.
    func stop() async {
        await own([])
        await withCheckedContinuation { continuation in post(.stop(continuation)) }
    }

    /// Notes that records are done.
    func finish(_ tickets: some Sequence<UInt32>, slot number: UInt32) {
        guard let slot = state.withLock({ $0.slots[number] }) else { return }
        finish(tickets, slot)
    }

    func finish(_ tickets: some Sequence<UInt32>, _ slot: PartitionSlot) {
        if slot.finish(tickets) { needletail_eventfd_signal(wakeDescriptor) }
    }

    /// Notes that a record goes to the partition's next owner.
    func giveBack(_ ticket: UInt32, slot number: UInt32) {
        guard let slot = state.withLock({ $0.slots[number] }) else { return }
        if slot.giveBack(ticket) { needletail_eventfd_signal(wakeDescriptor) }
    }

    /// Of the slot of a partition that nobody else may own; `nil` when there is none.
    func slotNumber(of partition: Int) -> UInt32? {
        state.withLock { state in
            state.slots.values.lazy.filter { Int($0.partition) == partition && !$0.isAbandoned }.map(\.number).max()
        }
    }

    /// Another number when other slots are owned than before.
    var assignment: Int { state.withLock { Set($0.slots.keys).hashValue } }

    // MARK: - For the thread

    func takeCommands() -> [Command] {
        state.withLock { state in
            defer { state.commands.removeAll() }
            return state.commands
        }
    }

    /// - Parameter call: Of ``own(_:)``, that named the partition. When it was abandoned since, so is the slot.
    func add(_ slot: PartitionSlot, call: UInt64) {
        state.withLock { state in
            state.slots[slot.number] = slot
            if max(state.allAbandoned, state.abandoned[slot.partition] ?? 0) > call { slot.abandon() }
        }
    }

    func remove(_ slot: PartitionSlot) { state.withLock { $0.slots[slot.number] = nil } }
    func noteReading(_ partition: Int32, _ isReading: Bool) {
        state.withLock { state in
            if isReading { state.reading.insert(Int(partition)) } else { state.reading.remove(Int(partition)) }
        }
    }

    private func post(_ command: Command) {
        state.withLock { $0.commands.append(command) }
        needletail_eventfd_signal(wakeDescriptor)
    }
}
