import Synchronization

/// The metrics of a process, by name and labels. Handles are made at start and kept; asking again for the same name and
/// labels gives the same handle. Safe from any thread.
public final class MetricsRegistry: Sendable {
    private let families = Mutex<[String: MetricFamily]>([:])

    public init() {}

    /// - Parameter name: by convention ends in `_total`.
    public func counter(
        _ name: String, help: String, labels: KeyValuePairs<String, String> = [:]
    ) -> Counter {
        let series = register(name, help: help, .counter, labels) { .counter(Counter()) }
        guard case .counter(let counter) = series else { preconditionFailure("\(name) is read from elsewhere") }
        return counter
    }

    /// A counter that is kept elsewhere; `read` is called at every ``render()``, on the caller's thread, and replaces
    /// one that was given before.
    public func counter(
        _ name: String, help: String, labels: KeyValuePairs<String, String> = [:],
        read: @escaping @Sendable () -> Double
    ) {
        register(name, help: help, .counter, labels, replacing: .read(read))
    }

    public func gauge(_ name: String, help: String, labels: KeyValuePairs<String, String> = [:]) -> Gauge {
        let series = register(name, help: help, .gauge, labels) { .gauge(Gauge()) }
        guard case .gauge(let gauge) = series else { preconditionFailure("\(name) is read from elsewhere") }
        return gauge
    }

    /// A gauge that is kept elsewhere; `read` is called at every ``render()``, on the caller's thread, and replaces one
    /// that was given before.
    public func gauge(
        _ name: String, help: String, labels: KeyValuePairs<String, String> = [:],
        read: @escaping @Sendable () -> Double
    ) {
        register(name, help: help, .gauge, labels, replacing: .read(read))
    }

    /// - Parameter buckets: upper bounds, ascending, without infinity.
    public func histogram(
        _ name: String, help: String, labels: KeyValuePairs<String, String> = [:], buckets: [Double]
    ) -> Histogram {
        let series = register(name, help: help, .histogram, labels) { .histogram(Histogram(bounds: buckets)) }
        guard case .histogram(let histogram) = series else { preconditionFailure("\(name) is no histogram") }
        precondition(histogram.bounds == buckets, "\(name) was registered with other buckets")
        return histogram
    }

    /// Everything in Prometheus' text format 0.0.4, by name.
    public func render() -> String {
        // The functions that read values may take locks of their own, so they run without ours.
        let families = families.withLock { Array($0.values) }.sorted { $0.name < $1.name }
        var text = ""
        for family in families { family.render(into: &text) }
        return text
    }

    /// The media type of what ``render()`` gives.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    // MARK: - Registration

    private func register(
        _ name: String, help: String, _ kind: MetricFamily.Kind, _ labels: KeyValuePairs<String, String>,
        make: () -> MetricFamily.Series
    ) -> MetricFamily.Series {
        let rendered = MetricFamily.render(labels: labels)
        return families.withLock { families in
            var family = Self.family(name, help: help, kind, in: families)
            let series = family.series[rendered] ?? make()
            family.series[rendered] = series
            families[name] = family
            return series
        }
    }

    private func register(
        _ name: String, help: String, _ kind: MetricFamily.Kind, _ labels: KeyValuePairs<String, String>,
        replacing series: MetricFamily.Series
    ) {
        let rendered = MetricFamily.render(labels: labels)
        families.withLock { families in
            var family = Self.family(name, help: help, kind, in: families)
            family.series[rendered] = series
            families[name] = family
        }
    }

    private static func family(
        _ name: String, help: String, _ kind: MetricFamily.Kind, in families: [String: MetricFamily]
    ) -> MetricFamily {
        guard let family = families[name] else { return MetricFamily(name: name, help: help, kind: kind) }
        precondition(family.kind == kind, "\(name) is a \(family.kind.rawValue), not a \(kind.rawValue)")
        return family
    }
}
