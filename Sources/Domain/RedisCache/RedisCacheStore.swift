public import Cache
public import Logging
public import Metrics
public import Redis
import Synchronization

/// Caches that all processes share: `CACHE_TYPE=redis`. A key is the cache's name immediately followed by the key
/// (`cluster.md` 6.1).
///
/// Without Redis every read is a miss and the database answers. Evictions are remembered and made up for when Redis is back,
/// so that nothing outdated is read from it by this process in between, nor by any other soon after.
public final class RedisCacheStore: CacheStore {
    private let client: RedisClient
    private let configuration: CacheConfiguration
    private let logger: Logger
    private let metrics: CacheMetrics
    private let failures: Counter
    private let evictions: OverdueEvictions

    /// Keeps what has a higher version than what is there. Versions are compared in two halves, since the server's numbers
    /// are inexact above 2^53.
    private static let putIfNewer = Array(
        """
        local old = redis.call('GETRANGE', KEYS[1], 0, 7)
        if #old == 8 then
          local oh, ol = struct.unpack('>I4I4', old)
          local nh, nl = struct.unpack('>I4I4', string.sub(ARGV[1], 1, 8))
          if oh > nh or (oh == nh and ol >= nl) then return 0 end
        end
        if ARGV[2] == '0' then redis.call('SET', KEYS[1], ARGV[1])
        else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
        return 1
        """.utf8)

    public init(
        client: RedisClient, configuration: CacheConfiguration, logger: Logger, metrics registry: MetricsRegistry
    ) {
        self.client = client
        self.configuration = configuration
        self.logger = logger
        metrics = CacheMetrics(registry)
        failures = registry.counter(
            "cache_redis_failures_total", help: "Commands to Redis that failed; the database answered instead.")
        let evictions = OverdueEvictions()
        self.evictions = evictions
        registry.gauge("cache_overdue_evictions", help: "Entries that are to be forgotten once Redis is back.") {
            Double(evictions.count)
        }
    }

    public func read(_ cache: CacheName, _ key: String) async -> CacheEntry {
        guard configuration[cache].maximumSize > 0 else { return .miss }
        let name = Self.key(cache, key)
        guard !evictions.contains(name) else { return .miss }
        let reply = await attempt(RedisCommand("GET", key: name))
        let entry = reply?.bytesValue.flatMap { CacheRecord(decoding: $0) }?.entry ?? .miss
        metrics.count(entry, of: cache)
        return entry
    }

    public func fill(_ cache: CacheName, _ key: String, _ value: [UInt8]?, version: Int64) async {
        _ = await putIfNewer(cache, key, CacheRecord(version: version, value: value))
    }

    public func write(_ cache: CacheName, _ key: String, _ value: [UInt8], version: Int64) async -> Bool {
        guard version == 0 else { return await putIfNewer(cache, key, CacheRecord(version: version, .value(value))) }
        guard configuration[cache].maximumSize > 0 else { return false }
        let record = CacheRecord(version: 0, .value(value))
        return await attempt(Self.set(Self.key(cache, key), record, for: configuration[cache].timeToLive)) != nil
    }

    public func evict(_ cache: CacheName, _ key: String) async {
        guard configuration[cache].maximumSize > 0 else { return }
        let name = Self.key(cache, key)
        // From now on it is a miss here, whatever becomes of the command.
        if !evictions.add(name) {
            logger.limited(.error, "too many entries wait to be forgotten; another process may read an old one")
        }
        if await forget(name) { evictions.remove(name) } else { makeUpForEvictions() }
    }

    // MARK: - Commands

    private static func key(_ cache: CacheName, _ key: String) -> [UInt8] {
        Array(cache.rawValue.utf8) + Array(key.utf8)
    }

    private static func set(_ key: [UInt8], _ record: CacheRecord, for time: Duration?) -> RedisCommand {
        guard let time else { return RedisCommand("SET", key: key, record.encoded) }
        return RedisCommand("SET", key: key, record.encoded, Array("PX".utf8), Array(milliseconds(time).utf8))
    }

    private static func milliseconds(_ time: Duration?) -> String {
        guard let (seconds, attoseconds) = time?.components else { return "0" }
        return String(max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000))
    }

    private func putIfNewer(_ cache: CacheName, _ key: String, _ record: CacheRecord) async -> Bool {
        guard configuration[cache].maximumSize > 0 else { return false }
        let name = Self.key(cache, key)
        guard !evictions.contains(name) else { return false }
        let command = RedisCommand(
            arguments: [
                Array("EVAL".utf8), Self.putIfNewer, [UInt8(ascii: "1")], name, record.encoded,
                Array(Self.milliseconds(configuration[cache].timeToLive).utf8),
            ], key: name)
        return await attempt(command)?.integerValue == 1
    }

    /// Whether nobody can read the old entry any more.
    private func forget(_ key: [UInt8]) async -> Bool {
        let tombstone = CacheRecord(version: 0, .evicted)
        if await attempt(Self.set(key, tombstone, for: configuration.evictionMemory)) != nil { return true }
        // A full server takes nothing in, but lets go.
        return await attempt(RedisCommand("DEL", key: key)) != nil
    }

    private func attempt(_ command: RedisCommand) async -> RedisValue? {
        do {
            return try await client.send(command)
        } catch {
            failures.increment()
            logger.limited(
                .warning, "the cache is left out: Redis did not do what it was asked",
                ["error": .string(error.description)])
            return nil
        }
    }

    // MARK: - Evictions that failed

    private func makeUpForEvictions() {
        guard evictions.beginRetrying() else { return }
        Task.detached { [weak self] in
            while let self, let key = evictions.next() {
                if await forget(key) {
                    evictions.remove(key)
                } else {
                    try? await Task.sleep(for: .milliseconds(200) * Double.random(in: 0.5...1.5))
                }
            }
        }
    }
}

/// Keys whose eviction is not done, up to a limit. Safe from any thread.
private final class OverdueEvictions: Sendable {
    private static let limit = 500_000

    private struct State {
        var keys: Set<[UInt8]> = []
        var isRetrying = false
    }

    private let state = Mutex(State())

    var count: Int { state.withLock { $0.keys.count } }

    func contains(_ key: [UInt8]) -> Bool { state.withLock { $0.keys.contains(key) } }

    /// Whether the key is remembered.
    func add(_ key: [UInt8]) -> Bool {
        state.withLock { state in
            guard state.keys.count < Self.limit else { return false }
            state.keys.insert(key)
            return true
        }
    }

    func remove(_ key: [UInt8]) { state.withLock { _ = $0.keys.remove(key) } }

    /// Whether the caller is to retry: nobody does.
    func beginRetrying() -> Bool {
        state.withLock { state in
            defer { state.isRetrying = true }
            return !state.isRetrying
        }
    }

    /// Some key; `nil` ends the retrying.
    func next() -> [UInt8]? {
        state.withLock { state in
            if state.keys.isEmpty { state.isRetrying = false }
            return state.keys.first
        }
    }
}
