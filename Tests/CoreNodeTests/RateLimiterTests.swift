import Cache
import Model
import Synchronization
import Testing

@testable import CoreNode

struct RateLimiterTests {
    /// A store that all nodes share, as long as it answers.
    private final class Store: SharedCounts {
        let taken = Mutex<[String: Int64]>([:])
        let answers = Mutex(true)

        func take(_ key: String, from buckets: [SharedBucket]) async -> Bool? {
            guard answers.withLock({ $0 }) else { return nil }
            return taken.withLock { taken in
                guard taken[key, default: 0] < buckets[0].count else { return false }
                taken[key, default: 0] += 1
                return true
            }
        }

        func advance(_ key: String, to number: Int64, lifetime: Duration) async -> Bool? { nil }
    }

    private func allowed(_ limiters: [RateLimiter], _ key: UUID128, _ limit: RateLimit) async -> Int {
        var allowed = 0
        for turn in 0..<20 {
            if await limiters[turn % limiters.count].allows(key, limit, now: 1000) { allowed += 1 }
        }
        return allowed
    }

    @Test func twoNodesTogetherAllowWhatOneDoes() async throws {
        let store = Store()
        let limit = try #require(RateLimit("5:60"))
        let nodes = [RateLimiter("a", shared: store), RateLimiter("a", shared: store)]
        let key = UUID128.random()
        #expect(await allowed(nodes, key, limit) == 5)
        #expect(await allowed([RateLimiter("b", shared: store)], key, limit) == 5)
        #expect(await allowed(nodes, .random(), limit) == 5)
    }

    @Test func aNodeCountsForItselfWhileTheStoreDoesNotAnswer() async throws {
        let store = Store()
        store.answers.withLock { $0 = false }
        let limit = try #require(RateLimit("5:60"))
        #expect(await allowed([RateLimiter("a", shared: store)], .random(), limit) == 5)
        #expect(await allowed([RateLimiter("a", shared: nil)], .random(), limit) == 5)
    }

    @Test func limitsBeyondAllMeasureAreNumbersForEveryNode() async throws {
        let limit = try #require(RateLimit("9223372036854775807:9223372036854775807"))
        #expect(await allowed([RateLimiter("a", shared: Store())], .random(), limit) == 20)
        #expect(await allowed([RateLimiter("a", shared: nil)], .random(), limit) == 20)
    }
}
