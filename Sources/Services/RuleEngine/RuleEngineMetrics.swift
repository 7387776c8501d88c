import Metrics
import Model
import Queue

/// What one shard counts: plain integers, added to the shared counters once a tick. Owned by the shard's loop.
final class RuleEngineMetrics {
    var received = 0
    var successful = 0
    var failed = 0
    var executions = 0
    /// Attempts that were followed by another.
    var failedForNow = 0
    var timedOutForNow = 0
    /// Messages that were given up because they took too long.
    var timedOut = 0
    private let total: Counter
    private let successes: Counter
    private let failures: Counter
    private let timeouts: Counter
    private let failuresForNow: Counter
    private let timeoutsForNow: Counter
    private let nodes: Counter
    private let suspendedMessages: Gauge

    /// - Parameter queue: Of a tenant's own queue the tenant is a label, so that the numbers of the shared one are its own.
    init(registry: MetricsRegistry, queue: QueueKey, shard: Int) {
        let tenant = queue.tenant?.description ?? "system"
        func counter(_ name: String) -> Counter {
            registry.counter(
                "ruleEngine_\(Self.plain(queue.name))_total", help: "Messages of the queue.",
                labels: ["statsName": name, "tenantId": tenant])
        }
        total = counter("totalMsgs")
        successes = counter("successfulMsgs")
        failures = counter("failedMsgs")
        timeouts = counter("timeoutMsgs")
        failuresForNow = counter("tmpFailed")
        timeoutsForNow = counter("tmpTimeout")
        nodes = registry.counter("rule_node_executions_total", help: "Messages processed by rule nodes.")
        suspendedMessages = registry.gauge(
            "rule_engine_suspended_messages", help: "Messages that wait in a rule node.",
            labels: ["shard": String(shard)])
    }

    /// The name as a part of a metric's.
    private static func plain(_ name: String) -> String {
        String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }

    func publish(suspended: Int) {
        guard received > 0 || successful > 0 || failed > 0 || executions > 0 || timedOut > 0 else { return }
        total.increment(by: received)
        successes.increment(by: successful)
        if failed > 0 { failures.increment(by: failed) }
        if timedOut > 0 { timeouts.increment(by: timedOut) }
        if failedForNow > 0 { failuresForNow.increment(by: failedForNow) }
        if timedOutForNow > 0 { timeoutsForNow.increment(by: timedOutForNow) }
        nodes.increment(by: executions)
        suspendedMessages.set(Double(suspended))
        received = 0
        successful = 0
        failed = 0
        executions = 0
        timedOut = 0
        failedForNow = 0
        timedOutForNow = 0
    }
}
