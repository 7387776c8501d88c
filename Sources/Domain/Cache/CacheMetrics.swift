public import Metrics

/// How often caches could help.
public struct CacheMetrics: Sendable {
    private let hits: [CacheName: Counter]
    private let misses: [CacheName: Counter]

    public init(_ registry: MetricsRegistry) {
        func counters(_ outcome: String) -> [CacheName: Counter] {
            Dictionary(
                uniqueKeysWithValues: CacheName.allCases.map {
                    let help = "Reads of a cache, by whether it knew the answer."
                    return (
                        $0,
                        registry.counter(
                            "cache_reads_total", help: help, labels: ["cache": $0.rawValue, "outcome": outcome])
                    )
                })
        }
        hits = counters("hit")
        misses = counters("miss")
    }

    public func count(_ entry: CacheEntry, of cache: CacheName) {
        (entry == .miss ? misses : hits)[cache]?.increment()
    }
}
