internal import CPostgres

extension PostgresConnection {
    /// Runs one or several statements without parameters or rows (`BEGIN`, DDL, scripts). Blocks.
    ///
    /// Several statements outside a transaction block run as one transaction. `sql` is a constant of the program:
    /// values go through ``query(_:_:)``.
    public func execute(_ sql: String) throws(PostgresError) {
        let raw = try handle()
        precondition(!pipeline.isActive, "a blocking call on a connection in pipeline mode")
        _ = try take(PQexec(raw, sql))
    }

    /// Runs one statement with its parameters and returns its rows. Blocks.
    ///
    /// The statement is prepared at its first use on this connection and found by its text from then on.
    @discardableResult
    public func query(_ sql: String, _ values: [PostgresParameter] = []) throws(PostgresError) -> PostgresResult {
        let raw = try handle()
        precondition(!pipeline.isActive, "a blocking call on a connection in pipeline mode")
        parameters.encode(values)
        switch statements.lookup(sql, types: parameters.types) {
        case .prepared(let statement):
            do throws(PostgresError) {
                return try take(run(statement.name, on: raw))
            } catch {
                if StatementCache.isStale(error) { statements.remove(sql) }
                throw error
            }
        case .new(let statement):
            _ = try take(PQprepare(raw, statement.name, sql, Int32(statement.types.count), statement.types))
            statements.insert(statement, sql: sql)
            return try take(run(statement.name, on: raw))
        case .unprepared:
            let types = parameters.types
            return try take(
                parameters.withArguments {
                    PQexecParams(raw, sql, $0.count, types, $0.values, $0.lengths, $0.formats, 1)
                })
        }
    }

    private func run(_ name: String, on raw: OpaquePointer) -> OpaquePointer? {
        parameters.withArguments {
            PQexecPrepared(raw, name, $0.count, $0.values, $0.lengths, $0.formats, 1)
        }
    }

    /// Takes ownership of a result just returned; throws what it reports.
    func take(_ result: OpaquePointer?) throws(PostgresError) -> PostgresResult {
        guard let result else { throw PostgresError(connection: raw) }
        switch PQresultStatus(result) {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY, PGRES_SINGLE_TUPLE:
            return PostgresResult(adopting: result)
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            PQclear(result)
            preconditionFailure("COPY outside copyIn")
        default:
            let error = PostgresError(result: result, connection: raw)
            PQclear(result)
            throw error
        }
    }

    // MARK: - Transactions

    /// Runs `body` between BEGIN and COMMIT; rolls back and rethrows when it throws. Blocks.
    ///
    /// A failure of COMMIT itself is thrown as well: then nothing is known to be stored.
    public func transaction<R>(_ body: () throws -> R) throws -> R {
        try execute("BEGIN")
        let value: R
        do {
            value = try body()
        } catch {
            rollBack()
            throw error
        }
        // COMMIT of a failed transaction is answered by ROLLBACK, without an error.
        guard let raw, PQtransactionStatus(raw) == PQTRANS_INTRANS else {
            rollBack()
            throw PostgresError(
                sqlState: "25P02", message: "transaction failed before its commit", isConnectionFailure: !isOpen)
        }
        try execute("COMMIT")
        return value
    }

    private func rollBack() {
        do throws(PostgresError) {
            try execute("ROLLBACK")
        } catch {
            // Fails only together with the connection, which ends the transaction too; the first error tells more.
        }
    }
}

extension StatementCache {
    /// The server does not know the statement (any more), or the tables behind it changed shape.
    static func isStale(_ error: PostgresError) -> Bool { error.sqlState == "26000" || error.sqlState == "0A000" }
}
