public import Postgres

/// Why the database did not answer.
public enum DatabaseError: Error, Sendable, CustomStringConvertible {
    /// The server reported it, or the way to it failed.
    case postgres(PostgresError)
    /// Too many callers wait for a connection.
    case overloaded
    /// No connection became free in time.
    case timeout

    public var description: String {
        switch self {
        case .postgres(let error): error.description
        case .overloaded: "too many callers wait for the database"
        case .timeout: "no database connection became free in time"
        }
    }

    public var postgresError: PostgresError? {
        if case .postgres(let error) = self { return error }
        return nil
    }
}
