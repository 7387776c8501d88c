import CLinux
import Synchronization

/// Work that was handed to a loop.
enum Submission {
    case closure(@Sendable () -> Void)
    case job(UnownedJob)
    case mailbox(any DrainableMailbox)
}

/// A mailbox, seen from its loop.
protocol DrainableMailbox: Sendable {
    /// Hands over what was posted. On the loop.
    func drain()
}

extension EventLoop {
    /// Runs `work` on the loop, in the order of submission by each thread. Safe from any thread; wakes the loop at most
    /// once per burst. On the loop itself, it runs later in the same tick or in the next one, never at once.
    public func execute(_ work: @escaping @Sendable () -> Void) {
        submit(.closure(work))
    }

    func submit(_ submission: Submission) {
        if runsOnThisThread {
            ownSubmissions.append(submission)
            return
        }
        // What is handed over may be the end of whoever owns the loop, on its thread, before this call is through.
        let owned = Unmanaged.passRetained(self)
        defer { owned.release() }
        inbox.withLock { $0.append(submission) }
        wake()
        // After the inbox: `finish` sets the flag first and then looks into the inbox, so that one of the two sees the work.
        if isFinished.load(ordering: .acquiring) { runLateSubmissions() }
    }

    /// Runs what was submitted. Work that submits more to its own loop gets a few rounds before sockets are looked at.
    func runSubmissions() {
        if wakeState.exchange(WakeState.awake, ordering: .acquiringAndReleasing) == WakeState.notified {
            var batch: [Submission] = []
            swap(&batch, &drained)
            inbox.withLock { swap(&$0, &batch) }
            run(&batch)
            swap(&batch, &drained)
        }
        var rounds = 0
        while !ownSubmissions.isEmpty, rounds < 16 {
            rounds += 1
            var batch: [Submission] = []
            swap(&batch, &drained)
            swap(&batch, &ownSubmissions)
            run(&batch)
            swap(&batch, &drained)
        }
    }

    private func run(_ batch: inout [Submission]) {
        for submission in batch {
            switch submission {
            case .closure(let work): work()
            case .job(let job):
                job.runSynchronously(
                    isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
            case .mailbox(let mailbox): mailbox.drain()
            }
        }
        counters.submissions += batch.count
        // A burst does not hold its memory for ever.
        batch.removeAll(keepingCapacity: batch.capacity <= 4096)
    }

    /// After the end of the loop its work is done by the threads that submit it, one at a time, each standing in for the
    /// loop's thread: so nothing that waits for an answer waits for ever.
    func runLateSubmissions() {
        while true {
            let claimed: [Submission] = lateWorkIsRunning.withLock { isRunning in
                // Whoever is at it looks into the inbox again when it is done.
                guard !isRunning else { return [] }
                let claimed = inbox.withLock { waiting in
                    let all = waiting
                    waiting = []
                    return all
                }
                isRunning = !claimed.isEmpty
                return claimed
            }
            guard !claimed.isEmpty else { return }
            asCurrent {
                var batch = claimed
                run(&batch)
                while !ownSubmissions.isEmpty || !ended.isEmpty {
                    runSubmissions()
                    notifyEnded()
                }
            }
            lateWorkIsRunning.withLock { $0 = false }
        }
    }
}
