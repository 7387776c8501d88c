public import Metrics

/// What is counted of the scripts of one language. Safe from any thread.
public final class ScriptMetrics: Sendable {
    let requests: Counter
    let invocations: Counter
    let evaluations: Counter
    let failures: Counter
    let timeouts: Counter
    let seconds: Histogram

    public init(_ language: ScriptLanguage, metrics: MetricsRegistry) {
        let name = language == .javaScript ? "jsInvoke_total" : "tbelInvoke_total"
        func counter(_ statistic: String) -> Counter {
            metrics.counter(name, help: "Compilations and calls of scripts.", labels: ["statsName": statistic])
        }
        requests = counter("requests")
        invocations = counter("invokeResponses")
        evaluations = counter("evalResponses")
        failures = counter("failures")
        timeouts = counter("timeouts")
        seconds = metrics.histogram(
            "script_call_seconds", help: "From the call of a script to its result.",
            labels: ["language": language.rawValue], buckets: Histogram.secondsBuckets)
    }

    func note(_ error: ScriptError) {
        if error == .timeout { timeouts.increment() } else { failures.increment() }
    }
}
