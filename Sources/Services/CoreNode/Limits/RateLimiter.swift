internal import Cache
internal import Model
internal import Storage
internal import Synchronization

/// Rate limits by key, each limit given by the caller. Safe from any thread.
///
/// Keeps at most ``capacity`` states; the one unused for longest goes, which lets its owner begin anew.
final class RateLimiter: Sendable {
    private let states: Mutex<LRUCache<UUID128, RateLimitState>>

    init(capacity: Int = 10_000) {
        states = Mutex(LRUCache(capacity: capacity))
    }

    /// Whether one more is allowed now. A changed limit begins with full buckets.
    func allows(_ key: UUID128, _ limit: RateLimit, now: Int64) -> Bool {
        if limit.bounds.isEmpty { return true }
        return states.withLock { states in
            var state = states.value(for: key) ?? RateLimitState(limit, now: now)
            if state.limit != limit { state = RateLimitState(limit, now: now) }
            defer { states.insert(state, for: key) }
            return state.take(now: now)
        }
    }
}
