/// How to reach Redis, and how much to ask of it at a time.
public struct RedisConfiguration: Sendable {
    public enum Topology: Sendable, Equatable {
        case standalone(RedisAddress)
        /// Some of the nodes; they name the others.
        case cluster([RedisAddress])
        /// The sentinels that know which server is the master of that name.
        case sentinel(master: String, [RedisAddress])
    }

    public struct TLS: Sendable {
        /// PEM file of the authorities that may have signed the server's certificate; `nil` for those of the system.
        public var authoritiesFile: String?
        /// PEM file with this client's private key and its certificate; `nil` to show none.
        public var keyFile: String?
        public var keyPassword: String?

        public init(authoritiesFile: String? = nil, keyFile: String? = nil, keyPassword: String? = nil) {
            self.authoritiesFile = authoritiesFile
            self.keyFile = keyFile
            self.keyPassword = keyPassword
        }
    }

    public var topology: Topology
    public var userName: String?
    public var password: String?
    public var sentinelPassword: String?
    /// Not for a cluster, which has one only.
    public var database = 0
    /// What `CLIENT LIST` shows.
    public var clientName: String?
    public var connectTimeout: Duration = .seconds(1)
    /// How long an answer may take. A device may be waiting for several of them.
    public var readTimeout: Duration = .seconds(1)
    public var tls: TLS?
    /// Connections to one server, each with a thread; they are made as they are needed.
    public var maximumConnections = 8
    /// Connections that stay when nothing is asked.
    public var minimumConnections = 0
    /// After that an unused connection is closed.
    public var idleTimeout: Duration = .seconds(60)
    /// How long a command may wait for a connection.
    public var maximumWait: Duration = .seconds(60)
    /// Commands that may wait for the connections of one server; more are refused.
    public var maximumPending = 10_000
    /// Commands sent in one go.
    public var pipelineDepth = 64
    /// How often a command may be sent on to another node of a cluster.
    public var maximumRedirects = 12

    public init(topology: Topology) {
        self.topology = topology
    }
}

/// Where a server listens.
public struct RedisAddress: Sendable, Hashable, CustomStringConvertible {
    public var host: String
    public var port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `host:port`, or a host with the usual port. An IPv6 address may stand in brackets.
    public init?(_ text: String, defaultPort: Int = 6379) {
        guard let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") else {
            guard !text.isEmpty else { return nil }
            self.init(host: Self.unbracketed(text[...]), port: defaultPort)
            return
        }
        guard let port = Int(text[text.index(after: colon)...]), (1...65_535).contains(port), colon != text.startIndex
        else { return nil }
        self.init(host: Self.unbracketed(text[..<colon]), port: port)
    }

    private static func unbracketed(_ host: Substring) -> String {
        host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : String(host)
    }

    public var description: String { "\(host):\(port)" }
}
