/// The records of one partition that are in work, oldest first, and which of them are done. Only what is done without a
/// gap from the start may be committed.
struct AcknowledgementWindow {
    private var offsets: [Int64] = []
    private var isDone: [Bool] = []
    /// Entries before it are done and forgotten.
    private var head = 0
    /// Ticket of the entry at index 0 of the arrays.
    private var base: UInt32 = 0

    /// The offset to commit: that of the first record which is not done. `nil` until a record was done.
    private(set) var committable: Int64?

    /// Records that are not forgotten: not done, or done behind one that is not.
    var count: Int { offsets.count - head }

    /// The ticket of a new record.
    ///
    /// - Parameter offset: higher than that of every record before.
    mutating func add(offset: Int64) -> UInt32 {
        offsets.append(offset)
        isDone.append(false)
        return base &+ UInt32(offsets.count - 1)
    }

    /// Notes that a record is done. A ticket that is not in the window is none of this window's and changes nothing.
    mutating func finish(_ ticket: UInt32) {
        let index = Int(ticket &- base)
        guard index >= head, index < offsets.count else { return }
        isDone[index] = true
        while head < offsets.count, isDone[head] {
            committable = offsets[head] + 1
            head += 1
        }
        if head >= 1024, head * 2 >= offsets.count { compact() }
    }

    private mutating func compact() {
        offsets.removeFirst(head)
        isDone.removeFirst(head)
        base &+= UInt32(head)
        head = 0
    }
}
