import CLinux
import Glibc
import Kafka
import Logging
import Metrics
import Reactor
import Synchronization
import Wire

/// The thread of a ``KafkaPartitionConsumer``, and what it owns.
final class PartitionFetcher {
    /// A partition from `own` to its release.
    private final class Partition {
        let slot: PartitionSlot
        /// `nil` once it is being released.
        var queue: PartitionQueue?
        /// Which records were handed over.
        var progress = PartitionProgress()
        /// What the broker has confirmed.
        var committed: Int64?
        /// A record came, or that there is none.
        var isReading = false
        /// When fetching may be tried again after an error.
        var restsUntil = MonotonicTime(nanoseconds: 0)
        /// When it is assigned once more, because librdkafka may have given up finding where to begin.
        var assignsAgain: MonotonicTime?

        init(slot: PartitionSlot, queue: PartitionQueue) {
            self.slot = slot
            self.queue = queue
        }

        var isReleasing: Bool { queue == nil }
        /// Nothing of it came.
        var isUntouched: Bool { progress.next == nil && !isReading }
        var uncommitted: Int64? {
            guard let offset = slot.committable, offset != committed else { return nil }
            return offset
        }
    }

    private struct Waiter {
        /// Slots that must be gone.
        var slots: Set<UInt32>
        let continuation: CheckedContinuation<Void, Never>
    }

    private let consumer: KafkaPartitionConsumer
    private let sink: any RecordSink
    private var partitions: [Int32: Partition] = [:]
    /// Partitions on their way out.
    private var releasing: [Partition] = []
    private var waiters: [Waiter] = []
    /// Of the process: the consumer that follows another on a queue takes no outcome for its own.
    private static let lastSlot = Atomic<UInt32>(0)
    private var isCommitting = false
    private var commitsAfter = MonotonicTime.now()
    private var looksAtLagAfter = MonotonicTime.now()

    /// Records of one partition that are taken in one go, so that others get their turn.
    private static let roundLimit = 500
    /// After a failure, before a partition of which nothing came is assigned once more.
    private static let assignmentPause = Duration.seconds(5)

    init(_ consumer: KafkaPartitionConsumer, sink: any RecordSink) {
        self.consumer = consumer
        self.sink = sink
    }

    func run() {
        var stopped: CheckedContinuation<Void, Never>?
        while stopped == nil {
            wait()
            for command in consumer.takeCommands() {
                switch command {
                case .own(let wanted, call: let call, let continuation): own(wanted, call, continuation)
                case .abandon: dropAbandoned()
                case .stop(let continuation): stopped = continuation
                }
            }
            handleEvents()
            fetch()
            assignAgain()
            commit()
            finishReleases()
            watch()
        }
        partitions = [:]
        releasing = []
        for waiter in waiters { waiter.continuation.resume() }
        stopped?.resume()
    }

    /// Sleeps until there is something to do.
    private func wait() {
        let isBusy = isCommitting || all.contains { $0.slot.inFlightCount > 0 || $0.uncommitted != nil }
        let now = MonotonicTime.now()
        let rests = partitions.values.contains { $0.restsUntil > now }
        var descriptor = pollfd(fd: consumer.wakeDescriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&descriptor, 1, isBusy || rests ? 50 : 1000)
        var count: UInt64 = 0
        _ = read(consumer.wakeDescriptor, &count, 8)
    }

    private var all: [Partition] { partitions.values + releasing }

    // MARK: - Ownership

    private func own(_ wanted: Set<Int32>, _ call: UInt64, _ continuation: CheckedContinuation<Void, Never>) {
        dropAbandoned()
        for (number, partition) in partitions where !wanted.contains(number) { release(partition) }
        for number in wanted.sorted() where partitions[number] == nil { acquire(number, call) }
        waiters.append(Waiter(slots: Set(releasing.map(\.slot.number)), continuation: continuation))
        finishReleases()
    }

    private func acquire(_ number: Int32, _ call: UInt64) {
        let slot = PartitionSlot(
            partition: number, number: Self.lastSlot.wrappingAdd(1, ordering: .relaxed).newValue)
        let queue = PartitionQueue(
            of: consumer.consumer, topic: consumer.topic, partition: number, wakes: consumer.wakeDescriptor)
        consumer.add(slot, call: call)
        partitions[number] = Partition(slot: slot, queue: queue)
        assign(number)
    }

    private func assign(_ number: Int32) {
        do throws(KafkaError) {
            try consumer.consumer.assign([position(number, KafkaPosition.committed)])
        } catch {
            // librdkafka takes every partition of an assignment that is no repetition.
            preconditionFailure("partition \(number) of \(consumer.topic) cannot be assigned: \(error)")
        }
    }

    private func unassign(_ number: Int32) {
        do throws(KafkaError) {
            try consumer.consumer.unassign([position(number, 0)])
        } catch {
            preconditionFailure("partition \(number) of \(consumer.topic) cannot be given back: \(error)")
        }
    }

    /// librdkafka asks for the committed offset of a partition until there is an answer, but not when that fails while others
    /// are assigned: then the partition rests for good.
    private func planAssignment() {
        let time = MonotonicTime.now() + Self.assignmentPause
        for partition in partitions.values where partition.isUntouched && partition.assignsAgain == nil {
            partition.assignsAgain = time
        }
    }

    private func assignAgain() {
        let now = MonotonicTime.now()
        for (number, partition) in partitions {
            guard let time = partition.assignsAgain, time <= now else { continue }
            partition.assignsAgain = nil
            guard partition.isUntouched, !partition.slot.isAbandoned else { continue }
            partition.queue = nil
            unassign(number)
            partition.queue = PartitionQueue(
                of: consumer.consumer, topic: consumer.topic, partition: number, wakes: consumer.wakeDescriptor)
            assign(number)
        }
    }

    /// Stops fetching; what is in work goes on.
    private func release(_ partition: Partition) {
        partitions[partition.slot.partition] = nil
        partition.queue = nil
        consumer.noteReading(partition.slot.partition, false)
        unassign(partition.slot.partition)
        releasing.append(partition)
        sink.release(partition.slot)
    }

    private func dropAbandoned() {
        for partition in partitions.values where partition.slot.isAbandoned { release(partition) }
        for partition in releasing where partition.slot.isAbandoned { gone(partition) }
        releasing.removeAll { $0.slot.isAbandoned }
    }

    private func finishReleases() {
        guard !releasing.isEmpty || !waiters.isEmpty else { return }
        releasing.removeAll { partition in
            let isDone =
                partition.slot.isAbandoned || partition.slot.inWorkCount == 0 && partition.uncommitted == nil
            if isDone { gone(partition) }
            return isDone
        }
        for partition in releasing { partition.slot.await() }
        let rest = Set(releasing.map(\.slot.number))
        waiters.removeAll { waiter in
            guard waiter.slots.isDisjoint(with: rest) else { return false }
            waiter.continuation.resume()
            return true
        }
    }

    private func gone(_ partition: Partition) { consumer.remove(partition.slot) }

    private func position(_ partition: Int32, _ offset: Int64) -> KafkaPosition {
        KafkaPosition(topic: consumer.topic, partition: partition, offset: offset)
    }

    // MARK: - Fetching

    /// Takes from every partition that has room until there is nothing left to take.
    private func fetch() {
        var isProgressing = true
        while isProgressing {
            isProgressing = false
            for partition in partitions.values where fetch(partition) { isProgressing = true }
        }
    }

    /// Whether something was taken.
    private func fetch(_ partition: Partition) -> Bool {
        guard let queue = partition.queue, !partition.slot.isAbandoned, consumer.isOwner() else { return false }
        let slot = partition.slot
        var room = consumer.maximumInFlight - slot.inFlightCount
        if room <= 0 {
            slot.await()
            // What was done between the two lines told nobody.
            room = consumer.maximumInFlight - slot.inFlightCount
            guard room > 0 else { return false }
        }
        var delivered = 0
        var isAtEnd = false
        let (count, error) = queue.take(upTo: min(room, Self.roundLimit), onEnd: { isAtEnd = true }) { record in
            if handOver(record, partition) { delivered += 1 }
        }
        if !partition.isReading, isAtEnd || count > 0 {
            partition.isReading = true
            consumer.noteReading(slot.partition, true)
        }
        if delivered > 0 { sink.flush(slot) }
        consumer.metrics.received.increment(by: delivered)
        if let error { note(error, partition) }
        return count > 0
    }

    /// Whether the sink took the record.
    private func handOver(_ record: borrowing KafkaRecord, _ partition: Partition) -> Bool {
        let (offset, number) = (record.offset, partition.slot.partition)
        switch partition.progress.take(
            offset, end: consumer.consumer.knownEnd(topic: consumer.topic, partition: number))
        {
        case .new: break
        case .repeated:
            consumer.metrics.repeated.increment()
            return false
        case .beginning:
            consumer.logger.warning(
                "a partition begins anew: its broker has lost what it had, or its topic was made again",
                [
                    "kafka.topic": .string(consumer.topic), "kafka.partition": .integer(Int(number)),
                    "kafka.offset": .integer(Int(offset)),
                ])
        }
        let ticket = partition.slot.add(offset: offset)
        do throws(WireError) {
            try sink.take(record, ticket: ticket, slot: partition.slot)
            return true
        } catch {
            let (consumer, slot) = (consumer, partition.slot)
            consumer.deadLetters.add(record, error: error.description) {
                consumer.finish(CollectionOfOne(ticket), slot)
            }
            return false
        }
    }

    private func note(_ error: KafkaError, _ partition: Partition) {
        partition.restsUntil = .now() + .milliseconds(200)
        consumer.logger.limited(
            .warning, "a partition cannot be read now",
            [
                "kafka.topic": .string(consumer.topic), "kafka.partition": .integer(Int(partition.slot.partition)),
                "error": .string(error.description),
            ])
    }

    // MARK: - Committing

    private func handleEvents() {
        for event in consumer.consumer.events() {
            guard case .committed(let positions, let error) = event else {
                KafkaHub.log(event, consumer.logger, client: "consumer")
                if case .error = event { planAssignment() }
                continue
            }
            isCommitting = false
            guard error == nil else {
                noteFailure(error)
                continue
            }
            consumer.metrics.commits.increment()
            for position in positions {
                for partition in all where partition.slot.partition == position.partition {
                    // A newer ownership of the partition has not committed that yet; it commits its own.
                    if partition.slot.committable ?? -1 >= position.offset { partition.committed = position.offset }
                }
            }
        }
    }

    private func noteFailure(_ error: KafkaError?) {
        consumer.metrics.commitFailures.increment()
        consumer.logger.limited(
            .warning, "offsets cannot be committed now; it is tried again",
            ["kafka.topic": .string(consumer.topic), "error": .string(error?.description ?? "")])
    }

    private func commit() {
        let now = MonotonicTime.now()
        guard !isCommitting, now >= commitsAfter || !releasing.isEmpty, consumer.isOwner() else { return }
        // The release of a partition comes before a new ownership of it.
        var positions: [Int32: KafkaPosition] = [:]
        for partition in partitions.values + releasing where !partition.slot.isAbandoned {
            guard let offset = partition.uncommitted else { continue }
            positions[partition.slot.partition] = position(partition.slot.partition, offset)
        }
        guard !positions.isEmpty else { return }
        commitsAfter = now + consumer.commitInterval
        do throws(KafkaError) {
            try consumer.consumer.commit(Array(positions.values))
            isCommitting = true
        } catch {
            noteFailure(error)
        }
    }

    // MARK: - Watching

    private func watch() {
        consumer.metrics.owned.store(partitions.count, ordering: .relaxed)
        consumer.metrics.inFlight.store(all.reduce(0) { $0 + $1.slot.inFlightCount }, ordering: .relaxed)
        let now = MonotonicTime.now()
        guard now >= looksAtLagAfter else { return }
        looksAtLagAfter = now + .seconds(1)
        var lag: Int64 = 0
        for (number, partition) in partitions {
            guard let end = consumer.consumer.knownEnd(topic: consumer.topic, partition: number) else { continue }
            lag += partition.slot.lag(behind: end)
        }
        consumer.metrics.lag.store(Int(lag), ordering: .relaxed)
    }
}
