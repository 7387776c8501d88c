/// Who is told that an uplink is durable. Called on the loop that it came through.
public protocol UplinkTarget: AnyObject {
    /// Every record of the uplink has its outcome.
    ///
    /// - Parameter tag: What the target gave with the uplink.
    func uplinkFinished(tag: UInt32)

    /// The same, but the queue could not keep a record of it: the device must not be told that it is stored.
    func uplinkLost(tag: UInt32)
}

/// The uplinks of one loop that have no outcome yet, by ticket number. Owned by its loop.
struct UplinkTickets {
    private struct Entry {
        var target: (any UplinkTarget)?
        var tag: UInt32
        /// Records without an outcome.
        var remaining: UInt32
        var byteCount: UInt32
        var isLost = false
    }

    /// An uplink whose records all have their outcome.
    struct Finished {
        let target: any UplinkTarget
        let tag: UInt32
        /// At least one record could not be kept.
        let isLost: Bool
    }

    private var entries: [Entry] = []
    private var free: [UInt32] = []
    /// Records without an outcome, over all tickets.
    private(set) var unacknowledgedCount = 0
    private(set) var unacknowledgedBytes = 0

    /// A ticket for an uplink of `records` records, at least 1.
    mutating func issue(_ records: Int, byteCount: Int, target: any UplinkTarget, tag: UInt32) -> UInt32 {
        precondition(records > 0, "an uplink without records needs no ticket")
        unacknowledgedCount &+= records
        unacknowledgedBytes &+= byteCount
        let entry = Entry(
            target: target, tag: tag, remaining: UInt32(truncatingIfNeeded: records),
            byteCount: UInt32(truncatingIfNeeded: byteCount))
        if let ticket = free.popLast() {
            entries[Int(ticket)] = entry
            return ticket
        }
        entries.append(entry)
        return UInt32(entries.count - 1)
    }

    /// Notes one outcome; returns whom to tell when it was the last of its ticket.
    mutating func finish(_ ticket: UInt32, isLost: Bool = false) -> Finished? {
        let index = Int(ticket)
        precondition(
            index < entries.count && entries[index].remaining > 0,
            "ticket \(ticket) was answered more often than issued")
        unacknowledgedCount &-= 1
        entries[index].remaining &-= 1
        if isLost { entries[index].isLost = true }
        guard entries[index].remaining == 0 else { return nil }
        unacknowledgedBytes &-= Int(entries[index].byteCount)
        free.append(ticket)
        let target = entries[index].target.take()
        return target.map { Finished(target: $0, tag: entries[index].tag, isLost: entries[index].isLost) }
    }
}
