import Cache
import Logging
import Redis
import TestSupport
import Testing

@testable import RedisCache

@Suite(.enabled(if: TestRedis.isAvailable, "Redis is not installed"), .serialized)
struct RedisSharedCountsTests {
    private static let shared = TestRedis()

    private func makeCounts() async throws -> RedisSharedCounts {
        var configuration = RedisConfiguration(
            topology: .standalone(RedisAddress(host: "127.0.0.1", port: Self.shared.port)))
        configuration.readTimeout = .milliseconds(500)
        let client = try RedisClient(configuration)
        try await eventually("Redis") { (try? await client.send(RedisCommand("PING"))) != nil }
        return RedisSharedCounts(client: client, logger: .disabled)
    }

    private func makeKey() -> String { String(UInt64.random(in: 0...UInt64.max)) }

    @Test func whatIsLimitedIsLimitedOnceForAllProcesses() async throws {
        let nodes = [try await makeCounts(), try await makeCounts()]
        let key = makeKey()
        let buckets = [SharedBucket(count: 5, seconds: 100_000)]
        var taken = 0
        for turn in 0..<20 {
            if await nodes[turn % 2].take(key, from: buckets) == true { taken += 1 }
        }
        #expect(taken == 5)
        #expect(await nodes[0].take(makeKey(), from: buckets) == true)
    }

    @Test func theNarrowestBucketDecidesAndNoOtherIsEmptied() async throws {
        let counts = try await makeCounts()
        let key = makeKey()
        let buckets = [SharedBucket(count: 1, seconds: 100_000), SharedBucket(count: 10, seconds: 100_000)]
        #expect(await counts.take(key, from: buckets) == true)
        for _ in 0..<20 { #expect(await counts.take(key, from: buckets) == false) }
        // Other sizes begin anew.
        let wider = [SharedBucket(count: 3, seconds: 100_000)]
        for _ in 0..<3 { #expect(await counts.take(key, from: wider) == true) }
        #expect(await counts.take(key, from: wider) == false)
    }

    @Test func bucketsFillAgain() async throws {
        let counts = try await makeCounts()
        let key = makeKey()
        let buckets = [SharedBucket(count: 100, seconds: 1)]
        for _ in 0..<100 { _ = await counts.take(key, from: buckets) }
        try await eventually("a token") { await counts.take(key, from: buckets) == true }
    }

    @Test func aNumberIsNotedOnceAndOnlyUpwards() async throws {
        let nodes = [try await makeCounts(), try await makeCounts()]
        let key = makeKey()
        #expect(await nodes[0].advance(key, to: 57_000_000, lifetime: .seconds(60)) == true)
        #expect(await nodes[1].advance(key, to: 57_000_000, lifetime: .seconds(60)) == false)
        #expect(await nodes[1].advance(key, to: 56_999_999, lifetime: .seconds(60)) == false)
        #expect(await nodes[1].advance(key, to: 57_000_001, lifetime: .seconds(60)) == true)
    }

    @Test func withoutRedisThereIsNoAnswer() async throws {
        var configuration = RedisConfiguration(topology: .standalone(RedisAddress(host: "127.0.0.1", port: 1)))
        configuration.connectTimeout = .milliseconds(100)
        configuration.readTimeout = .milliseconds(100)
        let counts = RedisSharedCounts(client: try RedisClient(configuration), logger: .disabled)
        #expect(await counts.take("k", from: [SharedBucket(count: 1, seconds: 1)]) == nil)
        #expect(await counts.advance("k", to: 1, lifetime: .seconds(1)) == nil)
    }
}
