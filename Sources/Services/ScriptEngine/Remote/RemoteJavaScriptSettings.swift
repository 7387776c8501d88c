public import Configuration

/// Bounds of JavaScript in executors elsewhere (`cluster.md` 7.10).
public struct RemoteJavaScriptSettings: Sendable, Equatable {
    /// `REMOTE_JS_MAX_PENDING_REQUESTS`: requests without an answer.
    public var pendingRequests = 10_000
    /// `REMOTE_JS_MAX_EVAL_REQUEST_TIMEOUT`: how long an answer to a text that is to be compiled is waited for.
    public var compileTimeout: Duration = .seconds(60)
    /// `REMOTE_JS_MAX_REQUEST_TIMEOUT`: the same of a call.
    public var requestTimeout: Duration = .seconds(10)
    /// `REMOTE_JS_MAX_EXEC_REQUEST_TIMEOUT`: how long a call may run.
    public var executionTimeout: Duration = .seconds(2)

    public init() {}

    public init(from settings: inout SettingsReader) {
        pendingRequests = settings.integer("REMOTE_JS_MAX_PENDING_REQUESTS", default: 10_000, in: 1...10_000_000)
        compileTimeout = settings.milliseconds("REMOTE_JS_MAX_EVAL_REQUEST_TIMEOUT", default: 60_000, in: 1...3_600_000)
        requestTimeout = settings.milliseconds("REMOTE_JS_MAX_REQUEST_TIMEOUT", default: 10_000, in: 1...3_600_000)
        executionTimeout = settings.milliseconds(
            "REMOTE_JS_MAX_EXEC_REQUEST_TIMEOUT", default: 2_000, in: 1...3_600_000)
    }
}
