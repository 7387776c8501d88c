public import Metrics

/// What one transport loop counts. Owned by its loop: plain integers, added to the shared counters once a tick.
public final class TransportMetrics {
    private let telemetryMessages: Counter
    private let attributesMessages: Counter
    private let dataPoints: Counter
    private let successful: Counter
    private let failed: Counter
    private let unacknowledged: Gauge
    let coreQueueFull: Counter
    let pausedReads: Counter
    let limited: Counter
    private var pendingTelemetry = 0
    private var pendingAttributes = 0
    private var pendingPoints = 0

    /// - Parameters:
    ///   - protocolName: Value of label `protocol`: `mqtt`, `http`.
    ///   - loopIndex: Value of label `loop` of the gauge.
    public init(registry: MetricsRegistry, protocolName: String, loopIndex: Int) {
        let uplinks = "transport_uplinks_total"
        let uplinksHelp = "Uplink messages handed to the rule engine queue."
        telemetryMessages = registry.counter(
            uplinks, help: uplinksHelp, labels: ["protocol": protocolName, "type": "telemetry"])
        attributesMessages = registry.counter(
            uplinks, help: uplinksHelp, labels: ["protocol": protocolName, "type": "attributes"])
        dataPoints = registry.counter(
            "transport_data_points_total", help: "Key-value pairs in uplink messages.",
            labels: ["protocol": protocolName])
        let outcomes = "transport_producer_total"
        let outcomesHelp = "Uplink messages whose outcome the queue has told."
        successful = registry.counter(outcomes, help: outcomesHelp, labels: ["statsName": "successfulMsgs"])
        failed = registry.counter(outcomes, help: outcomesHelp, labels: ["statsName": "failedMsgs"])
        unacknowledged = registry.gauge(
            "transport_unacknowledged_messages", help: "Uplink messages without an outcome.",
            labels: ["protocol": protocolName, "loop": String(loopIndex)])
        coreQueueFull = registry.counter(
            "transport_core_queue_full_total", help: "Session events that the core queue did not take.",
            labels: ["protocol": protocolName])
        limited = registry.counter(
            "transport_rate_limited_total", help: "Messages that the rate limits of a tenant profile refused.",
            labels: ["protocol": protocolName])
        pausedReads = registry.counter(
            "transport_paused_reads_total", help: "Times that a connection was not read because the queue was full.",
            labels: ["protocol": protocolName])
    }

    func noteTelemetry(messages: Int, points: Int) {
        pendingTelemetry &+= messages
        pendingPoints &+= points
    }

    func noteAttributes(points: Int) {
        pendingAttributes &+= 1
        pendingPoints &+= points
    }

    func noteOutcomes(_ count: Int, failed failures: Int, unacknowledged waiting: Int) {
        successful.increment(by: count - failures)
        if failures > 0 { failed.increment(by: failures) }
        unacknowledged.set(Double(waiting))
    }

    /// Adds what was noted to the shared counters.
    func publish() {
        if pendingTelemetry > 0 { telemetryMessages.increment(by: pendingTelemetry) }
        if pendingAttributes > 0 { attributesMessages.increment(by: pendingAttributes) }
        if pendingPoints > 0 { dataPoints.increment(by: pendingPoints) }
        pendingTelemetry = 0
        pendingAttributes = 0
        pendingPoints = 0
    }
}
