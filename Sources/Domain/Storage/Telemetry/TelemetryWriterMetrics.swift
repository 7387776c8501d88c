import Metrics

/// What the telemetry writers count; shared by all of them.
struct TelemetryWriterMetrics: Sendable {
    private let history: Counter
    private let latest: Counter
    private let attributes: Counter
    private let copies: Counter
    private let repeated: Counter
    private let transactions: Counter
    let refused: Counter
    let retries: Counter
    let abandoned: Counter
    let seconds: Histogram

    init(registry: MetricsRegistry) {
        let rows = "telemetry_rows_total"
        let rowsHelp = "Rows written and committed."
        history = registry.counter(rows, help: rowsHelp, labels: ["table": "ts_kv"])
        latest = registry.counter(rows, help: rowsHelp, labels: ["table": "ts_kv_latest"])
        attributes = registry.counter(rows, help: rowsHelp, labels: ["table": "attribute_kv"])
        copies = registry.counter("telemetry_copy_total", help: "Batches whose history went by COPY.")
        repeated = registry.counter(
            "telemetry_copy_repeated_total", help: "Batches that met rows which were there already and went by upsert.")
        transactions = registry.counter("telemetry_transactions_total", help: "Committed write transactions.")
        refused = registry.counter(
            "telemetry_refused_total", help: "Saves whose values the database refuses.")
        retries = registry.counter(
            "telemetry_write_retries_total", help: "Writes that failed and were tried again.")
        abandoned = registry.counter(
            "telemetry_abandoned_total", help: "Waits for the database while the process was stopping.")
        seconds = registry.histogram(
            "telemetry_write_seconds", help: "Time from taking a batch to its completion.",
            buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
    }

    func note(_ summary: TelemetryTransaction.Summary) {
        transactions.increment()
        if summary.historyRows > 0 { history.increment(by: summary.historyRows) }
        if summary.latestRows > 0 { latest.increment(by: summary.latestRows) }
        if summary.attributeRows > 0 { attributes.increment(by: summary.attributeRows) }
        if summary.usedCopy { copies.increment() }
        if summary.repeatedRows { repeated.increment() }
    }
}
