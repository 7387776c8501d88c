import MQTTProtocol

/// The PUBLISH packets of one connection that wait for their PUBACK, in the order of their arrival. PUBACKs leave in that
/// order (MQTT 3.1.1 [MQTT-4.6.0-2]), whatever order the outcomes have.
struct PendingAcknowledgements {
    private struct Entry {
        var packetIdentifier: UInt16
        var isFinished: Bool
        var reasonCode: MQTTReasonCode
    }

    private var entries: [Entry] = []
    /// Index of the oldest entry that was not taken.
    private var head = 0
    /// Number of the entry at index 0.
    private var base: UInt32 = 0

    var count: Int { entries.count - head }

    /// Adds a packet that is answered later; the number names it.
    mutating func append(_ packetIdentifier: UInt16) -> UInt32 {
        entries.append(Entry(packetIdentifier: packetIdentifier, isFinished: false, reasonCode: .success))
        return base &+ UInt32(entries.count - 1)
    }

    /// Adds a packet whose answer is known.
    mutating func appendFinished(_ packetIdentifier: UInt16, _ reasonCode: MQTTReasonCode) {
        entries.append(Entry(packetIdentifier: packetIdentifier, isFinished: true, reasonCode: reasonCode))
    }

    /// Takes back the packet that was added last.
    mutating func removeLast() {
        entries.removeLast()
    }

    mutating func finish(_ number: UInt32, _ reasonCode: MQTTReasonCode = .success) {
        let index = Int(number &- base)
        precondition(index >= head && index < entries.count, "packet \(number) is not pending")
        entries[index].isFinished = true
        entries[index].reasonCode = reasonCode
    }

    /// The oldest packet, if its answer is known.
    mutating func popFinished() -> (packetIdentifier: UInt16, reasonCode: MQTTReasonCode)? {
        guard head < entries.count, entries[head].isFinished else { return nil }
        let entry = entries[head]
        head += 1
        if head == entries.count {
            base &+= UInt32(head)
            entries.removeAll(keepingCapacity: entries.capacity <= 64)
            head = 0
        } else if head >= 512 {
            base &+= UInt32(head)
            entries.removeFirst(head)
            head = 0
        }
        return (entry.packetIdentifier, entry.reasonCode)
    }
}
