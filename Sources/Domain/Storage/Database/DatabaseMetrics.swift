internal import Metrics

/// What the pools report, all loops together.
struct DatabaseMetrics: Sendable {
    let inUse: Gauge
    let open: Gauge
    let waiting: Gauge
    let seconds: Histogram
    let errors: Counter
    let connectFailures: Counter
    let refused: Counter
    let timeouts: Counter

    init(_ registry: MetricsRegistry) {
        inUse = registry.gauge("database_connections_in_use", help: "Connections that run a statement or transaction.")
        open = registry.gauge("database_connections_open", help: "Connections of the pools.")
        waiting = registry.gauge("database_waiters", help: "Callers that wait for a connection.")
        seconds = registry.histogram(
            "database_query_seconds", help: "Time from sending a statement to its result.",
            buckets: [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30])
        errors = registry.counter("database_query_errors_total", help: "Statements that failed.")
        connectFailures = registry.counter(
            "database_connect_failures_total", help: "Connections that could not be opened.")
        refused = registry.counter(
            "database_refused_total", help: "Callers refused because too many waited for a connection.")
        timeouts = registry.counter(
            "database_acquire_timeouts_total", help: "Callers that no connection became free for.")
    }
}
