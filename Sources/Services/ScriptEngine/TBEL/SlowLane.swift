import Glibc
import Synchronization
import TBEL
import Threads

/// Threads for scripts that take long: at most ``width`` at a time, the others wait in turn. They stand back for event
/// loops.
final class SlowLane: Sendable {
    private struct State {
        var running = 0
        var waiting: [@Sendable () -> Void] = []
        var next = 0
    }

    private let width: Int
    private let state = Mutex(State())
    private static let mostWaiting = 1_000

    init(width: Int) { self.width = width }

    /// Runs `work` on a thread.
    ///
    /// - Returns: `nil` when too much waits already.
    func run<R: Sendable>(_ work: @escaping @Sendable () -> R) async -> R? {
        await withCheckedContinuation { continuation in
            if !put({ continuation.resume(returning: work()) }) { continuation.resume(returning: nil) }
        }
    }

    private func put(_ work: @escaping @Sendable () -> Void) -> Bool {
        let starts: Bool? = state.withLock { state in
            if state.running < width {
                state.running += 1
                return true
            }
            guard state.waiting.count - state.next < Self.mostWaiting else { return nil }
            state.waiting.append(work)
            return false
        }
        guard let starts else { return false }
        guard starts else { return true }
        let code = DetachedThread.trying("tbel", priority: .low) { [self] in goOn(work) }
        guard code != 0 else { return true }
        state.withLock { $0.running -= 1 }
        return false
    }

    /// Does `work`, and then what waits.
    private func goOn(_ work: @escaping @Sendable () -> Void) {
        var work = work
        while true {
            work()
            let next: (@Sendable () -> Void)? = state.withLock { state in
                guard state.next < state.waiting.count else {
                    state.running -= 1
                    state.waiting.removeAll()
                    state.next = 0
                    return nil
                }
                let work = state.waiting[state.next]
                state.next += 1
                if state.next > Self.mostWaiting {
                    state.waiting.removeFirst(state.next)
                    state.next = 0
                }
                return work
            }
            guard let next else { return }
            work = next
        }
    }
}

/// Measures what a run takes of the processor, so that a busy machine does not make a script too slow.
struct ThreadTimeClock: TBELClock {
    func milliseconds() -> Int64 { TBELSystemClock().milliseconds() }

    func nanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
