/// Why a command was not carried out.
public enum RedisError: Error, Sendable, Equatable, CustomStringConvertible {
    /// No server can be reached; for a short time nothing is even tried. `reason` says what the last attempt met.
    case unavailable(reason: String)
    /// The connection broke, or no answer came in time: whether the command was carried out is unknown.
    case connectionLost(reason: String)
    /// Too many commands wait already, or this one waited too long for a connection.
    case exhausted
    /// The server refused: its own words, which begin with a code like `ERR`, `WRONGTYPE` or `OOM`.
    case refused(String)
    /// The server speaks something else than Redis does.
    case malformedReply(String)
    /// The client was closed.
    case closed

    public var description: String {
        switch self {
        case .unavailable(let reason): "Redis is not available: \(reason)"
        case .connectionLost(let reason): "the connection to Redis was lost: \(reason)"
        case .exhausted: "every connection to Redis is busy"
        case .refused(let words): "Redis refused: \(words)"
        case .malformedReply(let what): "malformed reply from Redis: \(what)"
        case .closed: "the Redis client is closed"
        }
    }
}
