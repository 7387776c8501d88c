import Logging
import Metrics
import Reactor

/// One line of statistics every interval in which something happened (`cluster.md` 8.3). Owned by the loop of its timer.
final class StatisticsLog {
    private struct Source {
        let key: String
        let counters: [Counter]
        var last = 0
    }

    private var sources: [Source]
    private let logger: Logger

    init(metrics: MetricsRegistry, logger: Logger) {
        self.logger = logger
        func counter(_ name: String, _ labels: KeyValuePairs<String, String> = [:]) -> Counter {
            metrics.counter(name, help: "", labels: labels)
        }
        let uplinks = "transport_uplinks_total"
        sources = [
            Source(
                key: "transport.telemetry",
                counters: ["mqtt", "http"].map { counter(uplinks, ["protocol": $0, "type": "telemetry"]) }),
            Source(
                key: "transport.attributes",
                counters: ["mqtt", "http"].map { counter(uplinks, ["protocol": $0, "type": "attributes"]) }),
            Source(
                key: "rule_engine.successful",
                counters: [counter("ruleEngine_Main_total", ["statsName": "successfulMsgs", "tenantId": "system"])]),
            Source(
                key: "rule_engine.failed",
                counters: [counter("ruleEngine_Main_total", ["statsName": "failedMsgs", "tenantId": "system"])]),
            Source(key: "storage.rows", counters: [counter("telemetry_rows_total", ["table": "ts_kv"])]),
            Source(key: "storage.retries", counters: [counter("telemetry_write_retries_total")]),
            Source(key: "mqtt.connects", counters: [counter("mqtt_connects_total", ["result": "accepted"])]),
            Source(key: "mqtt.refused", counters: [counter("mqtt_connects_total", ["result": "refused"])]),
        ]
    }

    /// Logs what was counted since the last call, if anything was.
    func write() {
        var metadata = LogMetadata()
        var isQuiet = true
        for index in sources.indices {
            let value = sources[index].counters.reduce(0) { $0 + $1.value }
            let change = value - sources[index].last
            sources[index].last = value
            metadata[sources[index].key] = .integer(change)
            if change != 0 { isQuiet = false }
        }
        if !isQuiet { logger.info("statistics", metadata) }
    }
}
