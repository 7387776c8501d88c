internal import CPostgres

/// What an event loop should wait for on a connection's descriptor.
public struct PostgresInterest: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let read = PostgresInterest(rawValue: 1)
    public static let write = PostgresInterest(rawValue: 2)
}

/// Bookkeeping of the non-blocking face: statements sent whose answers are still to come, oldest first.
struct PipelineState {
    struct Expected {
        var sql: String
        /// The statement that this exchange prepares; `nil` once the server confirmed it, or when there is none.
        var preparing: StatementCache.Statement?
        var result: PostgresResult?
        var error: PostgresError?
    }

    var isActive = false
    var expected: [Expected] = []
}

/// The non-blocking face. Each ``send(_:_:)`` is answered by exactly one reply, in order.
///
///     enterPipeline() -> send ... -> flush() -> wait for `interest` -> consumeInput() -> nextReply() until nil
///
/// A statement is its own transaction unless BEGIN was sent before; a failed one does not harm those behind it.
extension PostgresConnection {
    /// Changes to non-blocking use, for good. The connection must be idle.
    public func enterPipeline() throws(PostgresError) {
        let raw = try handle()
        guard PQsetnonblocking(raw, 1) == 0, PQenterPipelineMode(raw) == 1 else {
            throw PostgresError(connection: raw)
        }
        pipeline.isActive = true
    }

    /// The socket. It stays the same until ``close()``.
    public var descriptor: Int32 { raw.map { PQsocket($0) } ?? -1 }

    /// Replies that are still to come.
    public var pendingReplies: Int { pipeline.expected.count }

    /// Queues one statement, preparing it in the same exchange at its first use. Follow with ``flush()``.
    public func send(_ sql: String, _ values: [PostgresParameter] = []) throws(PostgresError) {
        let raw = try handle()
        precondition(pipeline.isActive, "send on a connection that is not in pipeline mode")
        parameters.encode(values)
        var preparing: StatementCache.Statement?
        let sent: Bool
        switch statements.lookup(sql, types: parameters.types) {
        case .prepared(let statement):
            sent = sendExecute(statement.name, on: raw)
        case .new(let statement):
            preparing = statement
            sent =
                PQsendPrepare(raw, statement.name, sql, Int32(statement.types.count), statement.types) == 1
                && sendExecute(statement.name, on: raw)
        case .unprepared:
            let types = parameters.types
            sent = parameters.withArguments {
                PQsendQueryParams(raw, sql, $0.count, types, $0.values, $0.lengths, $0.formats, 1) == 1
            }
        }
        guard sent, PQpipelineSync(raw) == 1 else {
            // Half an exchange may be queued: nothing sent later could be told apart.
            var error = PostgresError(connection: raw)
            error.isConnectionFailure = true
            throw error
        }
        pipeline.expected.append(PipelineState.Expected(sql: sql, preparing: preparing))
    }

    private func sendExecute(_ name: String, on raw: OpaquePointer) -> Bool {
        parameters.withArguments {
            PQsendQueryPrepared(raw, name, $0.count, $0.values, $0.lengths, $0.formats, 1) == 1
        }
    }

    /// Writes what is queued as far as the socket takes it; returns what to wait for.
    public func flush() throws(PostgresError) -> PostgresInterest {
        let raw = try handle()
        switch PQflush(raw) {
        case 0: return .read
        case 1: return [.read, .write]
        default: throw PostgresError(connection: raw)
        }
    }

    /// Reads what has arrived. Call when the descriptor is readable, then ``nextReply()`` until it answers `nil`.
    ///
    /// Throws when the connection is lost; a server that goes away while idle is noticed here.
    public func consumeInput() throws(PostgresError) {
        let raw = try handle()
        guard PQconsumeInput(raw) == 1 else { throw PostgresError(connection: raw) }
    }

    /// The oldest reply that is complete, or `nil` when more input is needed or nothing is awaited.
    public func nextReply() throws(PostgresError) -> Result<PostgresResult, PostgresError>? {
        let raw = try handle()
        var emptyReads = 0
        while !pipeline.expected.isEmpty, PQisBusy(raw) == 0 {
            guard let result = PQgetResult(raw) else {
                // One separates the parts of an exchange; two in a row mean that libpq waits for nothing.
                emptyReads += 1
                guard emptyReads < 2 else { break }
                continue
            }
            emptyReads = 0
            if PQresultStatus(result) == PGRES_PIPELINE_SYNC {
                PQclear(result)
                return finishOldest()
            }
            note(result)
        }
        guard PQstatus(raw) == CONNECTION_OK else { throw PostgresError(connection: raw) }
        return nil
    }

    /// Files one result under the oldest exchange.
    private func note(_ result: OpaquePointer) {
        switch PQresultStatus(result) {
        case PGRES_PIPELINE_ABORTED:
            PQclear(result)
        case PGRES_COMMAND_OK where pipeline.expected[0].preparing != nil:
            PQclear(result)
            if let statement = pipeline.expected[0].preparing {
                statements.insert(statement, sql: pipeline.expected[0].sql)
            }
            pipeline.expected[0].preparing = nil
        default:
            do throws(PostgresError) {
                pipeline.expected[0].result = try take(result)
            } catch {
                if pipeline.expected[0].error == nil { pipeline.expected[0].error = error }
            }
        }
    }

    private func finishOldest() -> Result<PostgresResult, PostgresError> {
        let exchange = pipeline.expected.removeFirst()
        if let error = exchange.error {
            if StatementCache.isStale(error) { statements.remove(exchange.sql) }
            return .failure(error)
        }
        guard let result = exchange.result else {
            return .failure(PostgresError(message: "no result arrived", isConnectionFailure: true))
        }
        return .success(result)
    }
}
