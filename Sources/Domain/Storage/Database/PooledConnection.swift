internal import Glibc
public import Postgres
internal import Reactor

/// One connection of a loop's pool. Belongs to the loop; other threads may hold it, not touch it.
final class PooledConnection: @unchecked Sendable {
    // @unchecked: touched on its pool's loop only, which the pool checks at each entry.

    /// Statements under way and who waits for them. Several may be sent at once; one answer is given for all.
    struct Exchange {
        var remaining: Int
        var firstError: PostgresError?
        var started: MonotonicTime
        var completion: Completion
        /// To be sent once more where the connection turns out to be dead; `nil` for what may have taken effect.
        var repeatable: SQLStatement?
    }

    /// Receives the last result, or the first error.
    typealias Completion = CheckedContinuation<Result<PostgresRows, DatabaseError>, Never>

    let connection: PostgresConnection
    var registration: DescriptorRegistration?
    var interest: Interest = .read
    var exchange: Exchange?
    /// Given to a transaction; comes back by its release.
    var isLeased = false
    /// Closed; whoever still holds it gets this error.
    var loss: PostgresError?

    init(_ connection: PostgresConnection) { self.connection = connection }

    /// Whether there is something to read, the end of the stream included.
    var hasInput: Bool {
        var entry = pollfd(fd: connection.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) > 0
    }
}

/// The rows of one statement; see ``PostgresResult``.
public typealias PostgresRows = PostgresResult
