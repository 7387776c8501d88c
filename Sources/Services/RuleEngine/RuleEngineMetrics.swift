import Metrics

/// What one shard counts: plain integers, added to the shared counters once a tick. Owned by the shard's loop.
final class RuleEngineMetrics {
    var received = 0
    var successful = 0
    var failed = 0
    var executions = 0
    private let total: Counter
    private let successes: Counter
    private let failures: Counter
    private let nodes: Counter
    private let suspendedMessages: Gauge

    init(registry: MetricsRegistry, queueName: String, shard: Int) {
        func counter(_ name: String) -> Counter {
            registry.counter(
                "ruleEngine_\(queueName)_total", help: "Messages of the queue.",
                labels: ["statsName": name, "tenantId": "system"])
        }
        total = counter("totalMsgs")
        successes = counter("successfulMsgs")
        failures = counter("failedMsgs")
        nodes = registry.counter("rule_node_executions_total", help: "Messages processed by rule nodes.")
        suspendedMessages = registry.gauge(
            "rule_engine_suspended_messages", help: "Messages that wait in a rule node.",
            labels: ["shard": String(shard)])
    }

    func publish(suspended: Int) {
        guard received > 0 || successful > 0 || failed > 0 || executions > 0 else { return }
        total.increment(by: received)
        successes.increment(by: successful)
        if failed > 0 { failures.increment(by: failed) }
        nodes.increment(by: executions)
        suspendedMessages.set(Double(suspended))
        received = 0
        successful = 0
        failed = 0
        executions = 0
    }
}
