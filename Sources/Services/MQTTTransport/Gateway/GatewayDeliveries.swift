import MQTTProtocol

/// The messages of a gateway whose parts are on their way: one answer each, when the last part has its outcome.
struct GatewayDeliveries {
    struct Outcome: Equatable {
        /// Number among the pending acknowledgements; `nil` with QoS 0.
        var number: UInt32?
        /// The first failure, or success.
        var reasonCode: MQTTReasonCode
    }

    private struct Entry {
        var outcome: Outcome
        var remaining: UInt32
    }

    private var entries: [Entry] = []
    private var free: [UInt32] = []

    /// A new delivery of so many parts, at least one.
    mutating func open(_ number: UInt32?, parts: Int) -> UInt32 {
        precondition(parts > 0, "a delivery without parts")
        let entry = Entry(
            outcome: Outcome(number: number, reasonCode: .success), remaining: UInt32(truncatingIfNeeded: parts))
        if let index = free.popLast() {
            entries[Int(index)] = entry
            return index
        }
        entries.append(entry)
        return UInt32(entries.count - 1)
    }

    /// Notes the outcome of one part; returns that of the whole when it was the last.
    mutating func finish(_ delivery: UInt32, _ reasonCode: MQTTReasonCode) -> Outcome? {
        let index = Int(delivery)
        precondition(entries[index].remaining > 0, "delivery \(delivery) has no parts left")
        if reasonCode != .success, entries[index].outcome.reasonCode == .success {
            entries[index].outcome.reasonCode = reasonCode
        }
        entries[index].remaining -= 1
        guard entries[index].remaining == 0 else { return nil }
        free.append(delivery)
        return entries[index].outcome
    }
}
