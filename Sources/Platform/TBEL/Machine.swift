/// Counts what one run of a script uses, and ends it when that is too much. Owned by the thread that runs it.
final class Machine {
    let clock: any TBELClock
    private let deadline: UInt64
    private let memoryLimit: Int
    private var stepsLeft = TBELLimits.stepsPerLook
    /// Whether the time is up.
    private(set) var isOver = false
    /// Bytes of containers that are alive.
    private(set) var memory = 0
    private var churn = 0
    private var written = 0
    /// Heights of the functions that are being called.
    private var height = 0
    /// Containers that are alive, newest first.
    fileprivate(set) var newest: Unmanaged<Container>?
    /// What dead containers held, while it is being let go.
    private var remains: [[Value]] = []
    private var isSweeping = false
    /// The frame of the script itself.
    var globals: Frame?

    init(limits: TBELLimits, clock: any TBELClock) {
        self.clock = clock
        memoryLimit = limits.memory
        if let time = limits.time {
            let parts = time.components
            let nanoseconds =
                UInt64(max(0, parts.seconds)) &* 1_000_000_000
                &+ UInt64(max(0, parts.attoseconds / 1_000_000_000))
            deadline = clock.nanoseconds() &+ nanoseconds
        } else {
            deadline = .max
        }
    }

    // MARK: Time

    /// To be called wherever a script can repeat something.
    @inline(__always)
    func step() throws(TBELError) {
        stepsLeft &-= 1
        if stepsLeft < 0 { try look() }
    }

    /// For work whose cost grows with `count`.
    @inline(__always)
    func steps(_ count: Int) throws(TBELError) {
        stepsLeft &-= max(count, 0)
        if stepsLeft < 0 { try look() }
    }

    /// For work that cannot throw; it should end soon once ``isOver``.
    func spend(_ count: Int) {
        stepsLeft &-= count
        if stepsLeft < 0, !isOver {
            if clock.nanoseconds() > deadline { isOver = true } else { stepsLeft = TBELLimits.stepsPerLook }
        }
    }

    private func look() throws(TBELError) {
        stepsLeft = TBELLimits.stepsPerLook
        if isOver || clock.nanoseconds() > deadline {
            isOver = true
            throw TBELError(.timeout, "Script timeout!")
        }
    }

    // MARK: Memory

    @inline(__always)
    func grow(by bytes: Int) throws(TBELError) {
        memory += bytes
        if memory > memoryLimit { throw overflow(memory) }
    }

    @inline(__always)
    func shrink(by bytes: Int) { memory -= bytes }

    /// To be called before a text of `bytes` is made.
    @inline(__always)
    func makeText(of bytes: Int) throws(TBELError) {
        if bytes >= TBELLimits.largeText { try makeLargeText(of: bytes) }
    }

    /// While a text grows to `bytes`.
    func checkText(of bytes: Int) throws(TBELError) {
        if bytes > memoryLimit { throw overflow(bytes) }
    }

    private func makeLargeText(of bytes: Int) throws(TBELError) {
        guard bytes <= memoryLimit else { throw overflow(bytes) }
        try steps(bytes / 64)
        churn += bytes
        if churn / TBELLimits.churn > memoryLimit { throw overflow(churn) }
    }

    /// Before a value is turned into JSON, which knows no shared parts and can be far larger.
    func startWriting() { written = 0 }

    /// For every value that is turned into JSON.
    func write(_ bytes: Int) throws(TBELError) {
        try step()
        written += bytes
        if written > memoryLimit { throw overflow(written) }
    }

    /// To be called before something with `count` parts of `size` bytes is made at once.
    func reserve(_ count: Int, of size: Int) throws(TBELError) {
        let (bytes, tooMany) = count.multipliedReportingOverflow(by: size)
        if tooMany || memory + bytes > memoryLimit { throw overflow(tooMany ? Int.max : memory + bytes) }
        try steps(count / 8)
    }

    private func overflow(_ bytes: Int) -> TBELError {
        TBELError(.memory, "Script memory overflow (\(bytes) > \(memoryLimit))!")
    }

    // MARK: Calls

    func enter(_ height: Int) throws(TBELError) {
        try step()
        self.height += height
        if self.height > TBELLimits.totalHeight { throw .runtime("Too many calls inside each other") }
    }

    func leave(_ height: Int) { self.height -= height }

    // MARK: The end of containers

    fileprivate func add(_ container: Container) {
        container.older = newest
        newest?._withUnsafeGuaranteedRef { $0.newer = Unmanaged.passUnretained(container) }
        newest = Unmanaged.passUnretained(container)
    }

    fileprivate func remove(_ container: Container) {
        if let newer = container.newer {
            newer._withUnsafeGuaranteedRef { $0.older = container.older }
        } else {
            newest = container.older
        }
        container.older?._withUnsafeGuaranteedRef { $0.newer = container.newer }
    }

    /// Takes what a dead container held and lets go of it, without a call inside a call for containers in containers.
    func sweep(_ values: inout [Value]) {
        // Swapped, not copied: this must be the last reference.
        remains.append([])
        swap(&remains[remains.count - 1], &values)
        guard !isSweeping else { return }
        isSweeping = true
        while let last = remains.popLast() { _ = consume last }
        isSweeping = false
    }

    /// Empties every container, so that those in rings die too.
    func finish() {
        globals?.clear()
        globals = nil
        var alive: [Container] = []
        var next = newest
        while let container = next?.takeUnretainedValue() {
            alive.append(container)
            next = container.older
        }
        for container in alive { container.removeEverything() }
    }
}

/// A list, a map or a set: what can hold others, and itself. Its owner is the machine of its run.
class Container {
    unowned(unsafe) let machine: Machine
    /// Bytes it is charged for.
    final var charged = 0
    /// Whether a container was ever put into it.
    final var holdsContainers = false
    fileprivate final var newer: Unmanaged<Container>?
    fileprivate final var older: Unmanaged<Container>?

    static let ownSize = 96

    init(in machine: Machine) {
        self.machine = machine
        machine.add(self)
    }

    deinit {
        machine.shrink(by: charged)
        machine.remove(self)
    }

    /// Charges for what came in, or gives back for what went (negative).
    @inline(__always)
    final func charge(_ bytes: Int) throws(TBELError) {
        charged += bytes
        if bytes > 0 { try machine.grow(by: bytes) } else { machine.shrink(by: -bytes) }
    }

    func removeEverything() {}
}
