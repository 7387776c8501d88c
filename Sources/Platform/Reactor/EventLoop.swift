internal import Bytes
internal import CLinux
internal import Glibc
import Synchronization

/// One thread around epoll; owner of its connections, timers and mailboxes. Also an executor of tasks and actors.
///
/// A tick: wait; handle ready descriptors; run what other threads submitted; run timers; run the tick hooks; send what
/// was written. An idle loop sleeps without a timeout.
public final class EventLoop: TaskExecutor, SerialExecutor, @unchecked Sendable {
    // @unchecked: what is not in `inbox` or `shared` belongs to the loop's thread; before `start` to whoever made it.
    public let index: Int
    public let name: String

    fileprivate struct Inbox {
        var jobs: [UnownedJob] = []
        var work: [@Sendable () -> Void] = []
        var drains: [any MailboxDrain] = []
        var isAnnounced = false
        var isStopping = false
    }

    private let inbox = Mutex(Inbox())
    private let shared = Mutex(LoopStatistics())
    private let wakeDescriptor: Int32
    private let threadIdentifier = Atomic<UInt>(0)
    private var thread = pthread_t()
    private var isRunning = false

    private var poller: Poller
    private var timers = TimerHeap()
    private var nextTimerSequence: UInt64 = 0
    private var hooks: [() -> Void] = []
    private var dirty: [Connection] = []
    private var deferred: [() -> Void] = []
    private var jobs: [UnownedJob] = []
    private var work: [@Sendable () -> Void] = []
    private var drains: [any MailboxDrain] = []
    var statisticsNow = LoopStatistics()

    /// Received bytes of one read; 64 spare bytes follow for parsers that read ahead.
    static let receiveBufferSize = 65_536
    let receiveBuffer = UnsafeMutableRawPointer.allocate(byteCount: EventLoop.receiveBufferSize + 64, alignment: 64)

    public private(set) var now: MonotonicTime
    public private(set) var wallClockMilliseconds: Int64

    public init(name: String, index: Int) throws(ReactorError) {
        self.name = name
        self.index = index
        poller = try Poller()
        wakeDescriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard wakeDescriptor >= 0 else { throw ReactorError(operation: "eventfd", code: errno) }
        now = .now()
        wallClockMilliseconds = wallClockMillisecondsNow()
        try poller.add(WakeUp(descriptor: wakeDescriptor), descriptor: wakeDescriptor, interest: .read)
    }

    deinit {
        Glibc.close(wakeDescriptor)
        receiveBuffer.deallocate()
    }

    // MARK: - Life

    /// Starts the thread.
    public func start() {
        precondition(!isRunning, "loop \(name) was started twice")
        isRunning = true
        let context = Unmanaged.passRetained(self).toOpaque()
        let code = pthread_create(&thread, nil, { context in
            // Balances the retain of `start`; the thread keeps the loop until it ends.
            let loop = Unmanaged<EventLoop>.fromOpaque(context!).takeRetainedValue()
            loop.run()
            return nil
        }, context)
        precondition(code == 0, "no thread for loop \(name): errno \(code)")
    }

    /// Ends the loop after the current tick: closes its listeners and connections. Safe from any thread.
    public func stop() {
        let wakes = inbox.withLock { inbox in
            inbox.isStopping = true
            return inbox.announce()
        }
        if wakes { wake() }
    }

    /// Waits for the thread's end. Never on a loop.
    public func join() {
        guard isRunning else { return }
        precondition(!isCurrent, "a loop cannot wait for itself")
        pthread_join(thread, nil)
        isRunning = false
    }

    /// Whether the calling thread is the loop's. Before the loop has started, whoever sets it up counts as the loop.
    public var isCurrent: Bool {
        let identifier = threadIdentifier.load(ordering: .relaxed)
        return identifier == UInt(pthread_self()) || identifier == 0
    }

    /// The loop whose thread calls.
    public static var current: EventLoop? {
        CurrentLoop.get()
    }

    // MARK: - Work

    /// Runs `work` on the loop. Safe from any thread; wakes the loop at most once for all that is submitted meanwhile.
    public func execute(_ work: @escaping @Sendable () -> Void) {
        let wakes = inbox.withLock { inbox in
            inbox.work.append(work)
            return inbox.announce()
        }
        if wakes { wake() }
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let wakes = inbox.withLock { inbox in
            inbox.jobs.append(job)
            return inbox.announce()
        }
        if wakes { wake() }
    }

    func enqueue(_ drain: any MailboxDrain) {
        let wakes = inbox.withLock { inbox in
            inbox.drains.append(drain)
            return inbox.announce()
        }
        if wakes { wake() }
    }

    private func wake() {
        var one: UInt64 = 1
        // The counter cannot overflow: the loop empties it before it takes what was submitted.
        _ = Glibc.write(wakeDescriptor, &one, 8)
    }

    /// Calls `body` on the loop after a time, and again every `repeating`. On the loop.
    @discardableResult
    public func schedule(
        after delay: Duration, repeating interval: Duration? = nil, _ body: @escaping () -> Void
    ) -> LoopTimer {
        assertCurrent()
        let timer = LoopTimer(
            deadline: now + delay, interval: interval, sequence: nextTimerSequence, body: body)
        nextTimerSequence += 1
        timers.insert(timer)
        return timer
    }

    /// Suspends the calling task for a time. The loop resumes it.
    public func sleep(_ duration: Duration) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            execute { [unowned self] in
                _ = schedule(after: duration) { continuation.resume() }
            }
        }
    }

    /// Calls `body` at the end of every tick, before output is sent. On the loop, at set-up.
    public func addTickHook(_ body: @escaping () -> Void) {
        assertCurrent()
        hooks.append(body)
    }

    /// Calls `body` later in this tick, or in the next. On the loop.
    func runSoon(_ body: @escaping () -> Void) {
        deferred.append(body)
    }

    func assertCurrent() {
        precondition(isCurrent, "loop \(name) was touched off its thread")
    }

    // MARK: - Descriptors

    /// Watches a descriptor that somebody else owns, level-triggered. On the loop.
    public func register(
        descriptor: Int32, interest: Interest, _ onReady: @escaping (Readiness) -> Void
    ) throws(ReactorError) -> DescriptorRegistration {
        assertCurrent()
        let registration = DescriptorRegistration(loop: self, descriptor: descriptor, onReady: onReady)
        try poller.add(registration, descriptor: descriptor, interest: interest)
        return registration
    }

    func add(_ pollable: Pollable, descriptor: Int32, interest: Interest) throws(ReactorError) {
        assertCurrent()
        try poller.add(pollable, descriptor: descriptor, interest: interest)
    }

    func update(_ pollable: Pollable, descriptor: Int32, interest: Interest) {
        poller.update(pollable, descriptor: descriptor, interest: interest)
    }

    func remove(_ pollable: Pollable, descriptor: Int32? = nil) {
        poller.remove(pollable, descriptor: descriptor)
    }

    func markDirty(_ connection: Connection) {
        dirty.append(connection)
    }

    /// The connection of that id; `nil` when it is gone. On the loop.
    public func connection(for id: ConnectionID) -> Connection? {
        poller.pollable(slot: id.slot, generation: id.generation) as? Connection
    }

    /// Calls `body` for every open connection. On the loop.
    public func forEachConnection(_ body: (Connection) -> Void) {
        for pollable in poller.all {
            if let connection = pollable as? Connection { body(connection) }
        }
    }

    /// What the loop counted up to its last tick. Safe from any thread.
    public var statistics: LoopStatistics { shared.withLock { $0 } }

    // MARK: - Ticks

    private func run() {
        threadIdentifier.store(UInt(pthread_self()), ordering: .relaxed)
        CurrentLoop.set(self)
        needletail_set_thread_name(name)
        while !inbox.withLock({ $0.isStopping }) { tick() }
        shutDown()
        CurrentLoop.set(nil)
    }

    private func tick() {
        let count = poller.wait(milliseconds: timeout())
        now = .now()
        wallClockMilliseconds = wallClockMillisecondsNow()
        let start = now
        for index in 0..<count {
            guard let (pollable, readiness) = poller.event(index) else { continue }
            pollable.ready(readiness)
        }
        runInbox()
        while let timer = timers.popDue(at: now) { fire(timer) }
        for hook in hooks { hook() }
        runDeferred()
        flush()
        note(events: count, since: start)
    }

    private func timeout() -> Int32 {
        if !deferred.isEmpty || !dirty.isEmpty { return 0 }
        guard let deadline = timers.nextDeadline() else { return -1 }
        let current = MonotonicTime.now()
        guard deadline > current else { return 0 }
        // Rounded up, so that the loop does not wake before the timer is due.
        return Int32(min((deadline.nanoseconds - current.nanoseconds + 999_999) / 1_000_000, 3_600_000))
    }

    private func runInbox() {
        inbox.withLock { inbox in
            swap(&inbox.jobs, &jobs)
            swap(&inbox.work, &work)
            swap(&inbox.drains, &drains)
            inbox.isAnnounced = false
        }
        for job in jobs {
            job.runSynchronously(
                isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        }
        jobs.removeAll(keepingCapacity: true)
        for item in work { item() }
        work.removeAll(keepingCapacity: true)
        for drain in drains { drain.drain() }
        drains.removeAll(keepingCapacity: true)
    }

    private func fire(_ timer: LoopTimer) {
        guard let body = timer.body else { return }
        if let interval = timer.interval {
            timer.deadline = max(timer.deadline + interval, now)
            timers.insert(timer)
        } else {
            timer.cancel()
        }
        body()
    }

    private func runDeferred() {
        guard !deferred.isEmpty else { return }
        let soon = deferred
        deferred = []
        for body in soon { body() }
    }

    private func flush() {
        var next = 0
        while next < dirty.count {
            dirty[next].flush()
            next += 1
        }
        dirty.removeAll(keepingCapacity: true)
    }

    private func note(events: Int, since start: MonotonicTime) {
        statisticsNow.ticks += 1
        statisticsNow.events += events
        statisticsNow.busyNanoseconds += MonotonicTime.now().nanoseconds - start.nanoseconds
        statisticsNow.registrations = poller.count
        let copy = statisticsNow
        shared.withLock { $0 = copy }
    }

    private func shutDown() {
        for pollable in poller.all {
            switch pollable {
            case let connection as Connection: connection.abort(.shutdown)
            case let listener as Listener: listener.close()
            default: break
            }
        }
        runInbox()
        for hook in hooks { hook() }
        hooks.removeAll()
        timers.removeAll()
        deferred.removeAll()
        dirty.removeAll()
    }

    /// Empties the eventfd.
    private final class WakeUp: Pollable {
        private let descriptor: Int32

        init(descriptor: Int32) {
            self.descriptor = descriptor
        }

        override func ready(_ readiness: Readiness) {
            var count: UInt64 = 0
            _ = Glibc.read(descriptor, &count, 8)
        }
    }
}

extension EventLoop {
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
    public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
}

/// What a loop counted since its start.
public struct LoopStatistics: Sendable {
    public var ticks = 0
    public var events = 0
    public var bytesReceived = 0
    public var bytesSent = 0
    public var connections = 0
    /// Descriptors that are watched, the loop's own included.
    public var registrations = 0
    /// Time in ticks, without the time in which the loop waited.
    public var busyNanoseconds: UInt64 = 0

    public init() {}
}

/// A descriptor that is watched for somebody else. Belongs to its loop.
public final class DescriptorRegistration: Pollable {
    private unowned let loop: EventLoop
    private let descriptor: Int32
    private var onReady: ((Readiness) -> Void)?

    init(loop: EventLoop, descriptor: Int32, onReady: @escaping (Readiness) -> Void) {
        self.loop = loop
        self.descriptor = descriptor
        self.onReady = onReady
    }

    public func update(_ interest: Interest) {
        guard onReady != nil else { return }
        loop.update(self, descriptor: descriptor, interest: interest)
    }

    /// Ends the watch; the descriptor stays open. To be called before its owner closes it. Harmless when repeated.
    public func deregister() {
        guard onReady != nil else { return }
        onReady = nil
        loop.remove(self, descriptor: descriptor)
    }

    override func ready(_ readiness: Readiness) {
        onReady?(readiness)
    }
}

extension EventLoop.Inbox {
    /// Notes that there is work; `true` when the loop must be woken for it.
    fileprivate mutating func announce() -> Bool {
        if isAnnounced { return false }
        isAnnounced = true
        return true
    }
}

/// The loop of the calling thread.
private enum CurrentLoop {
    private static let key: pthread_key_t = {
        // Created once; afterwards only read.
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    static func set(_ loop: EventLoop?) {
        pthread_setspecific(key, loop.map { UnsafeRawPointer(Unmanaged.passUnretained($0).toOpaque()) })
    }

    /// The loop lives at least as long as its thread runs.
    static func get() -> EventLoop? {
        pthread_getspecific(key).map { Unmanaged<EventLoop>.fromOpaque($0).takeUnretainedValue() }
    }
}
