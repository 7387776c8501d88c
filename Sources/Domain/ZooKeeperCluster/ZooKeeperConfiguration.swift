public import Configuration

/// How this process takes part in a cluster (`cluster.md` 7.3).
public struct ZooKeeperConfiguration: Sendable {
    /// `ZOOKEEPER_ENABLED`: false for a process that is alone.
    public var isEnabled = false
    /// `ZOOKEEPER_URL`: `host:port`, separated by commas.
    public var servers = "localhost:2181"
    /// `ZOOKEEPER_NODES_DIR`: the path below which everything of this cluster is.
    public var root = "/thingsboard"
    /// `ZOOKEEPER_SESSION_TIMEOUT_MS`: what is asked for; the server grants at least two of its ticks.
    public var sessionTimeout: Duration = .milliseconds(3000)
    /// `ZOOKEEPER_CONNECTION_TIMEOUT_MS`: without a connection for so long after the start of an attempt, the addresses
    /// are resolved again and a line is logged.
    public var connectionTimeout: Duration = .milliseconds(3000)
    /// `ZOOKEEPER_RETRY_INTERVAL_MS`: longest pause between attempts; the first ones follow faster.
    public var retryInterval: Duration = .milliseconds(3000)
    /// `ZOOKEEPER_RECALCULATE_DELAY_MS`: how long a member that is gone keeps its partitions.
    public var recalculationDelay: Duration = .zero
    /// `NEEDLETAIL_ZOOKEEPER_CREDENTIALS`: `user:password` of ZooKeeper's digest scheme. With it, nobody else may change
    /// what this cluster writes there.
    public var credentials: Secret?
    /// `NEEDLETAIL_DRAIN_TIMEOUT_MS`: how long a consumer may take to finish what it began in a partition that moves.
    public var drainTimeout: Duration = .milliseconds(30_000)

    public init() {}

    /// Reads it; problems are collected in `settings`.
    public init(reading settings: inout SettingsReader) {
        isEnabled = settings.boolean("ZOOKEEPER_ENABLED", default: isEnabled)
        servers = settings.string("ZOOKEEPER_URL", default: servers)
        root = settings.string("ZOOKEEPER_NODES_DIR", default: root)
        connectionTimeout = settings.milliseconds("ZOOKEEPER_CONNECTION_TIMEOUT_MS", default: 3000, in: 100...600_000)
        sessionTimeout = settings.milliseconds("ZOOKEEPER_SESSION_TIMEOUT_MS", default: 3000, in: 500...600_000)
        retryInterval = settings.milliseconds("ZOOKEEPER_RETRY_INTERVAL_MS", default: 3000, in: 10...600_000)
        recalculationDelay = settings.milliseconds("ZOOKEEPER_RECALCULATE_DELAY_MS", default: 0, in: 0...3_600_000)
        credentials = settings.secret("NEEDLETAIL_ZOOKEEPER_CREDENTIALS")
        drainTimeout = settings.milliseconds("NEEDLETAIL_DRAIN_TIMEOUT_MS", default: 30_000, in: 100...600_000)
        if isEnabled { check(&settings) }
    }

    private func check(_ settings: inout SettingsReader) {
        if !Self.isServerList(servers) {
            settings.report("ZOOKEEPER_URL is \"\(servers)\"; expected host:port, more of them separated by commas")
        }
        if !Self.isPath(root) {
            settings.report("ZOOKEEPER_NODES_DIR is \"\(root)\"; expected a path like /thingsboard")
        }
        if let credentials, !credentials.revealed.contains(":") {
            settings.report("NEEDLETAIL_ZOOKEEPER_CREDENTIALS is malformed; expected user:password")
        }
    }

    static func isServerList(_ text: String) -> Bool {
        text.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { server in
            guard let colon = server.lastIndex(of: ":"), colon != server.startIndex,
                let port = Int(server[server.index(after: colon)...])
            else { return false }
            return (1...65_535).contains(port) && !server.contains(where: \.isWhitespace)
        }
    }

    static func isPath(_ text: String) -> Bool {
        guard text.hasPrefix("/"), text.count > 1, !text.hasSuffix("/") else { return false }
        return text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && part != "." && part != ".." && part.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        }
    }
}
