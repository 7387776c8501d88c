public import Messages
public import Model
public import Reactor
import Synchronization

/// The core queue inside one process: one loop consumes all partitions. Bounded by a count of messages that wait.
public final class InProcessCoreQueue: CoreQueueProducer {
    private let capacity: Int
    private let depth = Atomic<Int>(0)
    private let mailbox: Mailbox<CoreMessage>

    /// - Parameter handler: Called on `loop`, message by message, in order.
    public init(loop: EventLoop, capacity: Int = 1_000_000, handler: @escaping (CoreMessage) -> Void) {
        self.capacity = capacity
        let taken = Box()
        mailbox = Mailbox(on: loop) { messages in
            for message in messages { handler(message) }
            taken.queue?.depth.subtract(messages.count, ordering: .relaxed)
        }
        taken.queue = self
    }

    /// Lets the mailbox's handler reach the queue that owns the mailbox without keeping it alive.
    private final class Box {
        weak var queue: InProcessCoreQueue?
    }

    /// Messages that have not been consumed yet.
    public var waitingCount: Int { depth.load(ordering: .relaxed) }

    public func send(_ message: CoreMessage, device: DeviceID) -> Bool {
        guard depth.add(1, ordering: .relaxed).newValue <= capacity else {
            depth.subtract(1, ordering: .relaxed)
            return false
        }
        mailbox.post(message)
        return true
    }
}

/// Notifications to the transports of the same process: every loop with sessions registers a handler.
public final class InProcessTransportNotifications: TransportNotificationProducer {
    private let mailboxes = Mutex<[Mailbox<TransportNotification>]>([])

    public init() {}

    /// Registers the transport loop `loop`; `handler` is called on it. Called on `loop`.
    public func subscribe(on loop: EventLoop, handler: @escaping (TransportNotification) -> Void) {
        let mailbox = Mailbox<TransportNotification>(on: loop) { notifications in
            for notification in notifications { handler(notification) }
        }
        mailboxes.withLock { $0.append(mailbox) }
    }

    public func send(_ notification: TransportNotification, to nodeID: String) {
        broadcast(notification)
    }

    public func broadcast(_ notification: TransportNotification) {
        let all = mailboxes.withLock { $0 }
        for mailbox in all { mailbox.post(notification) }
    }
}

/// Notifications to the core node of the same process.
public final class InProcessCoreNotifications: CoreNotificationProducer {
    private let mailboxes = Mutex<[Mailbox<CoreNotification>]>([])

    public init() {}

    /// Registers a consumer; `handler` is called on `loop`, in order. Called on `loop`.
    public func subscribe(on loop: EventLoop, handler: @escaping (CoreNotification) -> Void) {
        let mailbox = Mailbox<CoreNotification>(on: loop) { notifications in
            for notification in notifications { handler(notification) }
        }
        mailboxes.withLock { $0.append(mailbox) }
    }

    public func send(_ notification: CoreNotification, to serviceID: String) {
        broadcast(notification)
    }

    public func broadcast(_ notification: CoreNotification) {
        let all = mailboxes.withLock { $0 }
        for mailbox in all { mailbox.post(notification) }
    }
}
