/// The outcome of a run.
struct LoadReport: Sendable {
    var options: LoadTestOptions
    /// Length of the load without the wait for the last acknowledgements, in seconds.
    var seconds = 0.0
    var counters = LoadCounters()
    /// From the moment a message was due to its acknowledgement, microseconds.
    var latencies = LatencyHistogram()
    /// From the moment a message was due until its row could be read over REST, microseconds; samples.
    var rowLatencies = LatencyHistogram()
    var timeline: [TimelineEntry] = []
    /// Messages in flight when the wait for acknowledgements ended.
    var unacknowledged = 0
    /// Connections that were up when the load ended.
    var openConnections = 0
    /// Messages that came due and never went out because the window was full.
    var unsent = 0
    /// Most messages that were waiting at the end of a second.
    var mostWaiting = 0
    /// Processor time of the load tester itself, in seconds.
    var processorSeconds = 0.0
    var verification: VerificationResult?
    var wasInterrupted = false

    var acknowledgedPerSecond: Double { seconds > 0 ? Double(counters.acknowledged) / seconds : 0 }

    /// Whether nothing acknowledged is missing, as far as that was looked at.
    var isSound: Bool { (verification?.lost ?? 0) == 0 && (verification?.unreadableDevices ?? 0) == 0 }
}

/// What reading the ledger's messages back gave.
struct VerificationResult: Sendable, Equatable {
    var acknowledged = 0
    var stored = 0
    /// Stored ones that were not there at the first look.
    var late = 0
    /// Devices of the ledger that the server does not know or whose history it would not give; their messages count as
    /// lost.
    var unreadableDevices = 0
    /// Some of the lost, for finding out why.
    var examples: [LedgerRecord] = []
    var seconds = 0.0

    var lost: Int { acknowledged - stored }

    mutating func add(_ other: VerificationResult) {
        acknowledged += other.acknowledged
        stored += other.stored
        late += other.late
        unreadableDevices += other.unreadableDevices
        if examples.count < 10 { examples += other.examples.prefix(10 - examples.count) }
    }

    /// The line that scripts look for.
    var line: String { "acknowledged \(acknowledged), stored \(stored), lost \(lost)" }
}
