public import Logging
public import Metrics
public import Postgres
public import Reactor

/// The database for async code: a bounded pool of non-blocking connections for each event loop. Safe from any thread.
///
/// A task that runs on one of the loops uses that loop's connections without leaving it; others use the first loop's.
public final class Database: Sendable {
    private let pools: [(loop: EventLoop, pool: LoopPool)]
    private let metrics: DatabaseMetrics

    public init(
        configuration: DatabaseConfiguration, loops: [EventLoop], logger: Logger, metrics registry: MetricsRegistry
    ) {
        precondition(!loops.isEmpty, "a database needs a loop")
        let metrics = DatabaseMetrics(registry: registry)
        let share = max(2, configuration.maximumConnections / loops.count)
        pools = loops.map { loop in
            (
                loop,
                LoopPool(loop: loop, configuration: configuration, maximum: share, logger: logger, metrics: metrics)
            )
        }
        self.metrics = metrics
    }

    /// Runs one statement in a transaction of its own; it is prepared once per connection.
    public func query(_ sql: String, _ parameters: [PostgresParameter] = []) async throws(DatabaseError) -> PostgresResult {
        let (loop, pool) = chosen
        let outcome = await Self.run(on: loop) { () async -> Result<PostgresResult, DatabaseError> in
            await self.query(sql, parameters, on: loop, pool)
        }
        return try outcome.get()
    }

    private func query(
        _ sql: String, _ parameters: [PostgresParameter], on loop: EventLoop, _ pool: LoopPool
    ) async -> Result<PostgresResult, DatabaseError> {
        let start = MonotonicTime.now()
        defer { metrics.seconds.observe(Double((MonotonicTime.now().nanoseconds - start.nanoseconds)) / 1e9) }
        do throws(DatabaseError) {
            let connection = try await pool.acquire()
            let result = await connection.query(sql, parameters)
            pool.release(connection)
            switch result {
            case .success(let rows): return .success(rows)
            case .failure(let error): throw .postgres(error)
            }
        } catch {
            metrics.errors.increment()
            return .failure(error)
        }
    }

    /// Runs `body` between BEGIN and COMMIT on one connection; rolls back and rethrows when it throws.
    public func transaction<R: Sendable>(
        _ body: @escaping @Sendable (DatabaseTransaction) async throws -> R
    ) async throws -> R {
        let (loop, pool) = chosen
        let outcome = await Self.run(on: loop) { () async -> Result<R, any Error> in
            do {
                return .success(try await self.transaction(body, pool))
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    private func transaction<R: Sendable>(
        _ body: @Sendable (DatabaseTransaction) async throws -> R, _ pool: LoopPool
    ) async throws -> R {
        let connection = try await pool.acquire()
        defer { pool.release(connection) }
        let transaction = DatabaseTransaction(connection: connection)
        _ = try await transaction.query("BEGIN")
        do {
            let value = try await body(transaction)
            _ = try await transaction.query("COMMIT")
            return value
        } catch {
            // Fails only together with the connection, which ends the transaction too.
            _ = await connection.query("ROLLBACK", [])
            throw error
        }
    }

    /// Closes what is idle and, as it comes back, what is lent. Safe from any thread.
    public func close() {
        for (loop, pool) in pools { loop.execute { pool.close() } }
    }

    private var chosen: (EventLoop, LoopPool) {
        if let current = EventLoop.current {
            for (loop, pool) in pools where loop === current { return (loop, pool) }
        }
        return (pools[0].loop, pools[0].pool)
    }

    /// Runs `body` with the loop as executor; without a hop when the caller runs there already.
    private static func run<R: Sendable>(on loop: EventLoop, _ body: @escaping @Sendable () async -> R) async -> R {
        if loop.isCurrent { return await body() }
        return await Task(executorPreference: loop) { await body() }.value
    }
}

/// An open transaction. Belongs to the body that it was given to.
public struct DatabaseTransaction: @unchecked Sendable {
    // @unchecked: used by the one task that runs the body, on the loop of the connection.
    private let connection: LoopConnection

    init(connection: LoopConnection) {
        self.connection = connection
    }

    public func query(_ sql: String, _ parameters: [PostgresParameter] = []) async throws(DatabaseError) -> PostgresResult {
        switch await connection.query(sql, parameters) {
        case .success(let rows): return rows
        case .failure(let error): throw .postgres(error)
        }
    }
}
