import Reactor
import Synchronization
import TestSupport
import Testing

/// What happened on a loop, in order.
final class Journal: Sendable {
    private let entries = Mutex<[Int]>([])
    var all: [Int] { entries.withLock { $0 } }
    func note(_ entry: Int) { entries.withLock { $0.append(entry) } }
}

@Suite struct TimerTests {
    @Test func timersFireInOrderOfDeadlineThenOfScheduling() async throws {
        let journal = Journal()
        try await withLoop { loop in
            await loop.perform {
                for (delay, entry) in [(30, 4), (10, 2), (20, 3), (30, 5), (0, 1), (30, 6)] {
                    loop.schedule(after: .milliseconds(delay)) { journal.note(entry) }
                }
            }
            try await eventually { journal.all.count == 6 }
        }
        #expect(journal.all == [1, 2, 3, 4, 5, 6])
    }

    @Test func manyTimersFireInOrderWithSomeCancelled() async throws {
        let journal = Journal()
        let cancelled = (0..<3000).filter { $0 % 3 == 0 }
        try await withLoop { loop in
            await loop.perform {
                var random = SeededRandom(seed: 3)
                var timers: [Int: LoopTimer] = [:]
                for entry in (0..<3000).shuffled(using: &random) {
                    timers[entry] = loop.schedule(after: .microseconds(entry * 10)) { journal.note(entry) }
                }
                for entry in cancelled { timers[entry]?.cancel() }
                timers[3]?.cancel()
                return
            }
            try await eventually { journal.all.count >= 2000 }
            _ = await loop.perform {}
        }
        #expect(journal.all == (0..<3000).filter { $0 % 3 != 0 })
    }

    @Test func aCancelledTimerLetsGoOfItsClosure() async throws {
        try await withLoop { loop in
            let isGone = await loop.perform {
                var token: Journal? = Journal()
                weak let observed = token
                let timer = loop.schedule(after: .seconds(3600)) { [token] in token?.note(1) }
                token = nil
                timer.cancel()
                return observed == nil && timer.isCancelled
            }
            #expect(isGone)
        }
    }

    @Test func aRepeatingTimerStopsInsideItsOwnCall() async throws {
        let journal = Journal()
        try await withLoop { loop in
            await loop.perform {
                var timer: LoopTimer?
                timer = loop.schedule(after: .milliseconds(1), repeating: .milliseconds(1)) {
                    journal.note(journal.all.count)
                    if journal.all.count == 3 { timer?.cancel() }
                }
                loop.schedule(after: .milliseconds(40)) { journal.note(-1) }
            }
            try await eventually { journal.all.last == -1 }
        }
        #expect(journal.all == [0, 1, 2, -1])
    }

    @Test func aTimerScheduledByATimerRunsInALaterTick() async throws {
        let journal = Journal()
        try await withLoop { loop in
            await loop.perform { () -> Void in
                loop.schedule(after: .zero) {
                    loop.schedule(after: .zero) { journal.note(2) }
                    loop.execute { journal.note(1) }
                }
            }
            try await eventually { journal.all.count == 2 }
        }
        #expect(Set(journal.all) == [1, 2])
    }

    @Test func sleepingTasksGoOnWhenTheLoopEnds() async throws {
        let loop = try EventLoop(name: "sleepy", index: 0)
        loop.start()
        async let sleeper: Void = loop.sleep(.seconds(3600))
        _ = await loop.perform {}
        loop.stop()
        await sleeper
        loop.join()
        await loop.sleep(.seconds(3600))
    }
}
