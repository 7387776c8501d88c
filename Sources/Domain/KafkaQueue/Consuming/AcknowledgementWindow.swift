/// The records of one partition that are in work, oldest first, and which of them are done. Only what is done without a
/// gap from the start may be committed.
struct AcknowledgementWindow {
    private enum State: UInt8 {
        case inWork, done, givenBack
    }

    private var offsets: [Int64] = []
    private var states: [State] = []
    /// Entries before it are done and forgotten.
    private var head = 0
    /// Ticket of the entry at index 0 of the arrays.
    private var base: UInt32 = 0

    /// The offset to commit: that of the first record which is not done. `nil` until a record was done.
    private(set) var committable: Int64?

    /// Records that are not forgotten: not done, or done behind one that is not.
    var count: Int { offsets.count - head }
    /// Records that are neither done nor given back.
    private(set) var inWork = 0

    /// Offsets before `end`, that of the record to come, which cannot be committed yet. 0 until a record came: one that is there
    /// comes within moments, and an owner whom no record is left to does not know where the one before ended.
    func lag(behind end: Int64) -> Int64 {
        guard let first = committable ?? offsets.first else { return 0 }
        return max(0, end - first)
    }

    /// The ticket of a new record.
    ///
    /// - Parameter offset: higher than that of every record before.
    mutating func add(offset: Int64) -> UInt32 {
        offsets.append(offset)
        states.append(.inWork)
        inWork += 1
        return base &+ UInt32(offsets.count - 1)
    }

    /// Notes that a record is done. A ticket that is not in the window is none of this window's and changes nothing.
    mutating func finish(_ ticket: UInt32) {
        let index = Int(ticket &- base)
        guard index >= head, index < offsets.count else { return }
        if states[index] == .inWork { inWork -= 1 }
        states[index] = .done
        while head < offsets.count, states[head] == .done {
            committable = offsets[head] + 1
            head += 1
        }
        if head >= 1024, head * 2 >= offsets.count { compact() }
    }

    /// Notes that a record goes to the partition's next owner, and everything behind it again.
    mutating func giveBack(_ ticket: UInt32) {
        let index = Int(ticket &- base)
        guard index >= head, index < offsets.count, states[index] == .inWork else { return }
        states[index] = .givenBack
        inWork -= 1
    }

    private mutating func compact() {
        offsets.removeFirst(head)
        states.removeFirst(head)
        base &+= UInt32(head)
        head = 0
    }
}
