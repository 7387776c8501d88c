public import Metrics
import Synchronization

/// Caches in this process's memory: `CACHE_TYPE=caffeine`. Each forgets what was unused for longest when it is full.
public final class InProcessCacheStore: CacheStore {
    private struct Kept {
        var record: CacheRecord
        /// Nanoseconds of the clock; `nil`: never.
        var end: Int64?
    }

    private let configuration: CacheConfiguration
    private let caches: Mutex<[CacheName: LRUCache<String, Kept>]>
    private let metrics: CacheMetrics
    private let now: @Sendable () -> Int64

    /// - Parameter now: Nanoseconds of a clock that never jumps.
    public init(
        _ configuration: CacheConfiguration, metrics: MetricsRegistry,
        now: @escaping @Sendable () -> Int64 = CacheClock.now
    ) {
        self.configuration = configuration
        self.metrics = CacheMetrics(metrics)
        self.now = now
        caches = Mutex(
            configuration.specs.filter { $0.value.maximumSize > 0 }.mapValues { LRUCache(capacity: $0.maximumSize) })
    }

    public func read(_ cache: CacheName, _ key: String) async -> CacheEntry {
        let now = now()
        let entry = caches.withLock { caches -> CacheEntry in
            guard let kept = caches[cache]?.value(for: key) else { return .miss }
            guard kept.end.map({ $0 > now }) ?? true else {
                caches[cache]?.remove(key)
                return .miss
            }
            return kept.record.entry
        }
        metrics.count(entry, of: cache)
        return entry
    }

    public func fill(_ cache: CacheName, _ key: String, _ value: [UInt8]?, version: Int64) async {
        putIfNewer(cache, key, CacheRecord(version: version, value: value), for: configuration[cache].timeToLive)
    }

    public func write(_ cache: CacheName, _ key: String, _ value: [UInt8], version: Int64) async -> Bool {
        let record = CacheRecord(version: version, .value(value))
        if version > 0 { return putIfNewer(cache, key, record, for: configuration[cache].timeToLive) }
        return put(cache, key, record, for: configuration[cache].timeToLive)
    }

    public func evict(_ cache: CacheName, _ key: String) async {
        put(cache, key, CacheRecord(version: 0, .evicted), for: configuration.evictionMemory)
    }

    @discardableResult
    private func put(_ cache: CacheName, _ key: String, _ record: CacheRecord, for time: Duration?) -> Bool {
        let end = time.map { now() + $0.wholeNanoseconds }
        return caches.withLock { caches in
            guard caches[cache] != nil else { return false }
            caches[cache]?.insert(Kept(record: record, end: end), for: key)
            return true
        }
    }

    @discardableResult
    private func putIfNewer(_ cache: CacheName, _ key: String, _ record: CacheRecord, for time: Duration?) -> Bool {
        let now = now()
        return caches.withLock { caches in
            guard caches[cache] != nil else { return false }
            if let kept = caches[cache]?.value(for: key), kept.end.map({ $0 > now }) ?? true,
                kept.record.version >= record.version
            {
                return false
            }
            caches[cache]?.insert(Kept(record: record, end: time.map { now + $0.wholeNanoseconds }), for: key)
            return true
        }
    }
}

extension Duration {
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
