public import Postgres
internal import Synchronization

/// An open transaction. For one task, one statement after the other.
public struct DatabaseTransaction: Sendable {
    let pool: LoopPool
    let connection: PooledConnection
    let committed: CommittedValues
    private let changes = CommittedChanges()

    /// Runs one statement and returns its rows. After a failure every further statement fails, until the rollback.
    @discardableResult
    public func query(
        _ sql: String, _ parameters: [PostgresParameter] = []
    ) async throws(DatabaseError) -> PostgresRows {
        try await run([SQLStatement(sql, parameters)])
    }

    /// Runs statements in order, sent all at once; returns the rows of the last, or throws the first error.
    @discardableResult
    public func run(_ statements: [SQLStatement]) async throws(DatabaseError) -> PostgresRows {
        let outcome = await withCheckedContinuation { (continuation: PooledConnection.Completion) in
            pool.onLoop { pool.run(statements, on: connection, continuation) }
        }
        return try outcome.get()
    }

    /// The server answers the COMMIT of a failed transaction by a rollback, without an error.
    func commit() async throws(DatabaseError) {
        let result = try await query("COMMIT")
        guard result.command == "COMMIT" else {
            throw .postgres(PostgresError(sqlState: "25P02", message: "transaction failed before its commit"))
        }
        committed.tell(changes.list.withLock { $0 })
    }

    public var isHeard: Bool { committed.isHeard }

    /// Keeps the change until the commit.
    public func announce(_ change: () -> CommittedChange) {
        if committed.isHeard { changes.list.withLock { $0.append(change()) } }
    }

    /// Rolls back and gives the connection up.
    func abandon() async {
        do throws(DatabaseError) {
            try await query("ROLLBACK")
            pool.onLoop { [self] in pool.release(connection) }
        } catch {
            pool.onLoop { [self] in pool.discard(connection) }
        }
    }
}

/// What a transaction has changed so far.
private final class CommittedChanges: Sendable {
    let list = Mutex<[CommittedChange]>([])
}
