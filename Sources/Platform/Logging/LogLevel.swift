/// How much a log line matters, least first.
public enum LogLevel: Int, Comparable, Sendable, CaseIterable {
    /// Packets and state transitions; may be slow.
    case trace
    /// A connection's life, a peer's mistake, a retry.
    case debug
    /// The service's life: started, listening, stopping.
    case info
    /// Degraded but working, and expected to pass by itself.
    case notice
    /// Degraded but working: reconnecting, limit reached, lag growing.
    case warning
    /// Someone must act.
    case error
    /// The process is about to stop.
    case critical

    public static func < (a: LogLevel, b: LogLevel) -> Bool { a.rawValue < b.rawValue }

    /// The lower-case name, as in settings and JSON lines.
    public var name: StaticString {
        switch self {
        case .trace: "trace"
        case .debug: "debug"
        case .info: "info"
        case .notice: "notice"
        case .warning: "warning"
        case .error: "error"
        case .critical: "critical"
        }
    }

    /// The level of that name, in either case; `warn` is taken for `warning`.
    public init?(name: String) {
        let wanted = name.lowercased()
        guard let level = Self.allCases.first(where: { "\($0.name)" == wanted }) else {
            guard wanted == "warn" else { return nil }
            self = .warning
            return
        }
        self = level
    }

    /// Five columns, so that the labels of text lines stand below each other.
    var column: StaticString {
        switch self {
        case .trace: "TRACE"
        case .debug: "DEBUG"
        case .info: "INFO "
        case .notice: "NOTE "
        case .warning: "WARN "
        case .error: "ERROR"
        case .critical: "FATAL"
        }
    }
}

/// The form of a log line.
public enum LogFormat: String, Sendable, CaseIterable {
    /// `2026-11-21T04:11:00.123Z INFO  mqtt: client connected client_id="x"`
    case text
    /// `{"time":"2026-11-21T04:11:00.123Z","level":"info","logger":"mqtt","message":"client connected","client_id":"x"}`
    case json
}
