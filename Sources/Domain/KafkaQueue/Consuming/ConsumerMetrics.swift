import Metrics
import Synchronization

/// What a consumer of one topic counts.
final class ConsumerMetrics: Sendable {
    let received: Counter
    let repeated: Counter
    let commits: Counter
    let commitFailures: Counter
    let owned = Atomic<Int>(0)
    let inFlight = Atomic<Int>(0)
    let lag = Atomic<Int>(0)

    init(_ registry: MetricsRegistry, topic: String) {
        received = registry.counter(
            "kafka_records_received_total", help: "Records fetched and handed over.", labels: ["topic": topic])
        repeated = registry.counter(
            "kafka_records_repeated_total", help: "Records that came twice and were dropped.",
            labels: ["topic": topic])
        commits = registry.counter("kafka_commits_total", help: "Commits of offsets.", labels: ["topic": topic])
        commitFailures = registry.counter(
            "kafka_commit_failures_total", help: "Commits that failed and are tried again.", labels: ["topic": topic])
        registry.gauge("kafka_owned_partitions", help: "Partitions that are consumed here.", labels: ["topic": topic]) {
            [weak self] in Double(self?.owned.load(ordering: .relaxed) ?? 0)
        }
        registry.gauge("kafka_records_in_flight", help: "Records in work.", labels: ["topic": topic]) {
            [weak self] in Double(self?.inFlight.load(ordering: .relaxed) ?? 0)
        }
        registry.gauge(
            "kafka_lag_records", help: "Records of owned partitions that are not committed yet.",
            labels: ["topic": topic]
        ) { [weak self] in Double(self?.lag.load(ordering: .relaxed) ?? 0) }
    }
}
