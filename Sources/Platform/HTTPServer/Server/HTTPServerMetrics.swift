internal import Metrics

/// The handles of a server's metrics; made at the start.
struct HTTPServerMetrics: Sendable {
    static let methods = ["get", "post", "put", "delete", "other"]
    static let statuses = ["1xx", "2xx", "3xx", "4xx", "5xx"]

    /// By method and status class: `methodIndex * statuses.count + statusIndex`.
    let requests: [Counter]
    let seconds: Histogram
    let connections: Gauge
    let receivedBytes: Counter
    let sentBytes: Counter
    let refusedConnections: Counter
    let refused: [RequestError: Counter]
    let brokenConnections: Counter

    init(_ registry: MetricsRegistry, server: String) {
        requests = HTTPServerMetrics.methods.flatMap { method in
            HTTPServerMetrics.statuses.map { status in
                registry.counter(
                    "http_requests_total", help: "Answered requests",
                    labels: ["server": server, "method": method, "status": status])
            }
        }
        seconds = registry.histogram(
            "http_request_seconds", help: "Time from a complete request to its answer", labels: ["server": server],
            buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60])
        connections = registry.gauge("http_connections", help: "Open connections", labels: ["server": server])
        receivedBytes = registry.counter(
            "http_received_bytes_total", help: "Bytes of requests", labels: ["server": server])
        sentBytes = registry.counter("http_sent_bytes_total", help: "Bytes of answers", labels: ["server": server])
        refusedConnections = registry.counter(
            "http_refused_connections_total", help: "Connections closed at once because there are too many",
            labels: ["server": server])
        brokenConnections = registry.counter(
            "http_cancelled_requests_total", help: "Requests whose client went before the answer",
            labels: ["server": server])
        refused = Dictionary(
            uniqueKeysWithValues: RequestError.allCases.map { error in
                (
                    error,
                    registry.counter(
                        "http_refused_requests_total", help: "Requests refused before their responder saw them",
                        labels: ["server": server, "reason": error.rawValue])
                )
            })
    }

    static func methodIndex(_ method: HTTPMethod) -> Int {
        switch method {
        case .get: 0
        case .post: 1
        case .put: 2
        case .delete: 3
        default: 4
        }
    }
}

/// What one loop counted since it last told the shared metrics, in plain integers.
struct HTTPServerCounts {
    private var requests: [Int]
    /// Durations by bucket of the histogram: how many and their sum, so that one observation of the mean with the
    /// count leaves buckets and sum as single observations would.
    private var durations: [(count: Int, seconds: Double)]
    var receivedBytes = 0
    var sentBytes = 0
    private var isDirty = false
    private let bounds: [Double]

    init(_ metrics: HTTPServerMetrics) {
        bounds = metrics.seconds.bounds
        requests = Array(repeating: 0, count: metrics.requests.count)
        durations = Array(repeating: (0, 0), count: bounds.count + 1)
    }

    mutating func answered(methodIndex: Int, status: Int, seconds: Double) {
        requests[methodIndex * HTTPServerMetrics.statuses.count + min(max(status / 100, 1), 5) - 1] += 1
        let bucket = bounds.firstIndex { seconds <= $0 } ?? bounds.count
        durations[bucket].count += 1
        durations[bucket].seconds += seconds
        isDirty = true
    }

    mutating func publish(to metrics: HTTPServerMetrics) {
        if receivedBytes > 0 {
            metrics.receivedBytes.increment(by: receivedBytes)
            receivedBytes = 0
        }
        if sentBytes > 0 {
            metrics.sentBytes.increment(by: sentBytes)
            sentBytes = 0
        }
        guard isDirty else { return }
        isDirty = false
        for index in requests.indices where requests[index] > 0 {
            metrics.requests[index].increment(by: requests[index])
            requests[index] = 0
        }
        for index in durations.indices where durations[index].count > 0 {
            let (count, seconds) = durations[index]
            metrics.seconds.observe(seconds / Double(count), count: count)
            durations[index] = (0, 0)
        }
    }
}
