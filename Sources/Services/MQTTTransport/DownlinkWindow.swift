import MQTTProtocol

/// The QoS 1 downlinks of one connection that wait for their PUBACK, and those that wait for room behind them.
///
/// A client of MQTT 5 says how many it takes at once (receive maximum); packet identifiers that are waiting are not given
/// again. Nothing is sent twice on one connection (`device-api.md` 2.5).
struct DownlinkWindow<Tracked> {
    /// A QoS 1 downlink that was not sent.
    struct Waiting {
        var topic: [UInt8]
        var payload: [UInt8]
        var tracked: Tracked?
    }

    private var inFlight: [UInt16: Tracked?] = [:]
    private var waiting: [Waiting] = []
    private var head = 0
    /// Payload bytes that wait.
    private(set) var waitingBytes = 0
    private var last: UInt16 = 0
    /// How many may be in flight: at least 1.
    private let receiveMaximum: Int

    init(receiveMaximum: Int) {
        precondition(receiveMaximum > 0, "receive maximum 0")
        self.receiveMaximum = min(receiveMaximum, 65_535)
    }

    /// In flight and waiting.
    var count: Int { inFlight.count + waiting.count - head }
    var inFlightCount: Int { inFlight.count }

    /// The identifier of a packet that is sent now; `nil` when it has to wait.
    mutating func admit(_ tracked: Tracked?) -> UInt16? {
        guard inFlight.count < receiveMaximum, head == waiting.count else { return nil }
        return take(tracked)
    }

    mutating func wait(_ downlink: Waiting) {
        waiting.append(downlink)
        waitingBytes += downlink.payload.count
    }

    /// Takes a PUBACK; the inner value is `nil` for an identifier that is not in flight.
    mutating func acknowledge(_ identifier: UInt16) -> Tracked?? {
        inFlight.removeValue(forKey: identifier)
    }

    /// The next waiting downlink for which there is room, with its identifier.
    mutating func next() -> (Waiting, UInt16)? {
        guard head < waiting.count, inFlight.count < receiveMaximum else { return nil }
        let downlink = waiting[head]
        head += 1
        waitingBytes -= downlink.payload.count
        if head == waiting.count {
            waiting = []
            head = 0
        }
        return (downlink, take(downlink.tracked))
    }

    /// What is tracked of all that is in flight or waits.
    var tracked: [Tracked] { inFlight.values.compactMap { $0 } + waiting[head...].compactMap(\.tracked) }

    private mutating func take(_ tracked: Tracked?) -> UInt16 {
        repeat { last = last == .max ? 1 : last + 1 } while inFlight.keys.contains(last)
        inFlight.updateValue(tracked, forKey: last)
        return last
    }
}
