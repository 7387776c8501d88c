public import Configuration

/// Settings of the write path (`persistence.md` 7.2).
///
/// One writer takes history, latest values and attributes of its entities in one transaction, so the history's settings
/// rule; the variables of the other two streams are accepted and have no effect.
public struct TelemetryWriterConfiguration: Sendable {
    /// `SQL_TS_BATCH_THREADS`: writers, each with its own connection; all rows of an entity go through one of them.
    public var threads = 3
    /// `SQL_TS_BATCH_SIZE`: a batch is written when it has that many rows.
    public var batchRows = 10_000
    /// `SQL_TS_BATCH_MAX_DELAY_MS`: upper bound of ``linger``.
    public var maximumDelay: Duration = .milliseconds(100)
    /// `NEEDLETAIL_TS_BATCH_LINGER_MS`: how long a batch that is not full waits for more once its writer is free.
    public var linger: Duration = .milliseconds(3)
    /// `SQL_TS_UPDATE_BY_LATEST_TIMESTAMP`: older points do not overwrite latest values.
    public var updatesLatestByTimestamp = true

    public init() {}

    public init(from settings: inout SettingsReader) {
        threads = settings.integer("SQL_TS_BATCH_THREADS", default: 3, in: 1...64)
        batchRows = settings.integer("SQL_TS_BATCH_SIZE", default: 10_000, in: 1...1_000_000)
        maximumDelay = settings.milliseconds("SQL_TS_BATCH_MAX_DELAY_MS", default: 100)
        linger = min(maximumDelay, settings.milliseconds("NEEDLETAIL_TS_BATCH_LINGER_MS", default: 3))
        updatesLatestByTimestamp = settings.boolean("SQL_TS_UPDATE_BY_LATEST_TIMESTAMP", default: true)
    }
}
