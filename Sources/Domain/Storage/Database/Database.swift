public import Logging
public import Metrics
public import Postgres
public import Reactor
internal import Synchronization

/// The database as async code sees it: on each event loop a few connections that never block it.
///
/// Safe from any thread. Called from a task on one of the loops, a statement runs on that loop's connections and the
/// task never leaves its thread; called from elsewhere, the loops take turns. Statements that find all connections busy
/// wait in order, bounded in number and time. Each statement's text is prepared once per connection.
public final class Database: Sendable {
    private let pools: [LoopPool]
    private let connector = ConnectorThread()
    private let turn = Atomic<Int>(0)
    /// Who hears of committed values. Writers of telemetry that belong to the same process tell the same.
    public let committed = CommittedValues()

    /// Every loop has this many connections at least: one may be held by a transaction.
    static let minimumPerLoop = 2

    /// Opens nothing yet: connections come with the first statements.
    public init(configuration: DatabaseConfiguration, loops: [EventLoop], logger: Logger, metrics: MetricsRegistry) {
        precondition(!loops.isEmpty, "a database without event loops")
        let capacity = max(Self.minimumPerLoop, configuration.maximumConnections / loops.count)
        let metrics = DatabaseMetrics(metrics)
        let connector = connector
        pools = loops.map { loop in
            LoopPool(
                loop: loop, settings: .init(configuration: configuration, capacity: capacity), connector: connector,
                logger: logger, metrics: metrics)
        }
    }

    /// Runs one statement, outside any transaction, and returns its rows.
    ///
    /// Values go into `parameters`, never into `sql`, which is a constant of the program.
    public func query(
        _ sql: String, _ parameters: [PostgresParameter] = []
    ) async throws(DatabaseError) -> PostgresRows {
        let pool = pool()
        let statement = SQLStatement(sql, parameters)
        let outcome = await withCheckedContinuation { (continuation: PooledConnection.Completion) in
            pool.onLoop { pool.submit(.statement(statement, continuation)) }
        }
        return try outcome.get()
    }

    /// Runs `body` between BEGIN and COMMIT; rolls back and rethrows when it throws.
    ///
    /// Holds a connection all the while: `body` should wait for nothing but its own statements. When COMMIT itself
    /// fails with ``DatabaseError/connectionLost(_:)`` it is not known whether it took effect.
    @discardableResult
    public func transaction<R: Sendable>(
        _ body: (DatabaseTransaction) async throws -> R
    ) async throws -> R {
        let pool = pool()
        let transaction = try await begin(in: pool)
        let connection = transaction.connection
        do {
            let value = try await body(transaction)
            try await transaction.commit()
            pool.onLoop { pool.release(connection) }
            return value
        } catch {
            await transaction.abandon()
            throw error
        }
    }

    /// Takes another connection once where the first was dead: nothing has been done in it.
    private func begin(in pool: LoopPool) async throws(DatabaseError) -> DatabaseTransaction {
        var isFirst = true
        while true {
            let transaction = DatabaseTransaction(
                pool: pool, connection: try await lease(from: pool).get(), committed: committed)
            do throws(DatabaseError) {
                try await transaction.query("BEGIN")
                return transaction
            } catch {
                await transaction.abandon()
                guard isFirst, case .connectionLost = error else { throw error }
                isFirst = false
            }
        }
    }

    private func lease(from pool: LoopPool) async -> Result<PooledConnection, DatabaseError> {
        await withCheckedContinuation { continuation in
            pool.onLoop { pool.submit(.lease(continuation)) }
        }
    }

    /// The pool of the loop that calls, or the next one in turn.
    private func pool() -> LoopPool {
        if let loop = EventLoop.current, let own = pools.first(where: { $0.loop === loop }) { return own }
        let number = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return pools[Int(UInt(bitPattern: number) % UInt(pools.count))]
    }

    /// Closes all connections: what waits fails with ``DatabaseError/closed``, what runs with
    /// ``DatabaseError/connectionLost(_:)``. To be called before the loops are stopped. Returns at once.
    public func close() {
        connector.stop()
        for pool in pools { pool.onLoop { pool.close() } }
    }
}
