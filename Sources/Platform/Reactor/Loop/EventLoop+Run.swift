import CLinux
import Glibc
import Synchronization

/// The thread of a loop: waiting, one tick after the other, and the end.
extension EventLoop {
    func threadMain() {
        needletail_set_thread_name(name)
        needletail_block_signals()
        asCurrent {
            run()
            finish()
        }
    }

    /// Runs `body` as the loop's thread.
    func asCurrent(_ body: () -> Void) {
        let outer = needletail_current_loop()
        needletail_set_current_loop(Unmanaged.passUnretained(self).toOpaque())
        body()
        needletail_set_current_loop(outer)
    }

    private func run() {
        var clock = MonotonicTime.now()
        while !stopRequested.load(ordering: .acquiring) {
            let count = needletail_epoll_wait(epoll, events, Self.eventLimit, timeToSleep(from: clock))
            precondition(count >= 0 || errno == EINTR, "epoll_wait: \(errorText(errno))")
            // Others need not write the eventfd while the loop is awake; a notification that came in is kept.
            _ = wakeState.compareExchange(
                expected: WakeState.asleep, desired: WakeState.awake, ordering: .acquiringAndReleasing)
            tickTime = .now()
            tickWallClock = 0
            tick(eventCount: max(0, Int(count)))
            clock = .now()
            publish(end: clock)
        }
    }

    /// Nanoseconds until the next timer, 0 when there is work left, below 0 to sleep without a deadline.
    private func timeToSleep(from clock: MonotonicTime) -> Int64 {
        let hasWork = !ownSubmissions.isEmpty || !dirty.isEmpty || !resumed.isEmpty || !ended.isEmpty
        if hasWork { return 0 }
        let sleeps = wakeState.compareExchange(
            expected: WakeState.awake, desired: WakeState.asleep, ordering: .acquiringAndReleasing)
        guard sleeps.exchanged else { return 0 }
        guard let deadline = timers.nextDeadline else { return -1 }
        return deadline > clock.nanoseconds ? Int64(clamping: deadline - clock.nanoseconds) : 0
    }

    private func tick(eventCount: Int) {
        for index in 0..<eventCount {
            let data = needletail_event_data(events, Int32(index))
            if data == Self.wakeData { continue }
            dispatch(needletail_event_set(events, Int32(index)), to: ConnectionID(eventData: data))
        }
        counters.events += eventCount
        counters.ticks += 1
        runSubmissions()
        runTimers()
        continueResumed()
        notifyEnded()
        for hook in hooks { hook() }
        flushDirty()
        notifyEnded()
    }

    @inline(__always)
    private func dispatch(_ ready: UInt32, to id: ConnectionID) {
        switch slots.entry(of: id) {
        case .free: break  // Closed earlier in this batch.
        case .connection(let connection): connection.handle(ready)
        case .listener(let listener): listener.acceptReady()
        case .registration(let registration): registration.handle(ready)
        }
    }

    private func runTimers() {
        guard let first = timers.nextDeadline, first <= tickTime.nanoseconds else { return }
        let limit = timers.nextSequence
        while let timer = timers.popDue(at: tickTime, before: limit) {
            counters.timersFired += 1
            guard let body = timer.body else { continue }
            guard let interval = timer.interval else {
                timer.body = nil
                body()
                continue
            }
            body()
            guard timer.body != nil else { continue }
            let next = timer.deadline + .nanoseconds(interval)
            timer.deadline = next > tickTime ? next : tickTime + .nanoseconds(interval)
            timers.insert(timer)
        }
    }

    private func continueResumed() {
        guard !resumed.isEmpty else { return }
        var batch: [Connection] = []
        swap(&batch, &resumed)
        for connection in batch { connection.continueReading() }
    }

    private func flushDirty() {
        guard !dirty.isEmpty else { return }
        // What becomes dirty while this runs waits for the next tick, so that no connection can hold the loop.
        swap(&flushing, &dirty)
        for connection in flushing { connection.flush() }
        flushing.removeAll(keepingCapacity: true)
    }

    func notifyEnded() {
        while !ended.isEmpty {
            var batch: [EndedConnection] = []
            swap(&batch, &ended)
            for one in batch { one.handler.connectionDidClose(one.connection, reason: one.reason) }
        }
    }

    private func publish(end: MonotonicTime) {
        let spent = end.nanoseconds &- tickTime.nanoseconds
        counters.nanosecondsInTicks &+= spent
        counters.longestTickNanoseconds = max(counters.longestTickNanoseconds, spent)
        published.withLock { $0 = counters }
    }

    /// Closes everything, lets go of every closure, and hands the inbox over to whoever submits later.
    func finish() {
        tickTime = .now()
        for entry in slots.occupied {
            switch entry {
            case .free: break
            case .connection(let connection): connection.endAtShutdown()
            case .listener(let listener): listener.close()
            case .registration(let registration): registration.deregister()
            }
        }
        notifyEnded()
        while !ownSubmissions.isEmpty || wakeState.load(ordering: .acquiring) == WakeState.notified {
            runSubmissions()
            notifyEnded()
        }
        // What handlers and mailboxes gathered for the end of a tick still goes on its way.
        for hook in hooks { hook() }
        hooks = []
        for body in timers.removeAll() { body() }
        while !ownSubmissions.isEmpty || !ended.isEmpty {
            runSubmissions()
            notifyEnded()
        }
        dirty = []
        resumed = []
        publish(end: .now())
        lifecycle.withLock { $0 = .finished }
        isFinished.store(true, ordering: .releasing)
        runLateSubmissions()
        announceFinished()
    }
}
