public import Reactor

/// Deadlines of many idle things, in buckets of one second, looked at only when they may be due. Owned by one loop.
///
/// An element is not moved when its deadline moves: when its bucket comes up, the owner is asked for its deadline again
/// and it goes into the bucket of that, so activity costs nothing here.
public final class DeadlineWheel<Element: AnyObject> {
    private var buckets: [[Element]]
    private var cursor: UInt64
    private let deadline: (Element) -> MonotonicTime?
    private let expired: (Element) -> Void

    /// - Parameters:
    ///   - seconds: How far ahead the wheel reaches; later deadlines are looked at once a turn.
    ///   - deadline: When the element is due; `nil` when it is gone and may be forgotten.
    ///   - expired: Called for an element whose deadline has passed; it is forgotten then.
    public init(
        now: MonotonicTime, seconds: Int, deadline: @escaping (Element) -> MonotonicTime?,
        expired: @escaping (Element) -> Void
    ) {
        precondition(seconds > 1, "a wheel of \(seconds) seconds")
        buckets = Array(repeating: [], count: seconds)
        cursor = now.nanoseconds / 1_000_000_000
        self.deadline = deadline
        self.expired = expired
    }

    public func insert(_ element: Element, due: MonotonicTime) {
        let second = max(due.nanoseconds / 1_000_000_000 + 1, cursor + 1)
        let slot = min(second, cursor + UInt64(buckets.count) - 1) % UInt64(buckets.count)
        buckets[Int(slot)].append(element)
    }

    /// Looks at every bucket that came up since the last call; to be called about once a second.
    public func advance(to now: MonotonicTime) {
        let second = now.nanoseconds / 1_000_000_000
        guard second > cursor else { return }
        let steps = min(second - cursor, UInt64(buckets.count))
        let first = second - steps + 1
        cursor = second
        for step in first...second {
            let slot = Int(step % UInt64(buckets.count))
            guard !buckets[slot].isEmpty else { continue }
            let due = buckets[slot]
            buckets[slot] = []
            for element in due {
                guard let time = deadline(element) else { continue }
                if time <= now { expired(element) } else { insert(element, due: time) }
            }
        }
    }
}
