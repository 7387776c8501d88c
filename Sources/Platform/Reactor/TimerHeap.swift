/// A timer of an event loop. Belongs to its loop.
public final class LoopTimer {
    var deadline: MonotonicTime
    let interval: Duration?
    let sequence: UInt64
    private(set) var body: (() -> Void)?

    init(deadline: MonotonicTime, interval: Duration?, sequence: UInt64, body: @escaping () -> Void) {
        self.deadline = deadline
        self.interval = interval
        self.sequence = sequence
        self.body = body
    }

    public var isCancelled: Bool { body == nil }

    /// Ends the timer; what it would run is released at once. Harmless when repeated.
    public func cancel() {
        body = nil
    }
}

/// The timers of a loop, the next due first; a binary heap. A cancelled timer leaves when it comes up.
struct TimerHeap {
    private var timers: [LoopTimer] = []

    /// When the first timer is due that was not cancelled.
    mutating func nextDeadline() -> MonotonicTime? {
        while let first = timers.first, first.isCancelled { _ = removeFirst() }
        return timers.first?.deadline
    }

    mutating func insert(_ timer: LoopTimer) {
        timers.append(timer)
        var child = timers.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard Self.precedes(timers[child], timers[parent]) else { break }
            timers.swapAt(child, parent)
            child = parent
        }
    }

    /// The first timer, if it is due.
    mutating func popDue(at now: MonotonicTime) -> LoopTimer? {
        while let first = timers.first, first.isCancelled || first.deadline <= now {
            let timer = removeFirst()
            if !timer.isCancelled { return timer }
        }
        return nil
    }

    mutating func removeAll() {
        timers.removeAll()
    }

    private mutating func removeFirst() -> LoopTimer {
        timers.swapAt(0, timers.count - 1)
        let first = timers.removeLast()
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < timers.count else { break }
            let right = left + 1
            let child = right < timers.count && Self.precedes(timers[right], timers[left]) ? right : left
            guard Self.precedes(timers[child], timers[parent]) else { break }
            timers.swapAt(child, parent)
            parent = child
        }
        return first
    }

    private static func precedes(_ a: LoopTimer, _ b: LoopTimer) -> Bool {
        a.deadline == b.deadline ? a.sequence < b.sequence : a.deadline < b.deadline
    }
}
