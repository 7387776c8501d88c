internal import Glibc
internal import Threads

/// Too much blocking work waits already.
struct PoolOverloaded: Error {}

/// A few threads for work that takes long without waiting for anything: password hashes. Event loops hand it over and go on.
///
/// The queue is bounded; what does not fit is refused. Threads live as long as the pool, and stand back for event loops when
/// the processors are busy: devices do not notice that many people sign in.
final class BlockingPool: @unchecked Sendable {
    // @unchecked: `queue` and `isStopping` are only touched with `mutex` held; the two primitives do not move.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let capacity: Int
    private var queue: [@Sendable () -> Void] = []
    private var head = 0
    private var isStopping = false

    /// - Parameter capacity: Pieces of work that may wait.
    init(threads: Int, capacity: Int) {
        precondition(threads > 0 && capacity > 0, "\(threads) threads, \(capacity) places")
        self.capacity = capacity
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
        for _ in 0..<threads { DetachedThread.start("blocking", priority: .low) { [self] in work() } }
    }

    /// Runs `work` on one of the threads.
    func run<R: Sendable>(_ work: @escaping @Sendable () -> R) async throws(PoolOverloaded) -> R {
        let result: R? = await withCheckedContinuation { continuation in
            if !put({ continuation.resume(returning: work()) }) { continuation.resume(returning: nil) }
        }
        guard let result else { throw PoolOverloaded() }
        return result
    }

    /// Ends the threads when what waits has been done.
    func stop() {
        pthread_mutex_lock(mutex)
        isStopping = true
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    private func put(_ work: @escaping @Sendable () -> Void) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard queue.count - head < capacity, !isStopping else { return false }
        queue.append(work)
        pthread_cond_signal(condition)
        return true
    }

    private func take() -> (@Sendable () -> Void)? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while head == queue.count {
            if isStopping { return nil }
            pthread_cond_wait(condition, mutex)
        }
        let work = queue[head]
        head += 1
        if head == queue.count {
            queue.removeAll(keepingCapacity: true)
            head = 0
        }
        return work
    }

    private func work() {
        while let work = take() { work() }
    }
}
