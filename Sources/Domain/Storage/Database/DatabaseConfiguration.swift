public import Configuration
public import Postgres

/// Where the database is and how the pool uses it (`cluster.md` 7.5).
public struct DatabaseConfiguration: Sendable {
    /// libpq's connection string. May hold a password: not for logs.
    public var conninfo: String
    /// `SPRING_DATASOURCE_MAXIMUM_POOL_SIZE`: connections of the pool in all, split over its event loops, at least 2 on
    /// each. Default: 16.
    public var maximumConnections = 16
    /// `JAVAX_PERSISTENCE_QUERY_TIMEOUT`: after that the server cancels a statement. Default: 30 s.
    public var statementTimeout: Duration = .milliseconds(30_000)
    /// How long a statement waits for a connection. Default: 10 s.
    public var acquireTimeout: Duration = .seconds(10)
    /// Statements of one event loop that may wait for a connection; more are refused at once. Default: 10 000.
    public var maximumWaiters = 10_000
    /// Off behind a pooler that moves sessions between transactions. Default: on.
    public var preparesStatements = true

    public init(conninfo: String) {
        self.conninfo = conninfo
    }

    /// Reads what concerns the pool; problems stay in `settings`.
    public init(conninfo: String, from settings: inout SettingsReader) {
        self.conninfo = conninfo
        maximumConnections = settings.integer("SPRING_DATASOURCE_MAXIMUM_POOL_SIZE", default: 16, in: 1...10_000)
        statementTimeout = settings.milliseconds("JAVAX_PERSISTENCE_QUERY_TIMEOUT", default: 30_000)
    }

    // MARK: - Connecting

    /// Notices a server that vanished without a word within a quarter of a minute.
    private static let keepAlive =
        "connect_timeout=10 keepalives_idle=10 keepalives_interval=5 keepalives_count=2 tcp_user_timeout=15000 "
        + "application_name=needletail "
    /// Lets the server notice the same of us: by itself it would keep the session, its transaction and the locks of that for two
    /// hours, and who goes on with the same devices would wait for them.
    private static let serversKeepAlive = """
        SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2;
        SET tcp_user_timeout = 15000
        """

    /// The connection string with what every connection should have unless it says otherwise: the last mention of a
    /// keyword wins.
    var fullConninfo: String { conninfo.contains("://") ? conninfo : Self.keepAlive + conninfo }

    /// Opens a connection for blocking use by one thread, such as a writer's or an installer's. Its statements have no
    /// time limit. Blocks.
    public func connect() throws(PostgresError) -> PostgresConnection {
        let connection = try PostgresConnection(connecting: fullConninfo, preparesStatements: preparesStatements)
        try connection.execute(Self.serversKeepAlive)
        return connection
    }

    /// Opens a connection of a writer. Blocks.
    public func connectForWriting() throws(PostgresError) -> PostgresConnection {
        let connection = try connect()
        // A process that stands still in the middle of a transaction keeps the locks of its rows from who took its partitions
        // over; it writes the batch again when it goes on.
        try connection.execute("SET idle_in_transaction_session_timeout = 15000")
        return connection
    }

    /// Opens a connection of the pool, with its limits. Blocks.
    func connectForPool() throws(PostgresError) -> PostgresConnection {
        let connection = try connect()
        let limit = statementTimeout.milliseconds
        // A transaction that was forgotten must not hold its locks for ever.
        try connection.execute(
            "SET statement_timeout = \(limit); SET idle_in_transaction_session_timeout = \(limit * 2)")
        return connection
    }
}
