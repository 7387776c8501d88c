internal import Logging
internal import Model
internal import Postgres
internal import Reactor
internal import Storage
internal import Synchronization

/// Writes audit records behind the back of requests, many by one statement.
///
/// The buffer is bounded: whoever finds it full writes its record itself and waits for that. A record that the database
/// refuses is dropped with a line in the log, and takes no other with it; those of a lost connection are tried again for a
/// minute.
final class AuditTrail: Sendable {
    private struct State {
        var waiting: [AuditLog] = []
        var isRunning = false
    }

    private static let capacity = 4096
    private static let batch = 128
    private static let attempts = 60
    private static let linger: Duration = .milliseconds(20)

    private let state = Mutex(State())
    private let partitions = Mutex<Set<Int64>>([])
    private let database: any StatementRunner
    private let logger: Logger
    /// `SQL_AUDIT_LOGS_PARTITION_SIZE_HOURS`.
    private let partitionHours: Int64

    init(database: any StatementRunner, partitionHours: Int64, logger: Logger) {
        self.database = database
        self.partitionHours = partitionHours
        self.logger = logger
    }

    func add(_ log: AuditLog) async {
        let (isTaken, starts) = state.withLock { state in
            guard state.waiting.count < Self.capacity else { return (false, false) }
            state.waiting.append(log)
            defer { state.isRunning = true }
            return (true, !state.isRunning)
        }
        if !isTaken { await write([log], attempts: 1) }
        // Owned by `state.isRunning`: it ends when nothing is left.
        if starts { Task(executorPreference: EventLoop.current) { await self.run() } }
    }

    /// Waits until all records are written, for a bounded time.
    ///
    /// - Returns: How many are not.
    func finish(within limit: Duration) async -> Int {
        let deadline = ContinuousClock.now + limit
        while true {
            let (isRunning, left) = state.withLock { ($0.isRunning, $0.waiting.count) }
            if !isRunning || ContinuousClock.now >= deadline { return left }
            try? await Task.sleep(for: Self.linger)
        }
    }

    private func run() async {
        // Others come meanwhile: one statement takes them all.
        repeat {
            try? await Task.sleep(for: Self.linger)
        } while await writeNext()
    }

    private func writeNext() async -> Bool {
        guard let logs = next() else { return false }
        await write(logs, attempts: Self.attempts)
        return true
    }

    private func next() -> [AuditLog]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isRunning = false
                return nil
            }
            let logs = Array(state.waiting.prefix(Self.batch))
            state.waiting.removeFirst(logs.count)
            return logs
        }
    }

    private func write(_ logs: [AuditLog], attempts: Int) async {
        for attempt in 1...attempts {
            do {
                try await prepare(logs)
                try await AuditLogRepository(database).insert(try await named(logs))
                return
            } catch {
                partitions.withLock { $0 = [] }
                if logs.count > 1, EntityError.postgresError(error)?.isDataError == true {
                    for log in logs { await write([log], attempts: attempts) }
                    return
                }
                guard EntityError.postgresError(error)?.sqlState == nil, attempt < attempts else {
                    logger.limited(
                        .error, "audit records could not be written",
                        ["count": .integer(logs.count), "error": .string("\(error)")])
                    return
                }
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// Records of entities that were known by their ids only get their names.
    private func named(_ logs: [AuditLog]) async throws -> [AuditLog] {
        let unnamed = logs.filter { $0.entityName == nil }.compactMap(\.entity)
        if unnamed.isEmpty { return logs }
        let names = try await EntityNames(database).find(unnamed)
        return logs.map { log in
            guard log.entityName == nil, let entity = log.entity else { return log }
            var log = log
            log.entityName = names[entity]
            return log
        }
    }

    private func prepare(_ logs: [AuditLog]) async throws {
        let length = partitionHours * 3_600_000
        for start in Set(logs.map { $0.createdTime / length * length }) {
            if partitions.withLock({ $0.contains(start) }) { continue }
            try await AuditLogRepository(database).makePartition(for: start, hours: partitionHours)
            partitions.withLock { _ = $0.insert(start) }
        }
    }
}
