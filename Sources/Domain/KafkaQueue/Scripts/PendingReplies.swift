import Reactor

/// Who waits for replies, and until when; each by a ticket. No more than a number of them.
struct PendingReplies<Waiter> {
    private struct Entry {
        let waiter: Waiter
        let deadline: MonotonicTime
    }

    private let maximum: Int
    private var entries: [UInt32: Entry] = [:]
    private var next: UInt32 = 0
    /// No entry's deadline is earlier.
    private var earliest = MonotonicTime(nanoseconds: .max)

    init(maximum: Int) { self.maximum = maximum }

    var count: Int { entries.count }

    /// The ticket of a new one; `nil` where there is no room.
    mutating func add(_ waiter: Waiter, until deadline: MonotonicTime) -> UInt32? {
        guard entries.count < maximum else { return nil }
        while entries[next] != nil { next &+= 1 }
        defer { next &+= 1 }
        entries[next] = Entry(waiter: waiter, deadline: deadline)
        earliest = min(earliest, deadline)
        return next
    }

    /// Whoever has the ticket, once; `nil` for a reply that comes late or again.
    mutating func take(_ ticket: UInt32) -> Waiter? { entries.removeValue(forKey: ticket)?.waiter }

    /// Those who do not wait any more, with their tickets.
    mutating func takeOverdue(_ now: MonotonicTime) -> [Waiter] {
        guard earliest <= now else { return [] }
        var overdue: [Waiter] = []
        earliest = MonotonicTime(nanoseconds: .max)
        for (ticket, entry) in entries {
            if entry.deadline <= now {
                overdue.append(entry.waiter)
                entries[ticket] = nil
            } else {
                earliest = min(earliest, entry.deadline)
            }
        }
        return overdue
    }

    mutating func takeAll() -> [Waiter] {
        defer { entries = [:] }
        return entries.values.map(\.waiter)
    }
}
