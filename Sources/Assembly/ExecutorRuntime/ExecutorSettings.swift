import Configuration
import KafkaQueue
import ProcessRuntime
import ScriptEngine

/// What an executor of scripts reads (`cluster.md` 7.10), by the names that the reference platform's has. What it shares with
/// other services has the same names there.
struct ExecutorSettings {
    var runtime: RuntimeSettings
    var kafka: KafkaSettings
    var javaScript: LocalJavaScriptSettings
    /// `MAX_ACTIVE_SCRIPTS`.
    var maximumScripts: Int
    /// `JS_MAX_RESULT_SIZE`.
    var maximumResult: Int
    /// `SLOW_QUERY_LOG_MS`; zero: nothing is slow.
    var slow: Duration
    var reader: SettingsReader

    /// Requests in work for each worker: one runs, and one is there when it has ended.
    static let requestsPerWorker = 2
    /// The group notices within this time that an executor is gone, so that another answers before whoever asked gives up.
    static let sessionMilliseconds = 6_000

    /// A call is answered by then, while whoever asked still waits: on a busy machine a script takes long for little processor
    /// time.
    static let requestTimeout = Duration.seconds(8)

    init(_ source: SettingsSource) {
        var settings = SettingsReader(source)
        runtime = RuntimeSettings(
            from: &settings, defaultHTTPPort: 8888, portVariable: "HTTP_PORT", levelVariable: "LOGGER_LEVEL")
        kafka = KafkaSettings(&settings, sessionMilliseconds: Self.sessionMilliseconds)
        kafka.readExecutor(&settings)
        javaScript = LocalJavaScriptSettings(from: &settings, workers: max(4, RuntimeSettings.cores))
        if javaScript.requestTimeout == .zero { javaScript.requestTimeout = Self.requestTimeout }
        maximumScripts = settings.integer("MAX_ACTIVE_SCRIPTS", default: 1_000, in: 1...1_000_000)
        maximumResult = settings.integer("JS_MAX_RESULT_SIZE", default: 300_000)
        slow = .milliseconds(settings.integer("SLOW_QUERY_LOG_MS", default: 1_000, in: 0...3_600_000))
        reader = settings
    }
}
