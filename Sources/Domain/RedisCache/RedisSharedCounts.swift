public import Cache
public import Logging
public import Redis

/// Counts in Redis, by the server's clock. Keys begin with `counts:`; each is gone when its buckets would be full again.
public final class RedisSharedCounts: SharedCounts {
    private let client: RedisClient
    private let logger: Logger

    /// Arguments: count and seconds of each bucket. Buckets whose sizes are others than before begin anew.
    private static let takeScript = Array(
        """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
        local sizes = table.concat(ARGV, ':')
        local known = redis.call('HMGET', KEYS[1], 'sizes', 'time')
        local fresh = known[1] ~= sizes
        local elapsed = 0
        if not fresh then elapsed = math.max(0, now - tonumber(known[2])) end
        local tokens, lifetime, allowed = {}, 0, 1
        for i = 1, #ARGV / 2 do
          local count, length = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i]) * 1000
          local left = count
          if not fresh then
            left = math.min(count, tonumber(redis.call('HGET', KEYS[1], i)) + elapsed * count / length)
          end
          if left < 1 then allowed = 0 end
          tokens[i] = left
          lifetime = math.max(lifetime, length)
        end
        for i = 1, #tokens do
          redis.call('HSET', KEYS[1], i, string.format('%.6f', tokens[i] - allowed))
        end
        redis.call('HSET', KEYS[1], 'sizes', sizes, 'time', string.format('%.0f', now))
        redis.call('PEXPIRE', KEYS[1], string.format('%.0f', lifetime))
        return allowed
        """.utf8)

    /// Arguments: the number, milliseconds to keep it.
    private static let advanceScript = Array(
        """
        local known = redis.call('GET', KEYS[1])
        if known and tonumber(known) >= tonumber(ARGV[1]) then return 0 end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return 1
        """.utf8)

    public init(client: RedisClient, logger: Logger) {
        self.client = client
        self.logger = logger
    }

    public func take(_ key: String, from buckets: [SharedBucket]) async -> Bool? {
        precondition(!buckets.isEmpty, "no buckets of \(key)")
        return await run(Self.takeScript, key, buckets.flatMap { [$0.count, $0.seconds] })
    }

    public func advance(_ key: String, to number: Int64, lifetime: Duration) async -> Bool? {
        let (seconds, attoseconds) = lifetime.components
        return await run(
            Self.advanceScript, key, [number, max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000)])
    }

    private func run(_ script: [UInt8], _ key: String, _ arguments: [Int64]) async -> Bool? {
        let name = Array("counts:\(key)".utf8)
        let command = RedisCommand(
            arguments: [Array("EVAL".utf8), script, [UInt8(ascii: "1")], name]
                + arguments.map { Array(String($0).utf8) }, key: name)
        do {
            return try await client.send(command).integerValue.map { $0 == 1 }
        } catch {
            logger.limited(
                .warning, "limits are counted by this process alone: Redis did not do what it was asked",
                ["error": .string(error.description)])
            return nil
        }
    }
}
