/// What one event loop, or all of them, have done since the start.
struct LoadCounters: Sendable, Equatable {
    /// Messages that came due (open loop).
    var due = 0
    /// Messages published for the first time.
    var sent = 0
    var acknowledged = 0
    /// Of the acknowledged ones, those that carried an alarm.
    var alarms = 0
    /// Messages published again because their connection was lost.
    var resent = 0
    /// Messages that the server answered with a failure.
    var refused = 0
    /// Acknowledgements for nothing that is in flight.
    var unexpected = 0
    var connected = 0
    /// Connections that ended without being asked to.
    var connectionsLost = 0
    /// Attempts to connect that were refused or timed out.
    var connectsFailed = 0

    var errors: Int { refused + unexpected + connectionsLost + connectsFailed }

    static func + (a: LoadCounters, b: LoadCounters) -> LoadCounters {
        LoadCounters(
            due: a.due + b.due, sent: a.sent + b.sent, acknowledged: a.acknowledged + b.acknowledged,
            alarms: a.alarms + b.alarms, resent: a.resent + b.resent, refused: a.refused + b.refused,
            unexpected: a.unexpected + b.unexpected, connected: a.connected + b.connected,
            connectionsLost: a.connectionsLost + b.connectionsLost, connectsFailed: a.connectsFailed + b.connectsFailed)
    }
}

/// What a loop hands out once a second.
struct LoopSnapshot: Sendable {
    var counters = LoadCounters()
    /// Messages in flight now.
    var inFlight = 0
    /// Messages that are due and not yet sent.
    var waiting = 0
    /// Connections that are up now.
    var openConnections = 0
    /// Latencies since the snapshot before.
    var latencies = LatencyHistogram()

    mutating func add(_ other: LoopSnapshot) {
        counters = counters + other.counters
        inFlight += other.inFlight
        waiting += other.waiting
        openConnections += other.openConnections
        latencies.add(other.latencies)
    }
}

/// One second of the run, as the progress line and the plot show it.
struct TimelineEntry: Sendable, Equatable {
    /// Seconds from the start of the load to the end of this entry.
    var second: Double
    var seconds: Double
    var sent: Int
    var acknowledged: Int
    var inFlight: Int
    var waiting: Int
    var errors: Int
    /// Microseconds; 0 when nothing was acknowledged.
    var p50: UInt64
    var p99: UInt64
    var maximum: UInt64

    var acknowledgedPerSecond: Double { seconds > 0 ? Double(acknowledged) / seconds : 0 }
    var sentPerSecond: Double { seconds > 0 ? Double(sent) / seconds : 0 }

    /// What happened between two snapshots.
    init(from before: LoadCounters, to now: LoopSnapshot, second: Double, seconds: Double) {
        self.second = second
        self.seconds = seconds
        sent = now.counters.sent - before.sent
        acknowledged = now.counters.acknowledged - before.acknowledged
        errors = now.counters.errors - before.errors
        inFlight = now.inFlight
        waiting = now.waiting
        p50 = now.latencies.percentile(50)
        p99 = now.latencies.percentile(99)
        maximum = now.latencies.maximum
    }
}
