public import Configuration

/// Bounds that hold before and after a script runs (`rule-engine.md` 6.2). Sizes are in characters; 0 is no bound.
public struct ScriptLimits: Sendable, Equatable {
    public var bodySize: Int
    /// Of all arguments together.
    public var argumentsSize: Int
    public var resultSize: Int
    /// Errors that count, after which a script rests.
    public var errors: Int
    /// How long it rests after the last of them.
    public var rest: Duration

    public init(
        bodySize: Int = 50_000, argumentsSize: Int = 100_000, resultSize: Int = 300_000, errors: Int = 3,
        rest: Duration = .seconds(60)
    ) {
        self.bodySize = bodySize
        self.argumentsSize = argumentsSize
        self.resultSize = resultSize
        self.errors = errors
        self.rest = rest
    }
}

/// What the script engine reads (`cluster.md` 7.10).
public struct ScriptSettings: Sendable {
    public enum Evaluator: String, Sendable {
        /// Workers beside the process.
        case local
        /// The service `js-executor`, over Kafka.
        case remote
    }

    /// `JS_EVALUATOR`.
    public var evaluator = Evaluator.local
    public var javaScript = ScriptLimits()
    public var local = LocalJavaScriptSettings()
    public var remote = RemoteJavaScriptSettings()
    public var tbel = TBELSettings()

    public init() {}

    public init(from settings: inout SettingsReader) {
        let name = settings.choice("JS_EVALUATOR", default: "local", of: ["local", "remote"])
        evaluator = Evaluator(rawValue: name) ?? .local
        local = LocalJavaScriptSettings(from: &settings)
        remote = RemoteJavaScriptSettings(from: &settings)
        let localErrors = settings.integer("LOCAL_JS_SANDBOX_MAX_ERRORS", default: 3, in: 1...1_000_000)
        let localRest = settings.seconds("LOCAL_JS_SANDBOX_MAX_BLACKLIST_DURATION_SEC", default: 60)
        let remoteErrors = settings.integer("REMOTE_JS_SANDBOX_MAX_ERRORS", default: 3, in: 1...1_000_000)
        let remoteRest = settings.seconds("REMOTE_JS_SANDBOX_MAX_BLACKLIST_DURATION_SEC", default: 60)
        javaScript = ScriptLimits(
            bodySize: settings.integer("JS_MAX_SCRIPT_BODY_SIZE", default: 50_000),
            argumentsSize: settings.integer("JS_MAX_TOTAL_ARGS_SIZE", default: 100_000),
            resultSize: settings.integer("JS_MAX_RESULT_SIZE", default: 300_000),
            errors: evaluator == .local ? localErrors : remoteErrors,
            rest: evaluator == .local ? localRest : remoteRest)
        tbel = TBELSettings(from: &settings)
    }
}

/// Bounds of JavaScript in workers of this process.
public struct LocalJavaScriptSettings: Sendable, Equatable {
    /// `LOCAL_JS_THREAD_POOL_SIZE`: workers at most.
    public var workers = 50
    /// `LOCAL_JS_SANDBOX_MAX_CPU_TIME`.
    public var processorTime: Duration = .milliseconds(8_000)
    /// `LOCAL_JS_SANDBOX_MAX_MEMORY`: bytes that a call may add to what a worker uses.
    public var memory = 104_857_600
    /// `LOCAL_JS_MAX_REQUEST_TIMEOUT`: from call to result; zero for none.
    public var requestTimeout: Duration = .zero

    public init() {}

    /// - Parameter workers: where nobody says otherwise.
    public init(from settings: inout SettingsReader, workers defaultWorkers: Int = 50) {
        workers = settings.integer("LOCAL_JS_THREAD_POOL_SIZE", default: defaultWorkers, in: 1...1_000)
        processorTime = settings.milliseconds("LOCAL_JS_SANDBOX_MAX_CPU_TIME", default: 8_000, in: 1...3_600_000)
        memory = settings.integer(
            "LOCAL_JS_SANDBOX_MAX_MEMORY", default: 104_857_600, in: 1_048_576...1_099_511_627_776)
        requestTimeout = settings.milliseconds("LOCAL_JS_MAX_REQUEST_TIMEOUT", default: 0)
    }
}

/// Bounds of scripts in TBEL.
public struct TBELSettings: Sendable, Equatable {
    /// `TBEL_ENABLED`.
    public var isEnabled = true
    public var limits = ScriptLimits()
    /// `TBEL_MAX_MEMORY_LIMIT_MB`, in bytes.
    public var memory = 8 << 20
    /// `TBEL_MAX_REQUEST_TIMEOUT`; zero for none.
    public var timeout: Duration = .milliseconds(500)
    /// `TBEL_THREAD_POOL_SIZE`.
    public var threads = 50
    /// `TBEL_COMPILED_SCRIPTS_CACHE_SIZE`.
    public var cachedScripts = 1_000

    public init() {}

    public init(from settings: inout SettingsReader) {
        isEnabled = settings.boolean("TBEL_ENABLED", default: true)
        limits = ScriptLimits(
            bodySize: settings.integer("TBEL_MAX_SCRIPT_BODY_SIZE", default: 50_000),
            argumentsSize: settings.integer("TBEL_MAX_TOTAL_ARGS_SIZE", default: 100_000),
            resultSize: settings.integer("TBEL_MAX_RESULT_SIZE", default: 300_000),
            errors: settings.integer("TBEL_MAX_ERRORS", default: 3, in: 1...1_000_000),
            rest: settings.seconds("TBEL_MAX_BLACKLIST_DURATION_SEC", default: 60))
        memory = settings.integer("TBEL_MAX_MEMORY_LIMIT_MB", default: 8, in: 1...4_096) << 20
        timeout = settings.milliseconds("TBEL_MAX_REQUEST_TIMEOUT", default: 500)
        threads = settings.integer("TBEL_THREAD_POOL_SIZE", default: 50, in: 1...1_000)
        cachedScripts = settings.integer("TBEL_COMPILED_SCRIPTS_CACHE_SIZE", default: 1_000, in: 1...1_000_000)
    }
}
