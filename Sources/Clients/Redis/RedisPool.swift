import Glibc
import Threads

/// The connections to one server, each with a thread of its own that sends what waits in one go and reads the answers.
///
/// Threads start when all others are busy, and end when nothing was asked for long. When the server cannot be reached,
/// commands fail at once for a time that grows with every failure, up to some seconds. Safe from any thread.
final class RedisPool: @unchecked Sendable {
    // @unchecked: every variable is only touched with `mutex` held; the two primitives do not move.
    struct Pending {
        let command: RedisCommand
        /// Whether the node is to answer although the slot is still moving to it.
        let isAsking: Bool
        let deadline: Int64
        /// Called once, on a thread of the pool or by whoever submits.
        let complete: @Sendable (Result<RedisValue, RedisError>) -> Void
    }

    /// Makes a connection; blocks.
    typealias Connect = @Sendable () throws(RedisError) -> RedisConnection

    private let configuration: RedisConfiguration
    private let connect: Connect
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting: [Pending] = []
    private var head = 0
    private var threads = 0
    private var idle = 0
    private var isClosed = false
    private var failures = 0
    private var brokenUntil: Int64 = 0
    private var brokenReason = ""

    init(_ configuration: RedisConfiguration, connect: @escaping Connect) {
        self.configuration = configuration
        self.connect = connect
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        // No thread is left: each keeps the pool alive.
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func submit(
        _ command: RedisCommand, isAsking: Bool = false,
        complete: @escaping @Sendable (Result<RedisValue, RedisError>) -> Void
    ) {
        let now = RedisClock.now()
        let pending = Pending(
            command: command, isAsking: isAsking, deadline: now + configuration.maximumWait.wholeNanoseconds,
            complete: complete)
        if let refusal = put(pending, at: now) { complete(.failure(refusal)) }
    }

    /// Commands that wait for a connection.
    var waitingCount: Int { locked { waiting.count - head } }

    /// Ends the threads; what waits is refused.
    func close() {
        let refused = locked {
            isClosed = true
            defer { (waiting, head) = ([], 0) }
            pthread_cond_broadcast(condition)
            return Array(waiting[head...])
        }
        for pending in refused { pending.complete(.failure(.closed)) }
    }

    private func locked<R>(_ body: () -> R) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    private func put(_ pending: Pending, at now: Int64) -> RedisError? {
        locked {
            if isClosed { return .closed }
            if now < brokenUntil { return .unavailable(reason: brokenReason) }
            guard waiting.count - head < configuration.maximumPending else { return .exhausted }
            waiting.append(pending)
            if idle == 0, threads < configuration.maximumConnections {
                threads += 1
                DetachedThread.start("redis") { [self] in serve() }
            } else {
                pthread_cond_signal(condition)
            }
            return nil
        }
    }

    // MARK: - Threads

    private func serve() {
        var connection: RedisConnection?
        while let batch = take() {
            let now = RedisClock.now()
            let live = batch.filter { pending in
                guard pending.deadline < now else { return true }
                pending.complete(.failure(.exhausted))
                return false
            }
            if !live.isEmpty { serve(live, &connection) }
        }
    }

    /// The commands to send next; `nil` when the thread is to end.
    private func take() -> [Pending]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while head == waiting.count {
            if isClosed { return leave() }
            let end = RedisClock.now() + configuration.idleTimeout.wholeNanoseconds
            var time = timespec(tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
            idle += 1
            let code = pthread_cond_timedwait(condition, mutex, &time)
            idle -= 1
            if code == ETIMEDOUT, head == waiting.count, threads > configuration.minimumConnections { return leave() }
        }
        let end = min(waiting.count, head + configuration.pipelineDepth)
        let batch = Array(waiting[head..<end])
        head = end
        if head == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 4096 {
            waiting.removeFirst(head)
            head = 0
        }
        return batch
    }

    private func leave() -> [Pending]? {
        threads -= 1
        return nil
    }

    // MARK: - Serving

    /// What ended an exchange before all of it was answered.
    private struct Interruption: Error {
        let reason: RedisError
        /// So many commands have their answers.
        let answered: Int
    }

    private func serve(_ batch: [Pending], _ connection: inout RedisConnection?) {
        while true {
            let wasUsed = connection != nil
            do throws(Interruption) {
                try exchange(batch, over: &connection)
                succeeded()
                return
            } catch {
                connection = nil
                // A server closes connections that are not used for long, or has been restarted: nothing was answered, and
                // every command may be carried out twice.
                if wasUsed, error.answered == 0, case .connectionLost = error.reason { continue }
                failed(error.reason)
                for pending in batch[error.answered...] { pending.complete(.failure(error.reason)) }
                return
            }
        }
    }

    private func exchange(_ batch: [Pending], over connection: inout RedisConnection?) throws(Interruption) {
        var answered = 0
        do throws(RedisError) {
            if connection == nil { connection = try connect() }
            guard let open = connection else { return }
            var wire: [UInt8] = []
            for pending in batch {
                if pending.isAsking { RedisCommand("ASKING").encode(into: &wire) }
                pending.command.encode(into: &wire)
            }
            try open.send(wire)
            var isReadOnly = false
            for pending in batch {
                if pending.isAsking { _ = try open.receive() }
                let value = try open.receive()
                answered += 1
                if case .error(let words) = value {
                    isReadOnly = isReadOnly || words.hasPrefix("READONLY")
                    pending.complete(.failure(.refused(words)))
                } else {
                    pending.complete(.success(value))
                }
            }
            // This server is no master any more: look for the one that is.
            if isReadOnly { connection = nil }
        } catch {
            throw Interruption(reason: error, answered: answered)
        }
    }

    private func succeeded() {
        locked { failures = 0 }
    }

    /// Nothing is tried for 50 ms, then longer, up to 3 s.
    private func failed(_ reason: RedisError) {
        locked {
            failures = min(failures + 1, 8)
            let pause = min(3_000_000_000, 25_000_000 << Int64(failures))
            brokenUntil = RedisClock.now() + Int64(Double(pause) * Double.random(in: 0.5...1))
            brokenReason =
                switch reason {
                case .unavailable(let words), .connectionLost(let words): words
                default: reason.description
                }
        }
    }
}
