import Synchronization

/// One ownership of one partition, from its start to its end. A partition that comes back gets a new slot, so that
/// nothing of the old ownership counts for the new one. Safe from any thread.
final class PartitionSlot: Sendable {
    let partition: Int32
    /// Names the slot in tickets; never used again by this process.
    let number: UInt32
    private let window = Mutex(AcknowledgementWindow())
    private let abandoned = Atomic<Bool>(false)
    /// Whether the consumer's thread waits for something of this slot to be done.
    private let isAwaited = Atomic<Bool>(false)

    init(partition: Int32, number: UInt32) {
        self.partition = partition
        self.number = number
    }

    /// Somebody else may own the partition: nothing more of it is delivered or committed.
    var isAbandoned: Bool { abandoned.load(ordering: .acquiring) }
    func abandon() { abandoned.store(true, ordering: .releasing) }

    func add(offset: Int64) -> UInt32 {
        window.withLock { $0.add(offset: offset) }
    }

    /// Notes what is done; whether the consumer's thread wants to know at once.
    func finish(_ tickets: some Sequence<UInt32>) -> Bool {
        window.withLock { window in
            for ticket in tickets { window.finish(ticket) }
        }
        return isAwaited.exchange(false, ordering: .acquiringAndReleasing)
    }

    /// Notes that a record goes to the next owner; whether the consumer's thread wants to know at once.
    func giveBack(_ ticket: UInt32) -> Bool {
        window.withLock { $0.giveBack(ticket) }
        return isAwaited.exchange(false, ordering: .acquiringAndReleasing)
    }

    /// Records that somebody still works on.
    var inWorkCount: Int { window.withLock { $0.inWork } }
    /// Records before `end` that cannot be committed yet.
    func lag(behind end: Int64) -> Int64 { window.withLock { $0.lag(behind: end) } }
    var inFlightCount: Int { window.withLock { $0.count } }
    var committable: Int64? { window.withLock { $0.committable } }

    /// The next ``finish(_:)`` says that it is waited for.
    func await() { isAwaited.store(true, ordering: .releasing) }
}
