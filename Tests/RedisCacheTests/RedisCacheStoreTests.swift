import Cache
import Configuration
import Logging
import Metrics
import Redis
import TestSupport
import Testing

@testable import RedisCache

@Suite(.enabled(if: TestRedis.isAvailable, "Redis is not installed"), .serialized)
struct RedisCacheStoreTests {
    private static let shared = TestRedis()

    private func makeClient(_ server: TestRedis) async throws -> RedisClient {
        var configuration = RedisConfiguration(
            topology: .standalone(RedisAddress(host: "127.0.0.1", port: server.port)))
        configuration.readTimeout = .milliseconds(500)
        let client = try RedisClient(configuration)
        try await eventually("Redis") { (try? await client.send(RedisCommand("PING"))) != nil }
        return client
    }

    private func makeStore(
        _ client: RedisClient, _ registry: MetricsRegistry = MetricsRegistry(),
        _ adjust: (inout CacheConfiguration) -> Void = { _ in }
    ) -> RedisCacheStore {
        var configuration = CacheConfiguration()
        adjust(&configuration)
        return RedisCacheStore(client: client, configuration: configuration, logger: .disabled, metrics: registry)
    }

    private func makeKey() -> String { String(UInt64.random(in: 0...UInt64.max)) }

    @Test func processesShareWhatOneOfThemFilled() async throws {
        let a = makeStore(try await makeClient(Self.shared))
        let b = makeStore(try await makeClient(Self.shared))
        let key = makeKey()
        await a.fill(.devices, key, [1, 0, 2], version: 0)
        #expect(await b.read(.devices, key) == .value([1, 0, 2]))
        await a.fill(.deviceCredentials, key, nil, version: 0)
        #expect(await b.read(.deviceCredentials, key) == .absent)
        await b.evict(.devices, key)
        #expect(await a.read(.devices, key) == .miss)
    }

    @Test func keysAreTheCachesNameAndTheKey() async throws {
        let client = try await makeClient(Self.shared)
        let key = makeKey()
        await makeStore(client).fill(.deviceProfiles, key, [7], version: 0)
        let time = try await client.send(RedisCommand("TTL", key: Array("deviceProfiles\(key)".utf8)))
        #expect((86_300...86_400).contains(time.integerValue ?? 0))
    }

    @Test func aLifetimeOfZeroIsForGood() async throws {
        let client = try await makeClient(Self.shared)
        let key = makeKey()
        let store = makeStore(client) { $0.specs[.sessions] = .init(timeToLive: nil, maximumSize: 1) }
        await store.fill(.sessions, key, [7], version: 1)
        let isTaken = await store.write(.sessions, key + "w", [7], version: 0)
        #expect(isTaken)
        for name in [key, key + "w"] {
            let time = try await client.send(RedisCommand("TTL", key: Array("sessions\(name)".utf8)))
            #expect(time == .integer(-1))
        }
    }

    @Test func whatWasReadBeforeAnEvictionIsNotPutBack() async throws {
        let client = try await makeClient(Self.shared)
        let (reader, writer) = (makeStore(client), makeStore(client))
        let key = makeKey()
        await writer.evict(.devices, key)
        await reader.fill(.devices, key, [1], version: 0)
        #expect(await reader.read(.devices, key) == .miss)
        let time = try await client.send(RedisCommand("PTTL", key: Array("devices\(key)".utf8)))
        #expect((1...60_000).contains(time.integerValue ?? 0))
    }

    @Test(arguments: [(1, 2), (1 << 33, (1 << 33) + 1), (1 << 60, (1 << 60) + 1)] as [(Int64, Int64)])
    func theHigherVersionWins(_ low: Int64, _ high: Int64) async throws {
        let store = makeStore(try await makeClient(Self.shared))
        let key = makeKey()
        let first = await store.write(.devices, key, [2], version: high)
        #expect(first)
        let second = await store.write(.devices, key, [1], version: low)
        #expect(!second)
        #expect(await store.read(.devices, key) == .value([2]))
    }

    @Test func whatIsNoRecordIsAMiss() async throws {
        let client = try await makeClient(Self.shared)
        let key = makeKey()
        _ = try await client.send(RedisCommand("SET", key: Array("devices\(key)".utf8), [1]))
        #expect(await makeStore(client).read(.devices, key) == .miss)
        _ = try await client.send(RedisCommand("DEL", key: Array("devices\(key)".utf8)))
        _ = try await client.send(RedisCommand("LPUSH", key: Array("devices\(key)".utf8), [1]))
        #expect(await makeStore(client).read(.devices, key) == .miss)
    }

    @Test func withoutRedisEverythingIsAMissAndEvictionsAreMadeUpFor() async throws {
        let server = TestRedis()
        let registry = MetricsRegistry()
        let store = makeStore(try await makeClient(server), registry)
        await store.fill(.devices, "a", [1], version: 0)
        // The server stands still with what it knows.
        server.stop()
        #expect(await store.read(.devices, "a") == .miss)
        await store.evict(.devices, "a")
        let isKept = await store.write(.sessions, "s", [1], version: 0)
        #expect(!isKept)
        server.resume()
        let client = try await makeClient(server)
        try await eventually("the eviction") {
            let value = try? await client.send(RedisCommand("GET", key: Array("devicesa".utf8))).bytesValue
            return CacheRecord(decoding: value ?? [])?.content == .evicted
        }
        try await eventually("nothing overdue") { registry.render().contains("cache_overdue_evictions 0") }
        #expect(!registry.render().contains("cache_redis_failures_total 0"))
        server.kill()
    }

    @Test func aFullServerStillForgets() async throws {
        let server = TestRedis()
        let client = try await makeClient(server)
        let store = makeStore(client)
        await store.fill(.devices, "a", [1], version: 0)
        _ = try await client.send(RedisCommand("CONFIG", "SET", "maxmemory", "1"))
        let isKept = await store.write(.devices, "b", [1], version: 0)
        #expect(!isKept)
        #expect(await store.read(.devices, "a") == .value([1]))
        await store.evict(.devices, "a")
        #expect(await store.read(.devices, "a") == .miss)
        let value = try await client.send(RedisCommand("EXISTS", key: Array("devicesa".utf8)))
        #expect(value == .integer(0))
        server.kill()
    }
}

@Suite struct RedisSettingsTests {
    private func read(_ environment: [String: String]) -> (RedisConfiguration, [String]) {
        var settings = SettingsReader(environment: environment)
        let configuration = RedisConfiguration(reading: &settings)
        return (configuration, settings.problems)
    }

    @Test func aSingleServerIsTheDefault() {
        let (configuration, problems) = read([:])
        #expect(problems == [])
        #expect(configuration.topology == .standalone(RedisAddress(host: "localhost", port: 6379)))
        #expect(configuration.readTimeout == .seconds(1))
    }

    @Test func clustersAndSentinelsHaveLists() {
        let (cluster, _) = read(["REDIS_CONNECTION_TYPE": "cluster", "REDIS_NODES": "a:1, b:2,redis-headless"])
        #expect(
            cluster.topology
                == .cluster([
                    RedisAddress(host: "a", port: 1), RedisAddress(host: "b", port: 2),
                    RedisAddress(host: "redis-headless", port: 6379),
                ]))
        let (sentinel, _) = read([
            "REDIS_CONNECTION_TYPE": "sentinel", "REDIS_MASTER": "main", "REDIS_SENTINELS": "s",
        ])
        #expect(sentinel.topology == .sentinel(master: "main", [RedisAddress(host: "s", port: 26_379)]))
    }

    @Test func malformedListsAreReported() {
        #expect(read(["REDIS_CONNECTION_TYPE": "cluster"]).1.count == 1)
        #expect(read(["REDIS_CONNECTION_TYPE": "cluster", "REDIS_NODES": "a:0"]).1.count == 1)
        #expect(read(["REDIS_CONNECTION_TYPE": "sentinel", "REDIS_SENTINELS": "a"]).1.count == 1)
        #expect(read(["REDIS_PORT": "x"]).1.count == 1)
    }

    @Test func poolAndTimeoutsHoldWhereTheDefaultsAreTurnedOff() {
        let (configuration, _) = read([
            "REDIS_USE_DEFAULT_POOL_CONFIG": "false", "REDIS_POOL_CONFIG_MAX_TOTAL": "4",
            "REDIS_USE_DEFAULT_CLIENT_CONFIG": "false", "REDIS_CLIENT_READ_TIMEOUT": "700",
            "TB_REDIS_SSL_ENABLED": "true",
            "TB_REDIS_SSL_PEM_CERT": "/ca.pem", "REDIS_POOL_CONFIG_BLOCK_WHEN_EXHAUSTED": "false",
        ])
        #expect(configuration.maximumConnections == 4)
        #expect(configuration.maximumPending == 4 * configuration.pipelineDepth)
        #expect(configuration.readTimeout == .milliseconds(700))
        #expect(configuration.tls?.authoritiesFile == "/ca.pem")
        #expect(configuration.tls?.keyFile == nil)
    }
}
