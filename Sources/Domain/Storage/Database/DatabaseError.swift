public import Postgres

/// Why the database did not answer.
public enum DatabaseError: Error, Sendable, CustomStringConvertible {
    /// The server refused the statement; the connection goes on.
    case postgres(PostgresError)
    /// The connection broke while the statement was under way: whether it took effect is not known.
    case connectionLost(PostgresError)
    /// No connection could be opened in time; nothing was sent.
    case unavailable(PostgresError)
    /// All connections stayed busy for too long; nothing was sent.
    case timeout
    /// Too many statements wait already; nothing was sent.
    case overloaded
    /// The pool was closed; nothing was sent.
    case closed

    /// What the server or the connection reported, where anything did.
    public var postgresError: PostgresError? {
        switch self {
        case .postgres(let error), .connectionLost(let error), .unavailable(let error): error
        case .timeout, .overloaded, .closed: nil
        }
    }

    public var isUniqueViolation: Bool { postgresError?.isUniqueViolation ?? false }
    public var isForeignKeyViolation: Bool { postgresError?.isForeignKeyViolation ?? false }
    /// The violated constraint, where the server names one.
    public var constraint: String? { postgresError?.constraint }

    public var description: String {
        switch self {
        case .postgres(let error): error.description
        case .connectionLost(let error): "the database connection was lost: \(error)"
        case .unavailable(let error): "the database is unavailable: \(error)"
        case .timeout: "no database connection became free in time"
        case .overloaded: "too many callers wait for the database"
        case .closed: "the database is closed"
        }
    }
}
