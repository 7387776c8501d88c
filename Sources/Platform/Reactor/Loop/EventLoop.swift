import CLinux
import Glibc
import Synchronization

/// One thread around epoll; the owner of its connections, timers and mailboxes.
///
///     wait for events ─> events ─> mailboxes ─> timers ─> resumed input ─> tick hooks ─> output ─┐
///          └────────────────────────────────────────────────────────────────────────────────────┘
///
/// Everything that belongs to the loop is used on its thread, or while it is being set up, before ``start()``. Other
/// threads hand work over by ``execute(_:)``, a ``Mailbox`` or a task that runs on the loop. An idle loop sleeps in the
/// kernel without a deadline.
///
/// As an executor: `Task(executorPreference: loop)` runs on the loop, and an actor whose `unownedExecutor` is the loop is
/// isolated by it.
public final class EventLoop: @unchecked Sendable {
    // @unchecked: the stored properties are constants, atomics, behind a mutex, or touched by the loop's thread only
    // (checked by `preconditionOwned` where callers come from outside).

    public let name: String
    public let index: Int

    let epoll: Int32
    private let wakeDescriptor: Int32
    private let finishedDescriptor: Int32

    // MARK: Shared with other threads

    let lifecycle = Mutex<Lifecycle>(.created)
    let stopRequested = Atomic<Bool>(false)
    let isStarted = Atomic<Bool>(false)
    let isFinished = Atomic<Bool>(false)
    let lateWorkIsRunning = Mutex<Bool>(false)
    /// See ``WakeState``.
    let wakeState = Atomic<UInt8>(WakeState.awake)
    let inbox = Mutex<[Submission]>([])
    let published = Mutex<LoopStatistics>(LoopStatistics())

    // MARK: Owned by the loop

    var slots = SlotTable()
    var timers = TimerHeap()
    var pool = BufferPool()
    /// Submitted by the loop to itself.
    var ownSubmissions: [Submission] = []
    /// Spare array for the swap with `inbox` and `ownSubmissions`.
    var drained: [Submission] = []
    /// Connections with output to send at the end of the tick, and the spare array of it.
    var dirty: [Connection] = []
    var flushing: [Connection] = []
    /// Connections whose reading goes on without an event.
    var resumed: [Connection] = []
    /// Handlers that are still to hear of the end of their connection.
    var ended: [EndedConnection] = []
    var hooks: [() -> Void] = []
    var tickTime = MonotonicTime.now()
    /// 0 when it has not been read in this tick.
    var tickWallClock: Int64 = 0
    var counters = LoopStatistics()
    let events: UnsafeMutablePointer<epoll_event>
    /// Kept input is put in front, one read goes behind it, and 64 readable bytes follow for parsers that look ahead.
    let receiveBuffer: UnsafeMutableRawPointer

    enum Lifecycle { case created, running, finished }

    /// Who has to write the eventfd. Posting sets `notified`, and only who finds `asleep` wakes the loop.
    enum WakeState {
        static let awake: UInt8 = 0
        static let notified: UInt8 = 1
        static let asleep: UInt8 = 2
    }

    struct EndedConnection {
        let connection: Connection
        let handler: any ConnectionHandler
        let reason: CloseReason
    }

    static let eventLimit: Int32 = 256
    static let wakeData = UInt64.max

    public init(name: String, index: Int) throws(ReactorError) {
        self.name = name
        self.index = index
        let epoll = needletail_epoll_create()
        guard epoll >= 0 else { throw .last("epoll_create1") }
        let wake = needletail_eventfd()
        let finished = needletail_eventfd()
        // Edge-triggered: every write is one event, so that the counter never has to be read.
        guard
            wake >= 0, finished >= 0,
            needletail_epoll_add(epoll, wake, NEEDLETAIL_EPOLLIN | NEEDLETAIL_EPOLLET, Self.wakeData) == 0
        else {
            let error = ReactorError.last("eventfd")
            for descriptor in [epoll, wake, finished] where descriptor >= 0 { _ = Glibc.close(descriptor) }
            throw error
        }
        self.epoll = epoll
        wakeDescriptor = wake
        finishedDescriptor = finished
        events = .allocate(capacity: Int(Self.eventLimit))
        receiveBuffer = .allocate(byteCount: InputLimits.receiveBufferBytes, alignment: 64)
    }

    deinit {
        _ = Glibc.close(epoll)
        _ = Glibc.close(wakeDescriptor)
        _ = Glibc.close(finishedDescriptor)
        events.deallocate()
        receiveBuffer.deallocate()
    }

    // MARK: - Life

    /// Starts the loop's thread. Call once.
    public func start() {
        lifecycle.withLock { lifecycle in
            precondition(lifecycle == .created, "event loop \(name) was started before")
            lifecycle = .running
            isStarted.store(true, ordering: .releasing)
        }
        let context = Unmanaged.passRetained(self)
        let code = needletail_start_thread(
            { Unmanaged<EventLoop>.fromOpaque($0!).takeRetainedValue().threadMain() }, context.toOpaque())
        precondition(code == 0, "the thread of event loop \(name) cannot be started: \(errorText(code))")
    }

    /// Ends the loop: listeners close, connections end with ``CloseReason/shutdown`` after one attempt to send what is
    /// waiting, then the thread ends. Safe from any thread; returns at once. What is submitted later runs on the
    /// submitting thread.
    public func stop() {
        stopRequested.store(true, ordering: .releasing)
        let neverStarted = lifecycle.withLock { lifecycle in
            guard lifecycle == .created else { return false }
            lifecycle = .running
            isStarted.store(true, ordering: .releasing)
            return true
        }
        if neverStarted { asCurrent { finish() } } else { wake() }
    }

    /// Blocks until the loop has ended. Never on a loop; any number of threads may wait.
    public func join() {
        precondition(!runsOnThisThread, "event loop \(name) cannot wait for itself")
        needletail_wait_readable(finishedDescriptor)
    }

    func announceFinished() {
        needletail_eventfd_signal(finishedDescriptor)
    }

    /// Makes the loop look at its inbox. Safe from any thread.
    func wake() {
        if wakeState.exchange(WakeState.notified, ordering: .acquiringAndReleasing) == WakeState.asleep {
            needletail_eventfd_signal(wakeDescriptor)
        }
    }

    // MARK: - Where am I

    /// Whether the calling thread is this loop's. Until the loop is started, whoever sets it up counts as the loop.
    public var isCurrent: Bool {
        runsOnThisThread || !isStarted.load(ordering: .relaxed)
    }

    var runsOnThisThread: Bool {
        needletail_current_loop() == Unmanaged.passUnretained(self).toOpaque()
    }

    /// The loop whose thread this is.
    public static var current: EventLoop? {
        needletail_current_loop().map { Unmanaged<EventLoop>.fromOpaque($0).takeUnretainedValue() }
    }

    func preconditionOwned() {
        precondition(isCurrent, "state of event loop \(name) touched from another thread")
    }

    // MARK: - Time

    /// The monotonic clock as read at the start of the tick; on other threads, as of now.
    public var now: MonotonicTime { runsOnThisThread ? tickTime : .now() }

    /// Milliseconds since 1970, read at most once per tick; on other threads, as of now.
    public var wallClockMilliseconds: Int64 {
        guard runsOnThisThread else { return readWallClock() }
        if tickWallClock == 0 { tickWallClock = readWallClock() }
        return tickWallClock
    }

    /// Calls `body` once after a time, or again and again; calls that the loop was too late for are skipped.
    ///
    /// On the loop, or before it is started. Timers of one deadline run in the order of scheduling; a timer that is
    /// scheduled by another one runs in a later tick.
    @discardableResult
    public func schedule(
        after delay: Duration, repeating interval: Duration? = nil, _ body: @escaping () -> Void
    ) -> LoopTimer {
        preconditionOwned()
        let nanoseconds = interval?.clampedNanoseconds
        precondition(nanoseconds ?? 1 > 0, "a repeating timer needs an interval above zero")
        let timer = LoopTimer(loop: self, deadline: now + delay, interval: nanoseconds, body: body)
        timers.insert(timer)
        return timer
    }

    /// Suspends the calling task for a time; the loop resumes it, at once when it ends before. Any thread.
    public func sleep(_ duration: Duration) async {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            execute { [unowned self] in
                guard !isFinished.load(ordering: .relaxed) else { return continuation.resume() }
                schedule(after: duration) { continuation.resume() }.firesAtEnd = true
            }
        }
    }

    /// Runs `body` at the end of every tick, after events, mailboxes and timers, before output is flushed.
    ///
    /// On the loop, or before it is started. There is no tick without a reason: a hook is not called while the loop sleeps.
    public func addTickHook(_ body: @escaping () -> Void) {
        preconditionOwned()
        hooks.append(body)
    }

    /// The connection named by `id`; `nil` once it was closed. On the loop.
    public func connection(for id: ConnectionID) -> Connection? {
        guard case .connection(let connection) = slots.entry(of: id), connection.isOpen else { return nil }
        return connection
    }

    /// Calls `body` for every connection that is up or being made. On the loop; `body` may close them.
    public func forEachConnection(_ body: (Connection) -> Void) {
        preconditionOwned()
        for entry in slots.occupied {
            if case .connection(let connection) = entry, connection.isOpen { body(connection) }
        }
    }

    /// Counters as of the end of the last tick. Safe from any thread.
    public var statistics: LoopStatistics {
        published.withLock { $0 }
    }
}
