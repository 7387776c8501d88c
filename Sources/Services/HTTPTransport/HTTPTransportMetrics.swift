import Metrics

/// What became of the requests of devices.
struct HTTPTransportMetrics: Sendable {
    enum Outcome: String, CaseIterable {
        case accepted
        case invalid
        case unknownToken = "unknown_token"
        case unknownPath = "unknown_path"
        case wrongMethod = "wrong_method"
        case unavailable
        case timeout
        case limited
    }

    private let outcomes: [Outcome: Counter]

    init(_ registry: MetricsRegistry) {
        outcomes = Dictionary(
            uniqueKeysWithValues: Outcome.allCases.map { outcome in
                (
                    outcome,
                    registry.counter(
                        "http_device_requests_total", help: "Requests of the device API by outcome",
                        labels: ["outcome": outcome.rawValue])
                )
            })
    }

    func count(_ outcome: Outcome) {
        outcomes[outcome]?.increment()
    }
}
