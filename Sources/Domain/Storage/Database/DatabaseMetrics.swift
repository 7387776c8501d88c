import Metrics

/// What the pools count.
struct DatabaseMetrics: Sendable {
    let inUse: Gauge
    let waiting: Gauge
    let timeouts: Counter
    let connectFailures: Counter
    let seconds: Histogram
    let errors: Counter

    init(registry: MetricsRegistry) {
        inUse = registry.gauge("database_connections_in_use", help: "Connections that a caller holds.")
        waiting = registry.gauge("database_waiters", help: "Callers that wait for a connection.")
        timeouts = registry.counter("database_acquire_timeouts_total", help: "Callers that no connection became free for.")
        connectFailures = registry.counter("database_connect_failures_total", help: "Connections that could not be opened.")
        seconds = registry.histogram(
            "database_query_seconds", help: "Time of a statement, waiting for a connection included.",
            buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
        errors = registry.counter("database_query_errors_total", help: "Statements that failed.")
    }
}
