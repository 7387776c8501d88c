public import Configuration

/// What caches keep, and for how long.
public struct CacheConfiguration: Sendable {
    public enum Kind: String, Sendable {
        /// In the memory of each process.
        case local = "caffeine"
        /// Shared by all processes.
        case redis
    }

    public struct Spec: Sendable, Equatable {
        /// `nil`: for good.
        public var timeToLive: Duration?
        /// Entries of a local cache; 0 turns the cache off, a shared one too.
        public var maximumSize: Int

        public init(timeToLive: Duration?, maximumSize: Int) {
            self.timeToLive = timeToLive
            self.maximumSize = maximumSize
        }
    }

    /// `CACHE_TYPE`.
    public var kind = Kind.local
    /// `CACHE_SPECS_<NAME>_TTL` in minutes and `CACHE_SPECS_<NAME>_MAX_SIZE`.
    public var specs: [CacheName: Spec]
    /// `REDIS_EVICT_TTL_MS`: for so long what was read before a change cannot be put back after it.
    public var evictionMemory: Duration = .milliseconds(60_000)

    public init() {
        specs = Dictionary(
            uniqueKeysWithValues: CacheName.allCases.map {
                ($0, Spec(timeToLive: .seconds(1440 * 60), maximumSize: 10_000))
            })
    }

    public init(reading settings: inout SettingsReader) {
        self.init()
        let kind = settings.choice("CACHE_TYPE", default: "caffeine", of: ["caffeine", "redis"])
        self.kind = Kind(rawValue: kind) ?? .local
        for name in CacheName.allCases {
            let minutes = settings.integer("CACHE_SPECS_\(name.settingsName)_TTL", default: 1440, in: 0...100_000_000)
            let size = settings.integer(
                "CACHE_SPECS_\(name.settingsName)_MAX_SIZE", default: 10_000, in: 0...100_000_000)
            specs[name] = Spec(timeToLive: minutes == 0 ? nil : .seconds(minutes * 60), maximumSize: size)
        }
        evictionMemory = settings.milliseconds("REDIS_EVICT_TTL_MS", default: 60_000, in: 1...86_400_000)
    }

    public subscript(_ name: CacheName) -> Spec {
        specs[name] ?? Spec(timeToLive: nil, maximumSize: 0)
    }
}
