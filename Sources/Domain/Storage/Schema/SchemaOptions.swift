public import Configuration
public import Logging

/// What an operator may choose about the first contents of a database. Later the stored values win.
public struct SchemaOptions: Sendable {
    /// `PERSIST_STATE_TO_TELEMETRY`: whether the state of devices is kept as telemetry rather than as attributes.
    /// Default: false.
    public var persistsStateToTelemetry = false
    /// The address of the user interface in mails. Default: `http://localhost:8080`.
    public var baseURL = "http://localhost:8080"
    /// The password of `sysadmin@thingsboard.org`. Default: a random one, which the report carries; with demo data the
    /// documented one.
    public var sysadminPassword: Secret?
    /// `JWT_TOKEN_SIGNING_KEY`: base64 of at least 64 bytes. Default: random.
    public var jwtSigningKey: Secret?
    /// `JWT_TOKEN_ISSUER`. Default: `thingsboard.io`.
    public var jwtIssuer = "thingsboard.io"
    /// `JWT_TOKEN_EXPIRATION_TIME`, seconds. Default: 9000.
    public var jwtExpirationSeconds = 9000
    /// `JWT_REFRESH_TOKEN_EXPIRATION_TIME`, seconds. Default: 604 800.
    public var jwtRefreshExpirationSeconds = 604_800
    /// The three queues of the rule engine.
    public var queues = QueueDefaults.all
    /// bcrypt's work factor for the passwords made here, 4 ... 31. Default: 10.
    public var passwordCost = 10
    /// Told of each step.
    public var logger = Logger.disabled

    public init() {}
}

/// The initial values of one rule-engine queue (`cluster.md` 2.3).
public struct QueueDefaults: Sendable, Equatable {
    public var name: String
    public var topic: String
    public var pollIntervalMilliseconds = 25
    public var partitions = 10
    public var consumerPerPartition = true
    public var packProcessingTimeoutMilliseconds = 2000
    public var submitStrategy: String
    public var batchSize: Int
    public var processingStrategy: String
    /// 0 means without end.
    public var retries: Int
    public var failurePercentage = 0
    public var retryPauseSeconds: Int
    public var maximumRetryPauseSeconds: Int

    public static let main = QueueDefaults(
        name: "Main", topic: "tb_rule_engine.main", submitStrategy: "BURST", batchSize: 1000,
        processingStrategy: "SKIP_ALL_FAILURES", retries: 3, retryPauseSeconds: 3, maximumRetryPauseSeconds: 3)
    public static let highPriority = QueueDefaults(
        name: "HighPriority", topic: "tb_rule_engine.hp", submitStrategy: "BURST", batchSize: 100,
        processingStrategy: "RETRY_FAILED_AND_TIMED_OUT", retries: 0, retryPauseSeconds: 5,
        maximumRetryPauseSeconds: 5)
    public static let sequentialByOriginator = QueueDefaults(
        name: "SequentialByOriginator", topic: "tb_rule_engine.sq", submitStrategy: "SEQUENTIAL_BY_ORIGINATOR",
        batchSize: 100, processingStrategy: "RETRY_FAILED_AND_TIMED_OUT", retries: 3, retryPauseSeconds: 5,
        maximumRetryPauseSeconds: 5)
    public static let all = [main, highPriority, sequentialByOriginator]

    var submitStrategyJSON: String { #"{"type":"\#(submitStrategy)","batchSize":\#(batchSize)}"# }

    var processingStrategyJSON: String {
        #"{"type":"\#(processingStrategy)","retries":\#(retries),"failurePercentage":\#(failurePercentage),"#
            + #""pauseBetweenRetries":\#(retryPauseSeconds),"maxPauseBetweenRetries":\#(maximumRetryPauseSeconds)}"#
    }
}
