/// A scheduled call on an event loop, made by ``EventLoop/schedule(after:repeating:_:)``.
///
/// The loop keeps it until it has fired or was cancelled; letting go of it does not cancel. Used on the loop only.
public final class LoopTimer {
    let loop: EventLoop
    /// When it fires next.
    public internal(set) var deadline: MonotonicTime
    /// Nanoseconds between two calls; `nil` for a single one.
    let interval: Int64?
    /// `nil` once it was cancelled or has fired for the last time.
    var body: (() -> Void)?
    /// Whether it fires early when the loop ends, because somebody waits for it.
    var firesAtEnd = false
    /// Whether the loop's heap holds it; not so during its own call.
    var isQueued = false

    init(loop: EventLoop, deadline: MonotonicTime, interval: Int64?, body: @escaping () -> Void) {
        self.loop = loop
        self.deadline = deadline
        self.interval = interval
        self.body = body
    }

    /// Whether it will fire (again).
    public var isScheduled: Bool { body != nil }

    /// Whether it will not fire any more.
    public var isCancelled: Bool { body == nil }

    /// Stops it and lets go of its closure. Harmless when it has fired already, and inside its own call.
    public func cancel() {
        guard body != nil else { return }
        loop.preconditionOwned()
        body = nil
        if isQueued { loop.timers.noteCancelled() }
    }
}

/// The timers of a loop, by deadline, then by order of scheduling (a binary heap).
///
/// Cancelled timers stay until they come up, or until they are more than half of all: then the heap is rebuilt.
struct TimerHeap {
    private struct Entry {
        var deadline: UInt64
        var sequence: UInt64
        var timer: LoopTimer

        func precedes(_ other: Entry) -> Bool {
            deadline != other.deadline ? deadline < other.deadline : sequence < other.sequence
        }
    }

    private var entries: ContiguousArray<Entry> = []
    private var cancelledCount = 0
    /// The number of the next timer; timers at or above it were scheduled later.
    private(set) var nextSequence: UInt64 = 0

    var count: Int { entries.count }

    /// Deadline of the earliest timer, which may have been cancelled.
    var nextDeadline: UInt64? { entries.first?.deadline }

    mutating func insert(_ timer: LoopTimer) {
        timer.isQueued = true
        entries.append(Entry(deadline: timer.deadline.nanoseconds, sequence: nextSequence, timer: timer))
        nextSequence += 1
        siftUp(from: entries.count - 1)
    }

    /// Takes the earliest timer that is due at `now` and was scheduled before number `sequence`.
    mutating func popDue(at now: MonotonicTime, before sequence: UInt64) -> LoopTimer? {
        while let first = entries.first, first.deadline <= now.nanoseconds, first.sequence < sequence {
            removeFirst()
            first.timer.isQueued = false
            if first.timer.body != nil { return first.timer }
            cancelledCount -= 1
        }
        return nil
    }

    mutating func noteCancelled() {
        cancelledCount += 1
        if cancelledCount > 64, cancelledCount > entries.count / 2 { compact() }
    }

    /// Lets go of all timers; returns what those would do that must fire nevertheless.
    mutating func removeAll() -> [() -> Void] {
        let owed = entries.compactMap { $0.timer.firesAtEnd ? $0.timer.body : nil }
        for entry in entries {
            entry.timer.body = nil
            entry.timer.isQueued = false
        }
        entries = []
        cancelledCount = 0
        return owed
    }

    private mutating func compact() {
        entries.removeAll { $0.timer.body == nil }
        cancelledCount = 0
        guard entries.count > 1 else { return }
        for index in stride(from: entries.count / 2 - 1, through: 0, by: -1) { siftDown(from: index) }
    }

    private mutating func removeFirst() {
        let last = entries.removeLast()
        guard !entries.isEmpty else { return }
        entries[0] = last
        siftDown(from: 0)
    }

    private mutating func siftUp(from start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard entries[index].precedes(entries[parent]) else { return }
            entries.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func siftDown(from start: Int) {
        var index = start
        while true {
            var smallest = index
            let left = 2 * index + 1
            if left < entries.count, entries[left].precedes(entries[smallest]) { smallest = left }
            if left + 1 < entries.count, entries[left + 1].precedes(entries[smallest]) { smallest = left + 1 }
            guard smallest != index else { return }
            entries.swapAt(index, smallest)
            index = smallest
        }
    }
}
