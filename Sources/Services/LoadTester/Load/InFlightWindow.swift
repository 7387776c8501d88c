/// One message that was published and not yet acknowledged.
struct InFlightMessage: Equatable {
    /// MQTT packet identifier; 0 once it is acknowledged.
    var packetIdentifier: UInt16
    var isAlarm: Bool
    /// Whether it counts in the report; messages of the warm-up do not.
    var isMeasured: Bool
    /// Milliseconds since 1970, unique per device.
    var timestamp: Int64
    /// Nanoseconds of the monotonic clock at which it was due.
    var due: UInt64
    /// The number of the device that it is of.
    var device: Int32 = 0
}

/// What a device has in flight, in the order in which it was sent: a ring with a fixed number of places.
///
/// Servers acknowledge in order, so the first place is nearly always the one; others are found by looking through.
struct InFlightWindow {
    let limit: Int
    /// Empty until the first message, so that a device that never sends costs nothing.
    private var places: [InFlightMessage] = []
    private var head = 0
    /// Places from the head that are taken, acknowledged ones in the middle included.
    private var span = 0
    /// Messages in flight.
    private(set) var count = 0
    private var lastIdentifier: UInt16 = 0

    init(limit: Int) {
        precondition(limit > 0 && limit <= 32_768, "in-flight limit \(limit)")
        self.limit = limit
    }

    /// Messages that can be added.
    var room: Int { limit - span }
    var isFull: Bool { room == 0 }

    /// Takes a place. The window must not be full.
    ///
    /// - Returns: the message, with a packet identifier, 1 ... 65 535, that is not in use: identifiers go round, and at
    ///   most 32 768 are in flight.
    mutating func append(
        timestamp: Int64, due: UInt64, isAlarm: Bool, isMeasured: Bool, device: Int32 = 0
    ) -> InFlightMessage {
        precondition(!isFull, "window of \(limit) is full")
        if places.isEmpty {
            let free = InFlightMessage(packetIdentifier: 0, isAlarm: false, isMeasured: false, timestamp: 0, due: 0)
            places = Array(repeating: free, count: limit)
        }
        let message = InFlightMessage(
            packetIdentifier: nextIdentifier(), isAlarm: isAlarm, isMeasured: isMeasured, timestamp: timestamp,
            due: due,
            device: device)
        places[index(span)] = message
        span += 1
        count += 1
        return message
    }

    /// Frees the place of the message with this identifier and returns it; `nil` when none has it.
    mutating func acknowledge(_ identifier: UInt16) -> InFlightMessage? {
        guard identifier != 0 else { return nil }
        for offset in 0..<span {
            let place = index(offset)
            guard places[place].packetIdentifier == identifier else { continue }
            let message = places[place]
            places[place].packetIdentifier = 0
            count -= 1
            dropAcknowledgedHead()
            return message
        }
        return nil
    }

    /// Frees the oldest message, for protocols that answer strictly in order; `nil` when nothing is in flight.
    mutating func acknowledgeOldest() -> InFlightMessage? {
        guard span > 0 else { return nil }
        return acknowledge(places[head].packetIdentifier)
    }

    /// Gives every message a new identifier, and returns them, oldest first: for a connection that was made anew.
    mutating func renumber() -> [InFlightMessage] {
        var messages: [InFlightMessage] = []
        for offset in 0..<span where places[index(offset)].packetIdentifier != 0 {
            places[index(offset)].packetIdentifier = nextIdentifier()
            messages.append(places[index(offset)])
        }
        return messages
    }

    private mutating func dropAcknowledgedHead() {
        while span > 0, places[head].packetIdentifier == 0 {
            head = head + 1 == limit ? 0 : head + 1
            span -= 1
        }
    }

    private func index(_ offset: Int) -> Int {
        let sum = head + offset
        return sum >= limit ? sum - limit : sum
    }

    private mutating func nextIdentifier() -> UInt16 {
        lastIdentifier = lastIdentifier == .max ? 1 : lastIdentifier + 1
        return lastIdentifier
    }
}
