public import Configuration
public import Redis

extension RedisConfiguration {
    /// Reads it (`cluster.md` 6.4, 6.5, 7.4); problems are collected in `settings`.
    public init(reading settings: inout SettingsReader) {
        let kind = settings.choice(
            "REDIS_CONNECTION_TYPE", default: "standalone", of: ["standalone", "cluster", "sentinel"])
        let fallback = RedisAddress(host: "localhost", port: 6379)
        let host = settings.string("REDIS_HOST", default: "localhost")
        let port = settings.integer("REDIS_PORT", default: 6379, in: 1...65_535)
        let nodes = settings.string("REDIS_NODES", default: "")
        let master = settings.string("REDIS_MASTER", default: "")
        let sentinels = settings.string("REDIS_SENTINELS", default: "")
        switch kind {
        case "cluster":
            self.init(topology: .cluster(Self.addresses("REDIS_NODES", nodes, 6379, &settings) ?? [fallback]))
        case "sentinel":
            if master.isEmpty { settings.report("REDIS_MASTER is empty; expected the name that the sentinels know") }
            let addresses = Self.addresses("REDIS_SENTINELS", sentinels, 26_379, &settings) ?? [fallback]
            self.init(topology: .sentinel(master: master, addresses))
        default:
            self.init(topology: .standalone(RedisAddress(host: host, port: port)))
        }
        userName = settings.optionalString("REDIS_USERNAME")
        password = settings.secret("REDIS_PASSWORD")?.revealed
        sentinelPassword = settings.secret("REDIS_SENTINEL_PASSWORD")?.revealed
        database = settings.integer("REDIS_DB", default: 0, in: 0...65_535)
        readClientSettings(&settings)
        readPoolSettings(&settings)
        readTLSSettings(&settings)
    }

    private static func addresses(
        _ name: String, _ text: String, _ defaultPort: Int, _ settings: inout SettingsReader
    ) -> [RedisAddress]? {
        let parts = text.split(separator: ",").map { String($0.filter { !$0.isWhitespace }) }
        let addresses = parts.compactMap { RedisAddress($0, defaultPort: defaultPort) }
        guard !parts.isEmpty, addresses.count == parts.count else {
            settings.report("\(name) is \"\(text)\"; expected host:port, more of them separated by commas")
            return nil
        }
        return addresses
    }

    /// The defaults of ``RedisConfiguration`` hold unless the operator wants to set them.
    private mutating func readClientSettings(_ settings: inout SettingsReader) {
        let usesDefault = settings.boolean("REDIS_USE_DEFAULT_CLIENT_CONFIG", default: true)
        let name = settings.string("REDIS_CLIENT_NAME", default: "standalone")
        let connect = settings.milliseconds("REDIS_CLIENT_CONNECT_TIMEOUT", default: 30_000, in: 1...3_600_000)
        let read = settings.milliseconds("REDIS_CLIENT_READ_TIMEOUT", default: 60_000, in: 1...3_600_000)
        guard !usesDefault else { return }
        clientName = name.isEmpty ? nil : name
        connectTimeout = connect
        readTimeout = read
    }

    /// A connection carries many commands at a time, so that few are needed.
    private mutating func readPoolSettings(_ settings: inout SettingsReader) {
        let usesDefault = settings.boolean("REDIS_USE_DEFAULT_POOL_CONFIG", default: true)
        let most = settings.integer("REDIS_POOL_CONFIG_MAX_TOTAL", default: 128, in: 1...100_000)
        let least = settings.integer("REDIS_POOL_CONFIG_MIN_IDLE", default: 16, in: 0...100_000)
        let blocks = settings.boolean("REDIS_POOL_CONFIG_BLOCK_WHEN_EXHAUSTED", default: true)
        let wait = settings.milliseconds("REDIS_POOL_CONFIG_MAX_WAIT_MS", default: 60_000, in: 0...3_600_000)
        let idle = settings.milliseconds("REDIS_POOL_CONFIG_MIN_EVICTABLE_MS", default: 60_000, in: 1...86_400_000)
        let threads = settings.integer("CACHE_MAXIMUM_POOL_SIZE", default: 16, in: 1...1000)
        maximumConnections = min(threads, usesDefault ? 8 : most)
        guard !usesDefault else { return }
        minimumConnections = min(least, maximumConnections)
        idleTimeout = idle
        maximumWait = wait
        // Refused at once when every connection has a full pipeline.
        if !blocks { maximumPending = maximumConnections * pipelineDepth }
    }

    private mutating func readTLSSettings(_ settings: inout SettingsReader) {
        let isEnabled = settings.boolean("TB_REDIS_SSL_ENABLED", default: false)
        let authorities = settings.optionalString("TB_REDIS_SSL_PEM_CERT")
        let key = settings.optionalString("TB_REDIS_SSL_PEM_KEY")
        let password = settings.secret("TB_REDIS_SSL_PEM_KEY_PASSWORD")
        if isEnabled { tls = TLS(authoritiesFile: authorities, keyFile: key, keyPassword: password?.revealed) }
    }
}
