internal import Cache
internal import Model
internal import Storage
internal import Synchronization

/// Rate limits by key, each limit given by the caller; over all nodes where they share counts, else of this process. Safe
/// from any thread.
///
/// The process keeps at most `capacity` states; the one unused for longest goes, which lets its owner begin anew.
final class RateLimiter: Sendable {
    private let name: String
    private let shared: (any SharedCounts)?
    private let states: Mutex<LRUCache<UUID128, RateLimitState>>

    /// - Parameter name: What is limited, unlike the name of every other limiter.
    init(_ name: String, shared: (any SharedCounts)?, capacity: Int = 10_000) {
        self.name = name
        self.shared = shared
        states = Mutex(LRUCache(capacity: capacity))
    }

    /// Whether one more is allowed now.
    ///
    /// A changed limit begins with full buckets. While the shared counts do not answer, each process allows what all of them
    /// together may.
    func allows(_ key: UUID128, _ limit: RateLimit, now: Int64) async -> Bool {
        if limit.bounds.isEmpty { return true }
        if let shared {
            let buckets = limit.bounds.map { SharedBucket(count: Int64($0.count), seconds: Int64($0.seconds)) }
            if let isAllowed = await shared.take("\(name):\(key)", from: buckets) { return isAllowed }
        }
        return states.withLock { states in
            var state = states.value(for: key) ?? RateLimitState(limit, now: now)
            if state.limit != limit { state = RateLimitState(limit, now: now) }
            defer { states.insert(state, for: key) }
            return state.take(now: now)
        }
    }
}
