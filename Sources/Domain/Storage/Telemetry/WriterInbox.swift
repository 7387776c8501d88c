import Glibc

/// The batches that wait for one writer thread. Safe from any thread; one thread takes.
///
/// It has no bound of its own: whoever saves admits only so many saves without a completion.
final class WriterInbox: @unchecked Sendable {
    // @unchecked: everything below is touched under `mutex` only.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var batches: [WriteBatch] = []
    private var rows = 0
    private var isStopping = false
    private var isAsleep = false
    /// Rows that end the waiting for more.
    private var enough = Int.max
    /// Rows that were taken together the last time.
    private var lastRows = Int.max
    /// Of so few rows as many as the last time are worth no waiting: all who wait for an answer have sent again.
    private static let fewRows = 64
    /// A transaction takes about that much text at most, far below what one message to the server may hold.
    private static let fullBytes = 32 << 20

    init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func put(_ batch: WriteBatch, wakeAt fullRows: Int) {
        pthread_mutex_lock(mutex)
        let wasEmpty = batches.isEmpty
        batches.append(batch)
        rows += batch.rowCount
        let wakes = isAsleep && (wasEmpty || rows >= min(enough, fullRows))
        if wakes { isAsleep = false }
        pthread_mutex_unlock(mutex)
        if wakes { pthread_cond_signal(condition) }
    }

    /// Ends the thread once everything that waits was taken.
    func stop() {
        pthread_mutex_lock(mutex)
        isStopping = true
        pthread_mutex_unlock(mutex)
        pthread_cond_broadcast(condition)
    }

    /// Rows that wait.
    var depth: Int {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return rows
    }

    /// Whether ``stop()`` was called.
    var stops: Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return isStopping
    }

    /// Waits for a batch, then up to `linger` for `fullRows` rows, and takes whole batches up to about that many rows. Where
    /// few rows come at a time, it waits no longer than until there are as many as the last time.
    ///
    /// - Returns: `nil` when the inbox is stopped and empty.
    func take(fullRows: Int, linger: Duration) -> [WriteBatch]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while batches.isEmpty {
            if isStopping { return nil }
            isAsleep = true
            pthread_cond_wait(condition, mutex)
        }
        isAsleep = false
        enough = lastRows <= Self.fewRows ? min(lastRows, fullRows) : fullRows
        if rows < enough, !isStopping {
            var deadline = Self.deadline(after: linger)
            while rows < enough, !isStopping {
                isAsleep = true
                if pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT { break }
            }
            isAsleep = false
        }
        enough = .max
        var taken: [WriteBatch] = []
        var count = 0
        var bytes = 0
        for batch in batches {
            taken.append(batch)
            count += batch.rowCount
            bytes += batch.bytes.count
            if count >= fullRows || bytes >= Self.fullBytes { break }
        }
        if taken.count == batches.count { batches = [] } else { batches.removeFirst(taken.count) }
        rows -= count
        lastRows = count
        return taken
    }

    /// Waits for `duration`, or until the inbox is stopped.
    func pause(_ duration: Duration) {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        var deadline = Self.deadline(after: duration)
        while !isStopping {
            if pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT { return }
        }
    }

    private static func deadline(after duration: Duration) -> timespec {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let (seconds, attoseconds) = duration.components
        var nanoseconds = now.tv_nsec + Int(attoseconds / 1_000_000_000)
        var whole = now.tv_sec + Int(seconds)
        if nanoseconds >= 1_000_000_000 {
            nanoseconds -= 1_000_000_000
            whole += 1
        }
        return timespec(tv_sec: whole, tv_nsec: nanoseconds)
    }
}
