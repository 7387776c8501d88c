public import Configuration

/// How events are written (`persistence.md` 5, 7.2).
public struct EventWriterConfiguration: Sendable {
    /// `SQL_EVENTS_BATCH_SIZE`: events of one statement.
    public var batch = 10_000
    /// `SQL_EVENTS_BATCH_MAX_DELAY_MS`: how long an event waits for others.
    public var delay: Duration = .milliseconds(100)
    /// `SQL_EVENTS_DEBUG_PARTITION_SIZE_HOURS`.
    public var debugPartitionHours: Int64 = 1
    /// `SQL_EVENTS_REGULAR_PARTITION_SIZE_HOURS`.
    public var regularPartitionHours: Int64 = 168
    /// `TB_MAX_DEBUG_EVENT_SYMBOLS`: characters of data, metadata and error that are kept.
    public var maximumSymbols = 4096
    /// Events that may wait, and their bytes; more are dropped and counted.
    public var capacity = 50_000
    public var capacityBytes = 64 << 20

    public init() {}

    public init(from settings: inout SettingsReader) {
        batch = settings.integer("SQL_EVENTS_BATCH_SIZE", default: 10_000, in: 1...1_000_000)
        delay = settings.milliseconds("SQL_EVENTS_BATCH_MAX_DELAY_MS", default: 100, in: 0...60_000)
        debugPartitionHours = Int64(
            settings.integer("SQL_EVENTS_DEBUG_PARTITION_SIZE_HOURS", default: 1, in: 1...87_600))
        regularPartitionHours = Int64(
            settings.integer("SQL_EVENTS_REGULAR_PARTITION_SIZE_HOURS", default: 168, in: 1...87_600))
        maximumSymbols = settings.integer("TB_MAX_DEBUG_EVENT_SYMBOLS", default: 4096, in: 1...1_000_000)
    }

    /// Length of a partition of the kind's table.
    func partitionHours(of kind: EventKind) -> Int64 { kind.isDebug ? debugPartitionHours : regularPartitionHours }
}

extension EventKind {
    /// Whether it notes single messages, in partitions of their own length and with a time to live of their own.
    var isDebug: Bool {
        switch self {
        case .ruleNodeDebug, .ruleChainDebug, .calculatedFieldDebug: true
        case .error, .lifecycle, .statistics: false
        }
    }
}
