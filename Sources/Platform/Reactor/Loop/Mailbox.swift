import Synchronization

/// Elements from any thread to one loop, delivered in one call per tick.
///
/// Posting appends to an array under a lock; the loop swaps it for an empty one, so a burst costs one submission and at most
/// one wake-up, and no allocation once the arrays have grown. Elements of one thread keep their order. The mailbox itself
/// has no limit: who posts limits what is on the way.
public final class Mailbox<Element: Sendable>: Sendable {
    fileprivate struct State {
        var waiting: [Element] = []
        /// Whether the loop has been told that something waits.
        var isAnnounced = false
    }

    private let loop: EventLoop
    private let state = Mutex(State())
    private let receiver: LoopReceiver<Element>

    /// `handler` runs on the loop with everything that was posted since its last call; the array is emptied afterwards
    /// and keeps its capacity.
    public init(on loop: EventLoop, _ handler: @escaping (inout [Element]) -> Void) {
        self.loop = loop
        receiver = LoopReceiver(handler)
    }

    /// Safe from any thread, also on the loop itself: the handler never runs inside this call.
    public func post(_ element: Element) {
        let announces = state.withLock { state in
            state.waiting.append(element)
            return state.announce()
        }
        if announces { loop.submit(.mailbox(self)) }
    }

    public func post(contentsOf elements: [Element]) {
        guard !elements.isEmpty else { return }
        let announces = state.withLock { state in
            state.waiting.append(contentsOf: elements)
            return state.announce()
        }
        if announces { loop.submit(.mailbox(self)) }
    }

    /// Elements that wait for the loop. Safe from any thread.
    public var count: Int {
        state.withLock { $0.waiting.count }
    }
}

extension Mailbox.State {
    /// Whether the caller has to tell the loop.
    fileprivate mutating func announce() -> Bool {
        guard !isAnnounced else { return false }
        isAnnounced = true
        return true
    }
}

extension Mailbox: DrainableMailbox {
    func drain() {
        var batch = receiver.takeSpare()
        state.withLock { state in
            swap(&state.waiting, &batch)
            state.isAnnounced = false
        }
        receiver.receive(&batch)
    }
}

/// The loop's half of a mailbox.
private final class LoopReceiver<Element>: @unchecked Sendable {
    // @unchecked: `handler` is a constant that is called, and `spare` is touched, on the loop only.
    private let handler: (inout [Element]) -> Void
    private var spare: [Element] = []

    init(_ handler: @escaping (inout [Element]) -> Void) {
        self.handler = handler
    }

    func takeSpare() -> [Element] {
        var taken: [Element] = []
        swap(&taken, &spare)
        return taken
    }

    func receive(_ batch: inout [Element]) {
        handler(&batch)
        // A burst does not hold its memory for ever.
        batch.removeAll(keepingCapacity: batch.capacity <= 65_536)
        swap(&batch, &spare)
    }
}
