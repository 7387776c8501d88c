import Cache
import Configuration
import Metrics
import Synchronization
import Testing

/// A clock that tests set.
private final class TestClock: Sendable {
    private let time = Mutex<Int64>(0)
    var now: Int64 { time.withLock { $0 } }
    func advance(seconds: Int64) { time.withLock { $0 += seconds * 1_000_000_000 } }
}

@Suite struct InProcessCacheStoreTests {
    private let clock = TestClock()
    private let registry = MetricsRegistry()

    private func makeStore(size: Int = 10, minutes: Int = 1) -> InProcessCacheStore {
        var configuration = CacheConfiguration()
        configuration.specs[.devices] = .init(
            timeToLive: minutes == 0 ? nil : .seconds(minutes * 60), maximumSize: size)
        return InProcessCacheStore(configuration, metrics: registry) { [clock] in clock.now }
    }

    @Test func whatWasFilledIsFoundUntilItsTimeIsOver() async {
        let store = makeStore()
        await store.fill(.devices, "a", [1], version: 0)
        await store.fill(.devices, "b", nil, version: 0)
        #expect(await store.read(.devices, "a") == .value([1]))
        #expect(await store.read(.devices, "b") == .absent)
        #expect(await store.read(.devices, "c") == .miss)
        #expect(await store.read(.sessions, "a") == .miss)
        clock.advance(seconds: 60)
        #expect(await store.read(.devices, "a") == .miss)
    }

    @Test func aLifetimeOfZeroIsForGood() async {
        let store = makeStore(minutes: 0)
        await store.fill(.devices, "a", [1], version: 0)
        clock.advance(seconds: 1_000_000)
        #expect(await store.read(.devices, "a") == .value([1]))
    }

    @Test func aSizeOfZeroTurnsTheCacheOff() async {
        let store = makeStore(size: 0)
        let isKept = await store.write(.devices, "a", [1], version: 0)
        #expect(!isKept)
        #expect(await store.read(.devices, "a") == .miss)
    }

    @Test func whatWasReadBeforeAnEvictionIsNotPutBack() async {
        let store = makeStore()
        await store.fill(.devices, "a", [1], version: 0)
        await store.evict(.devices, "a")
        await store.fill(.devices, "a", [1], version: 0)
        #expect(await store.read(.devices, "a") == .miss)
        clock.advance(seconds: 60)
        await store.fill(.devices, "a", [2], version: 0)
        #expect(await store.read(.devices, "a") == .value([2]))
    }

    @Test func theHigherVersionWins() async {
        let store = makeStore()
        await store.fill(.devices, "a", [2], version: 2)
        await store.fill(.devices, "a", [1], version: 1)
        #expect(await store.read(.devices, "a") == .value([2]))
        let isKept = await store.write(.devices, "a", [1], version: 1)
        #expect(!isKept)
        let isReplaced = await store.write(.devices, "a", [3], version: 3)
        #expect(isReplaced)
        #expect(await store.read(.devices, "a") == .value([3]))
    }

    @Test func anUnversionedWriteSaysWhatHolds() async {
        let store = makeStore()
        await store.fill(.devices, "a", [1], version: 0)
        let isTaken = await store.write(.devices, "a", [2], version: 0)
        #expect(isTaken)
        #expect(await store.read(.devices, "a") == .value([2]))
    }

    @Test func theOldestGoesFirst() async {
        let store = makeStore(size: 2)
        for key in ["a", "b", "c"] { await store.fill(.devices, key, [1], version: 0) }
        #expect(await store.read(.devices, "a") == .miss)
        #expect(await store.read(.devices, "c") == .value([1]))
        #expect(registry.render().contains("cache_reads_total{cache=\"devices\",outcome=\"miss\"} 1"))
    }
}

@Suite struct CacheRecordTests {
    @Test func recordsSurviveEncoding() {
        for content in [CacheRecord.Content.value([]), .value([1, 2]), .absent, .evicted] {
            let record = CacheRecord(version: 1 << 60 + 7, content)
            #expect(CacheRecord(decoding: record.encoded) == record)
        }
        #expect(CacheRecord(version: 258, .absent).encoded == [0, 0, 0, 0, 0, 0, 1, 2, 1])
    }

    @Test func otherBytesAreNoRecord() {
        for bytes in [
            [], [UInt8](repeating: 0, count: 8), [0, 0, 0, 0, 0, 0, 0, 0, 3], [0, 0, 0, 0, 0, 0, 0, 0, 1, 1],
        ] {
            #expect(CacheRecord(decoding: bytes) == nil)
        }
    }

    @Test func settingsAreRead() {
        var settings = SettingsReader(environment: [
            "CACHE_TYPE": "redis", "CACHE_SPECS_SESSIONS_TTL": "0", "CACHE_SPECS_DEVICES_MAX_SIZE": "0",
        ])
        let configuration = CacheConfiguration(reading: &settings)
        #expect(settings.problems == [])
        #expect(configuration.kind == .redis)
        #expect(configuration[.sessions] == .init(timeToLive: nil, maximumSize: 10_000))
        #expect(configuration[.devices].maximumSize == 0)
        var wrong = SettingsReader(environment: ["CACHE_TYPE": "memcached", "CACHE_SPECS_DEVICES_TTL": "-1"])
        _ = CacheConfiguration(reading: &wrong)
        #expect(wrong.problems.count == 2)
    }
}
