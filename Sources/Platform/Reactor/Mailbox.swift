import Synchronization

/// A mailbox that its loop empties once a tick.
protocol MailboxDrain: AnyObject, Sendable {
    func drain()
}

/// Elements from any thread to one loop, handed over in one call a tick.
///
/// A loop is woken at most once for all that is posted until it looks.
public final class Mailbox<Element: Sendable>: MailboxDrain, @unchecked Sendable {
    // @unchecked: `handler` and `taken` are touched on the loop only; the rest is under `incoming`'s lock.
    private struct Incoming {
        var elements: [Element] = []
        var isQueued = false
    }

    private unowned let loop: EventLoop
    private let incoming = Mutex(Incoming())
    private let handler: (inout [Element]) -> Void
    private var taken: [Element] = []

    /// - Parameter handler: Called on the loop with what was posted, in order; the array is emptied afterwards.
    public init(on loop: EventLoop, _ handler: @escaping (inout [Element]) -> Void) {
        self.loop = loop
        self.handler = handler
    }

    public func post(_ element: Element) {
        let isFirst = incoming.withLock { incoming in
            incoming.elements.append(element)
            defer { incoming.isQueued = true }
            return !incoming.isQueued
        }
        if isFirst { loop.enqueue(self) }
    }

    public func post(contentsOf elements: [Element]) {
        guard !elements.isEmpty else { return }
        let isFirst = incoming.withLock { incoming in
            incoming.elements.append(contentsOf: elements)
            defer { incoming.isQueued = true }
            return !incoming.isQueued
        }
        if isFirst { loop.enqueue(self) }
    }

    func drain() {
        incoming.withLock { incoming in
            swap(&incoming.elements, &taken)
            incoming.isQueued = false
        }
        handler(&taken)
        taken.removeAll(keepingCapacity: taken.capacity <= 16_384)
    }
}
