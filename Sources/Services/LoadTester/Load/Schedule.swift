/// When each message of an open-loop load is due.
///
/// Messages are numbered from 0 in the order in which they are due and go round the devices: message `m` belongs to
/// device `m % deviceCount`. Arrivals follow this schedule whatever the server answers, so a stall of the server shows as
/// latency instead of hiding itself.
struct Schedule: Sendable {
    let deviceCount: Int
    /// Messages a second over all devices.
    let rate: Double
    /// How long messages come due, in seconds.
    let durationSeconds: Double
    let alarms: AlarmStorm

    /// Messages of the whole run.
    var messageCount: Int { Int((rate * durationSeconds).rounded(.down)) }

    /// Nanoseconds from the start of the run to the moment at which `message` is due.
    func dueNanoseconds(of message: Int) -> UInt64 {
        UInt64(Double(message) * (1_000_000_000 / rate))
    }

    /// Number of the message that `device` (0 ..< deviceCount) sends in its `round`, from 0.
    func message(device: Int, round: Int) -> Int {
        round * deviceCount + device
    }

    /// Whether the message carries a value that raises an alarm.
    func isAlarm(message: Int) -> Bool {
        alarms.isAlarm(message: message, rate: rate)
    }
}

/// A time within the run during which some messages carry a value over the alarm threshold of their profile.
struct AlarmStorm: Sendable, Equatable {
    var perSecond = 0
    /// Seconds from the start of the run: [start, end).
    var startSecond = 0
    var endSecond = 0

    /// Spreads the alarms of a second evenly over its messages.
    func isAlarm(message: Int, rate: Double) -> Bool {
        guard perSecond > 0 else { return false }
        let second = Int(Double(message) / rate)
        guard second >= startSecond, second < endSecond else { return false }
        let share = min(1, Double(perSecond) / rate)
        return Int(Double(message + 1) * share) > Int(Double(message) * share)
    }
}

/// The part of a schedule that one event loop plays: every `loopCount`-th device.
struct SchedulePart: Sendable {
    let schedule: Schedule
    let loopIndex: Int
    let loopCount: Int
    /// How many messages of this part have been taken.
    private var position = 0

    init(of schedule: Schedule, loopIndex: Int, loopCount: Int) {
        precondition(loopIndex >= 0 && loopIndex < loopCount, "loop \(loopIndex) of \(loopCount)")
        self.schedule = schedule
        self.loopIndex = loopIndex
        self.loopCount = loopCount
    }

    /// Devices of this part. Slot `s` stands for device `loopIndex + s * loopCount`.
    var slotCount: Int { (schedule.deviceCount - loopIndex + loopCount - 1) / loopCount }

    func device(slot: Int) -> Int { loopIndex + slot * loopCount }

    private var nextMessage: Int {
        schedule.message(device: device(slot: position % slotCount), round: position / slotCount)
    }

    /// When the next message is due, in nanoseconds from the start; `nil` when none is left.
    var nextDueNanoseconds: UInt64? {
        guard slotCount > 0, nextMessage < schedule.messageCount else { return nil }
        return schedule.dueNanoseconds(of: nextMessage)
    }

    /// Slot whose message came due at or before `elapsed` nanoseconds; `nil` when none has. Call until `nil`.
    mutating func takeDue(elapsed: UInt64) -> Int? {
        guard let due = nextDueNanoseconds, due <= elapsed else { return nil }
        defer { position += 1 }
        return position % slotCount
    }
}
