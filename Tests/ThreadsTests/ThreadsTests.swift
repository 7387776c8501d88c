import Glibc
import Synchronization
import Testing
import Threads

/// The name of the calling thread, as tools show it.
private func ownName() -> String {
    guard let file = fopen("/proc/thread-self/comm", "r") else { return "" }
    defer { fclose(file) }
    var name = [CChar](repeating: 0, count: 32)
    guard fgets(&name, Int32(name.count), file) != nil else { return "" }
    return String(decoding: name.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// How far the calling thread stands back: on Linux the nice value is a thread's.
private func niceness() -> Int32 { getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0) }

/// Whether the calling thread leaves a signal to others.
private func blocks(_ number: Int32) -> Bool {
    var mask = sigset_t()
    pthread_sigmask(SIG_BLOCK, nil, &mask)
    return sigismember(&mask, number) == 1
}

@Suite struct ThreadsTests {
    @Test func aDetachedThreadHasItsNameAndLeavesSignalsToOthers() async {
        let (name, terminates, pipe) = await DetachedThread.result("worker") {
            (ownName(), blocks(SIGTERM), blocks(SIGPIPE))
        }
        #expect(name == "worker")
        #expect(terminates && pipe)
    }

    @Test func aLongNameIsCut() async {
        let name = await DetachedThread.result("a-name-of-more-than-15-bytes") { ownName() }
        #expect(name == "a-name-of-more-")
    }

    @Test func aThreadOfLowPriorityStandsBack() async {
        let (normal, low) = await (
            DetachedThread.result("normal") { niceness() },
            withCheckedContinuation { continuation in
                DetachedThread.start("low", priority: .low) { continuation.resume(returning: niceness()) }
            }
        )
        #expect(low > normal)
    }

    @Test func joinReturnsAfterTheBody() throws {
        let rounds = Counter()
        let thread = try JoinableThread("joined") {
            rounds.add()
            rounds.end()
        }
        thread.join()
        #expect(rounds.count == 1 && rounds.hasEnded)
    }

    @Test func aWorkerEndsWhenItIsTold() async {
        let worker = WorkerThread()
        let rounds = Counter()
        worker.start("loop") {
            while !worker.isStopping {
                rounds.add()
                sched_yield()
            }
            rounds.end()
        }
        while rounds.count == 0 { await Task.yield() }
        #expect(!rounds.hasEnded)
        await worker.stop()
        #expect(rounds.hasEnded)
        await worker.stop()
    }

    @Test func aWorkerToldToEndBeforeItsStartDoesNothing() async {
        let worker = WorkerThread()
        let rounds = Counter()
        await worker.stop()
        worker.start("never") { rounds.add() }
        await worker.stop()
        #expect(rounds.count == 0)
    }
}

private final class Counter: Sendable {
    private let state = Mutex((count: 0, hasEnded: false))
    var count: Int { state.withLock { $0.count } }
    var hasEnded: Bool { state.withLock { $0.hasEnded } }
    func add() { state.withLock { $0.count += 1 } }
    func end() { state.withLock { $0.hasEnded = true } }
}
