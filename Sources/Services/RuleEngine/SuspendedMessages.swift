import CalculatedFields
import Messages

/// The messages of a shard that wait for something, by slot number. Owned by the shard's loop.
struct SuspendedMessages {
    struct Entry {
        var message: RuleMessage
        var chain: RuleChain
        var node: Int
        var duty: MessageDuty
        /// Completions still to come before it goes on.
        var remaining = 1
        /// Whether one of them was a refusal.
        var isRefused = false
        /// What the owner of the device hears when everything is stored.
        var announcement: DeviceNotification?
        /// What calculated fields hear when everything is stored.
        var fieldEvent: FieldEvent?
    }

    private var entries: [Entry?] = []
    private var free: [UInt32] = []

    var count: Int { entries.count - free.count }

    mutating func insert(_ entry: Entry) -> UInt32 {
        if let slot = free.popLast() {
            entries[Int(slot)] = entry
            return slot
        }
        entries.append(entry)
        return UInt32(entries.count - 1)
    }

    /// Sets how many completions the message in `slot` waits for.
    mutating func expect(_ completions: Int, slot: UInt32) {
        entries[Int(slot)]!.remaining = completions
    }

    mutating func announce(_ announcement: DeviceNotification, slot: UInt32) {
        entries[Int(slot)]!.announcement = announcement
    }

    mutating func feed(_ event: FieldEvent, slot: UInt32) {
        entries[Int(slot)]!.fieldEvent = event
    }

    /// Notes one completion; returns the message when it was the last.
    mutating func complete(_ slot: UInt32, refused: Bool) -> Entry? {
        precondition(Int(slot) < entries.count && entries[Int(slot)] != nil, "slot \(slot) holds no suspended message")
        if refused { entries[Int(slot)]!.isRefused = true }
        entries[Int(slot)]!.remaining -= 1
        guard entries[Int(slot)]!.remaining == 0 else { return nil }
        free.append(slot)
        return entries[Int(slot)].take()
    }
}
