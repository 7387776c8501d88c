public import Configuration

extension SchemaOptions {
    /// Reads the settings of installation; problems stay in `settings`.
    public init(reading settings: inout SettingsReader) {
        self.init()
        persistsStateToTelemetry = settings.boolean("PERSIST_STATE_TO_TELEMETRY", default: false)
        jwtIssuer = settings.string("JWT_TOKEN_ISSUER", default: jwtIssuer)
        jwtExpirationSeconds = settings.integer(
            "JWT_TOKEN_EXPIRATION_TIME", default: jwtExpirationSeconds, in: 60...Int(Int32.max))
        jwtRefreshExpirationSeconds = settings.integer(
            "JWT_REFRESH_TOKEN_EXPIRATION_TIME", default: jwtRefreshExpirationSeconds, in: 900...Int(Int32.max))
        // The published default is no secret: with it a random key is made.
        if let key = settings.secret("JWT_TOKEN_SIGNING_KEY"), key.revealed != "thingsboardDefaultSigningKey" {
            jwtSigningKey = key
        }
        for (index, prefix) in ["MAIN", "HP", "SQ"].enumerated() {
            queues[index] = QueueDefaults(
                reading: &settings, prefix: "TB_QUEUE_RE_\(prefix)_", defaults: queues[index])
        }
    }
}

extension QueueDefaults {
    init(reading settings: inout SettingsReader, prefix: String, defaults: QueueDefaults) {
        self = defaults
        func name(_ rest: String) -> String { prefix + rest }
        self.name = settings.string(name("QUEUE_NAME"), default: self.name)
        topic = settings.string(name("TOPIC"), default: topic)
        pollIntervalMilliseconds = settings.integer(
            name("POLL_INTERVAL_MS"), default: pollIntervalMilliseconds, in: 1...60_000)
        partitions = settings.integer(name("PARTITIONS"), default: partitions, in: 1...1000)
        consumerPerPartition = settings.boolean(name("CONSUMER_PER_PARTITION"), default: consumerPerPartition)
        packProcessingTimeoutMilliseconds = settings.integer(
            name("PACK_PROCESSING_TIMEOUT_MS"), default: packProcessingTimeoutMilliseconds, in: 1...3_600_000)
        submitStrategy = settings.choice(
            name("SUBMIT_STRATEGY_TYPE"), default: submitStrategy,
            of: ["BURST", "BATCH", "SEQUENTIAL_BY_ORIGINATOR", "SEQUENTIAL_BY_TENANT", "SEQUENTIAL"])
        batchSize = settings.integer(name("SUBMIT_STRATEGY_BATCH_SIZE"), default: batchSize, in: 1...1_000_000)
        processingStrategy = settings.choice(
            name("PROCESSING_STRATEGY_TYPE"), default: processingStrategy,
            of: [
                "SKIP_ALL_FAILURES", "SKIP_ALL_FAILURES_AND_TIMED_OUT", "RETRY_ALL", "RETRY_FAILED",
                "RETRY_TIMED_OUT", "RETRY_FAILED_AND_TIMED_OUT",
            ])
        retries = settings.integer(name("PROCESSING_STRATEGY_RETRIES"), default: retries, in: 0...1_000_000)
        failurePercentage = settings.integer(
            name("PROCESSING_STRATEGY_FAILURE_PERCENTAGE"), default: failurePercentage, in: 0...100)
        retryPauseSeconds = settings.integer(
            name("PROCESSING_STRATEGY_RETRY_PAUSE"), default: retryPauseSeconds, in: 0...3600)
        maximumRetryPauseSeconds = settings.integer(
            name("PROCESSING_STRATEGY_MAX_RETRY_PAUSE"), default: maximumRetryPauseSeconds, in: 0...3600)
    }
}
