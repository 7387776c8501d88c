import Model
import Queue

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
    /// Names what one tenant has of them.
    struct Share: Hashable {
        fileprivate var index: Int
    }

    private struct Held {
        var count = 0
        var bytes = 0
    }

    private struct Entry {
        var target: (any UplinkTarget)?
        var tag: UInt32
        var share: Share
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

    private let maximumMessages: Int
    private let maximumBytes: Int
    private var entries: [Entry] = []
    private var free: [UInt32] = []
    /// Records without an outcome, over all tickets.
    private(set) var unacknowledgedCount = 0
    private(set) var unacknowledgedBytes = 0
    private var held: [Held] = []
    private var shares: [TenantID: Share] = [:]
    /// Most messages are of the tenant of the last one.
    private var last: (tenant: TenantID, share: Share)?

    init(maximumMessages: Int, maximumBytes: Int) {
        self.maximumMessages = maximumMessages
        self.maximumBytes = maximumBytes
    }

    /// The share of a tenant, whose devices have sent something.
    @inline(__always)
    mutating func share(of tenant: TenantID) -> Share {
        if let last, last.tenant == tenant { return last.share }
        return lookUp(tenant)
    }

    private mutating func lookUp(_ tenant: TenantID) -> Share {
        let share: Share
        if let known = shares[tenant] {
            share = known
        } else {
            share = Share(index: held.count)
            held.append(Held())
            shares[tenant] = share
        }
        last = (tenant, share)
        return share
    }

    /// Whether the tenant may have another uplink under way: it leaves some of the room to others.
    func admits(_ share: Share) -> Bool {
        FairShare.admits(held: held[share.index].count, free: maximumMessages - unacknowledgedCount)
            && FairShare.admits(held: held[share.index].bytes, free: maximumBytes - unacknowledgedBytes)
    }

    /// Whether a tenant that was refused may go on.
    func readmits(_ share: Share) -> Bool {
        FairShare.readmits(held: held[share.index].count, free: maximumMessages - unacknowledgedCount)
            && FairShare.readmits(held: held[share.index].bytes, free: maximumBytes - unacknowledgedBytes)
    }

    /// A ticket for an uplink of `records` records, at least 1.
    mutating func issue(
        _ records: Int, byteCount: Int, tenant: TenantID, target: any UplinkTarget, tag: UInt32
    ) -> UInt32 {
        precondition(records > 0, "an uplink without records needs no ticket")
        unacknowledgedCount &+= records
        unacknowledgedBytes &+= byteCount
        let share = share(of: tenant)
        held[share.index].count &+= records
        held[share.index].bytes &+= byteCount
        let entry = Entry(
            target: target, tag: tag, share: share, remaining: UInt32(truncatingIfNeeded: records),
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
        let share = entries[index].share.index
        unacknowledgedCount &-= 1
        held[share].count &-= 1
        entries[index].remaining &-= 1
        if isLost { entries[index].isLost = true }
        guard entries[index].remaining == 0 else { return nil }
        unacknowledgedBytes &-= Int(entries[index].byteCount)
        held[share].bytes &-= Int(entries[index].byteCount)
        free.append(ticket)
        let target = entries[index].target.take()
        return target.map { Finished(target: $0, tag: entries[index].tag, isLost: entries[index].isLost) }
    }
}
