/// Variables of one call of a function, or of the script itself.
final class Frame {
    private let slots: UnsafeMutablePointer<Value>
    private let count: Int
    /// The frame of the function around the one that was called.
    let outer: Frame?
    unowned(unsafe) let machine: Machine
    /// What the last statement gave, or what was returned.
    var result = Value.null

    init(count: Int, outer: Frame?, machine: Machine) {
        self.count = count
        self.outer = outer
        self.machine = machine
        slots = .allocate(capacity: max(count, 1))
        slots.initialize(repeating: .undefined, count: count)
    }

    deinit {
        slots.deinitialize(count: count)
        slots.deallocate()
    }

    @inline(__always)
    subscript(slot: Int) -> Value {
        get { slots[slot] }
        set { slots[slot] = newValue }
    }

    /// The frame `hops` functions further out.
    @inline(__always)
    func frame(_ hops: Int) -> Frame {
        var frame = self
        for _ in 0..<hops { frame = frame.outer! }
        return frame
    }

    func clear() {
        for slot in 0..<count { slots[slot] = .undefined }
        result = .null
    }
}
