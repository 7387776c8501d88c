import Glibc
import Reactor
import Synchronization
import TestSupport
import Testing

@Suite struct MailboxTests {
    @Test func manyThreadsPostAndEachKeepsItsOrder() async throws {
        let perThread = 20_000
        let received = Mutex<[[Int]]>(Array(repeating: [], count: 4))
        try await withLoop { loop in
            let mailbox = Mailbox<(Int, Int)>(on: loop) { batch in
                precondition(loop.isCurrent)
                received.withLock { received in
                    for (thread, number) in batch { received[thread].append(number) }
                }
            }
            await withTaskGroup { group in
                for thread in 0..<4 {
                    group.addTask { @concurrent in
                        for number in 0..<perThread { mailbox.post((thread, number)) }
                    }
                }
            }
            try await eventually { received.withLock { $0.allSatisfy { $0.count == perThread } } }
        }
        received.withLock { received in
            for numbers in received { #expect(numbers == Array(0..<perThread)) }
        }
    }

    @Test func aBurstIsOneCall() async throws {
        let batches = Mutex<[[Int]]>([])
        try await withLoop { loop in
            let mailbox = Mailbox<Int>(on: loop) { batch in batches.withLock { $0.append(batch) } }
            await loop.perform {
                for number in 0..<100 { mailbox.post(number) }
                mailbox.post(contentsOf: [100, 101])
            }
            try await eventually { !batches.withLock { $0.isEmpty } }
        }
        #expect(batches.withLock { $0 } == [Array(0...101)])
    }

    @Test func whatTheHandlerPostsComesInALaterCall() async throws {
        let batches = Mutex<[[Int]]>([])
        let slot = Mutex<Mailbox<Int>?>(nil)
        try await withLoop { loop in
            let mailbox = Mailbox<Int>(on: loop) { batch in
                batches.withLock { $0.append(batch) }
                if batch[0] < 3 { slot.withLock { $0 }?.post(batch[0] + 1) }
            }
            slot.withLock { $0 = mailbox }
            mailbox.post(0)
            try await eventually { batches.withLock { $0.count } == 4 }
            slot.withLock { $0 = nil }
        }
        #expect(batches.withLock { $0 } == [[0], [1], [2], [3]])
    }

    @Test func executedWorkKeepsTheOrderOfItsThread() async throws {
        let journal = Journal()
        try await withLoop { loop in
            for entry in 0..<1000 { loop.execute { journal.note(entry) } }
            try await eventually { journal.all.count == 1000 }
        }
        #expect(journal.all == Array(0..<1000))
    }

    /// Wakes a sleeping loop again and again: a lost wake-up would hang here.
    @Test func noWakeUpIsLost() async throws {
        try await withLoop { loop in
            for round in 0..<5000 {
                #expect(await loop.perform { round } == round)
            }
        }
    }

    @Test func anIdleLoopDoesNotTick() async throws {
        try await withLoop { loop in
            _ = await loop.perform {}
            try await eventually { loop.statistics.submissions >= 1 }
            let before = loop.statistics.ticks
            try await Task.sleep(for: .milliseconds(100))
            #expect(loop.statistics.ticks == before)
        }
    }
}
