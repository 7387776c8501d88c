import Glibc
import Logging
import Metrics
import Postgres
import Threads

/// One writer: a thread, its connection, and the batches that it was given. The database's troubles end here: what cannot
/// be written now is tried again until it can, or until the database refuses the values themselves.
final class TelemetryWriterThread: @unchecked Sendable {
    // @unchecked: everything but `inbox` belongs to the thread that `start` makes.
    let inbox = WriterInbox()
    private let index: Int
    private let configuration: TelemetryWriterConfiguration
    private let connect: @Sendable () throws(PostgresError) -> PostgresConnection
    private let logger: Logger
    private let metrics: TelemetryWriterMetrics
    private let committed: CommittedValues
    private var connection: PostgresConnection?
    private var keys = KeyDictionary()
    private let partitions: PartitionManager
    private var rows = WriteRows()
    private var transaction: TelemetryTransaction
    private var thread: JoinableThread?

    init(
        index: Int, configuration: TelemetryWriterConfiguration, partitions: PartitionManager,
        connect: @escaping @Sendable () throws(PostgresError) -> PostgresConnection, logger: Logger,
        metrics: TelemetryWriterMetrics, committed: CommittedValues
    ) {
        self.index = index
        self.configuration = configuration
        self.connect = connect
        self.logger = logger
        self.metrics = metrics
        self.committed = committed
        self.partitions = partitions
        transaction = TelemetryTransaction(updatesLatestByTimestamp: configuration.updatesLatestByTimestamp)
    }

    func start() {
        do throws(ThreadError) {
            thread = try JoinableThread("ts-writer-\(index)") { [self] in run() }
        } catch {
            preconditionFailure("no thread for a telemetry writer: error \(error.code)")
        }
    }

    /// Ends the thread after everything that waits was written. Blocks.
    func join() {
        inbox.stop()
        thread?.join()
    }

    private func run() {
        let linger = min(configuration.linger, configuration.maximumDelay)
        while let batches = inbox.take(fullRows: configuration.batchRows, linger: linger) {
            let start = MonotonicSeconds.now()
            write(batches)
            metrics.seconds.observe(MonotonicSeconds.now() - start)
        }
        connection?.close()
    }

    // MARK: - Writing

    /// Writes the batches and tells their clients. Returns when every save is stored or refused, or when the process stops
    /// while the database cannot take them.
    private func write(_ batches: [WriteBatch]) {
        var backoff = Backoff()
        while true {
            do throws(PostgresError) {
                let connection = try openConnection()
                try rows.fill(from: batches, keys: &keys, on: connection)
                break
            } catch {
                guard wait(&backoff, after: error) else { return }
            }
        }
        var isStored = [Bool](repeating: false, count: rows.saveCount)
        guard write(0..<rows.saveCount, marking: &isStored) else { return }
        for save in rows.refusedSaves {
            isStored[save] = false
            metrics.refused.increment()
        }
        committed.tell(batches, isStored)
        tell(batches, isStored)
        rows.removeAll()
    }

    /// Writes one range of saves, splitting it when the database refuses a value in it.
    ///
    /// - Returns: `false` when the process stops and the range could not be written.
    private func write(_ saves: Range<Int>, marking isStored: inout [Bool]) -> Bool {
        guard !saves.isEmpty else { return true }
        var backoff = Backoff()
        while true {
            do throws(PostgresError) {
                let connection = try openConnection()
                let summary = try transaction.write(
                    saves: saves, of: rows, partitions: partitions, now: WallClock.milliseconds(), on: connection)
                for save in saves { isStored[save] = true }
                metrics.note(summary)
                return true
            } catch {
                if Self.isRefusal(error) {
                    return split(saves, after: error, marking: &isStored)
                }
                guard wait(&backoff, after: error) else { return false }
            }
        }
    }

    private func split(_ saves: Range<Int>, after error: PostgresError, marking isStored: inout [Bool]) -> Bool {
        if saves.count == 1 {
            metrics.refused.increment()
            logger.limited(
                .warning, "the database refuses a telemetry value",
                ["sqlstate": .string(error.sqlState ?? ""), "message": .string(error.message)])
            return true
        }
        let middle = saves.lowerBound + saves.count / 2
        return write(saves.lowerBound..<middle, marking: &isStored)
            && write(middle..<saves.upperBound, marking: &isStored)
    }

    /// Whether the database refuses the rows themselves, so that trying again cannot help: a value that it does not take, or
    /// a limit of the server (class 54). A row without a partition (23514) waits for the operator instead.
    static func isRefusal(_ error: PostgresError) -> Bool {
        guard !error.isConnectionFailure, let sqlState = error.sqlState else { return false }
        return (error.isDataError && !error.isCheckViolation) || sqlState.hasPrefix("54")
    }

    private func openConnection() throws(PostgresError) -> PostgresConnection {
        if let connection { return connection }
        let opened = try connect()
        connection = opened
        return opened
    }

    /// Waits before the next try; `false` when the process stops.
    private func wait(_ backoff: inout Backoff, after error: PostgresError) -> Bool {
        metrics.retries.increment()
        logger.limited(
            .error, "telemetry cannot be stored at the moment; it is kept and tried again",
            ["sqlstate": .string(error.sqlState ?? ""), "message": .string(error.message), "writer": .integer(index)])
        // Anything unexpected leaves a connection in an unknown state; a new one is cheap beside the wait.
        connection?.close()
        connection = nil
        if error.sqlState == "42P01" { partitions.forget() }
        if inbox.stops {
            metrics.abandoned.increment()
            return backoff.attempts < 20 && pauseWhileStopping(&backoff)
        }
        inbox.pause(backoff.next())
        return true
    }

    /// At shutdown the database gets a little more time, then the saves are given up: they were not acknowledged.
    private func pauseWhileStopping(_ backoff: inout Backoff) -> Bool {
        _ = backoff.next()
        usleep(100_000)
        return true
    }

    private func tell(_ batches: [WriteBatch], _ isStored: [Bool]) {
        var save = 0
        for batch in batches {
            var completions: [SaveCompletion] = []
            completions.reserveCapacity(batch.tokens.count)
            for token in batch.tokens {
                completions.append(SaveCompletion(token: token, isStored: isStored[save]))
                save += 1
            }
            batch.client.finish(completions)
        }
    }
}

/// Pauses that double from 20 ms to 2 s, with jitter.
private struct Backoff {
    private(set) var attempts = 0

    mutating func next() -> Duration {
        let milliseconds = min(2_000, 20 << min(attempts, 7))
        attempts += 1
        return .milliseconds(milliseconds / 2 + Int.random(in: 0...milliseconds / 2))
    }
}

private enum WallClock {
    static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

private enum MonotonicSeconds {
    static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
