public import Configuration
public import ProcessRuntime
public import ScriptEngine

/// Everything that `needletail standalone` reads from the environment, its file and its options.
public struct StandaloneSettings: Sendable {
    public var dataDirectory: String
    public var isDemo: Bool
    public var runtime: RuntimeSettings
    public var database: DatabaseSettings
    public var core: CoreSettings
    public var ruleEngine: RuleEngineSettings
    public var scripts: ScriptSettings
    public var transports: TransportSettings
    /// `TB_QUEUE_RE_MAIN_PARTITIONS`.
    public var partitions: Int
    /// What was read and what is wrong with it.
    public var reader: SettingsReader

    public var problems: [String] { reader.problems }

    public init(_ source: SettingsSource) {
        var settings = SettingsReader(source)
        dataDirectory = settings.string("NEEDLETAIL_DATA", default: "./data")
        isDemo = settings.boolean("LOAD_DEMO", default: false)
        runtime = RuntimeSettings(from: &settings, defaultHTTPPort: 8080)
        database = DatabaseSettings(from: &settings)
        core = CoreSettings(serviceID: runtime.serviceID, from: &settings)
        ruleEngine = RuleEngineSettings(from: &settings)
        scripts = ScriptSettings(from: &settings)
        transports = TransportSettings(serviceID: runtime.serviceID, from: &settings, canBeOff: true)
        partitions = settings.integer("TB_QUEUE_RE_MAIN_PARTITIONS", default: 10, in: 1...10_000)
        reader = settings
    }
}
