public import Configuration

/// Where the database is and how the pool uses it (`cluster.md` 7.5).
public struct DatabaseConfiguration: Sendable {
    /// libpq's connection string.
    public var conninfo: String
    /// `SPRING_DATASOURCE_MAXIMUM_POOL_SIZE`: connections of the process, divided over its event loops, at least 2 each.
    public var maximumConnections = 16
    /// `JAVAX_PERSISTENCE_QUERY_TIMEOUT`: after that the server cancels a statement.
    public var statementTimeout: Duration = .milliseconds(30_000)
    /// Callers of one event loop that may wait for a connection.
    public var maximumWaiters = 10_000
    /// How long a caller waits for a connection.
    public var acquireTimeout: Duration = .seconds(10)

    public init(conninfo: String) {
        self.conninfo = conninfo
    }

    public init(conninfo: String, from settings: inout SettingsReader) {
        self.conninfo = conninfo
        maximumConnections = settings.integer("SPRING_DATASOURCE_MAXIMUM_POOL_SIZE", default: 16, in: 1...10_000)
        statementTimeout = settings.milliseconds("JAVAX_PERSISTENCE_QUERY_TIMEOUT", default: 30_000)
    }
}

/// Turns the forms in which operators name a database into libpq's connection string.
public enum DatabaseURL {
    /// Reads `jdbc:postgresql://host[:port][,host[:port]...]/database[?parameters]`, the same without `jdbc:`, or a libpq
    /// connection string (`host=... dbname=...`).
    ///
    /// Of the parameters those that libpq knows are passed on; `currentSchema` becomes the search path, and `ssl=true`
    /// means `sslmode=require`. Returns `nil` for anything else.
    public static func conninfo(url: String, userName: String?, password: Secret?) -> String? {
        var text = url
        if text.hasPrefix("jdbc:") { text = String(text.dropFirst(5)) }
        guard text.hasPrefix("postgresql://") || text.hasPrefix("postgres://") else {
            guard url.contains("="), !url.contains("://") else { return nil }
            return url + credentials(userName, password)
        }
        guard let start = text.range(of: "://") else { return nil }
        var rest = String(text[start.upperBound...])
        var parameters = ""
        if let question = rest.firstIndex(of: "?") {
            parameters = String(rest[rest.index(after: question)...])
            rest = String(rest[..<question])
        }
        guard let slash = rest.firstIndex(of: "/") else { return nil }
        var authority = String(rest[..<slash])
        let database = String(rest[rest.index(after: slash)...])
        var user = userName
        var secret = password
        if let at = authority.lastIndex(of: "@") {
            let parts = authority[..<at].split(separator: ":", maxSplits: 1)
            if let given = parts.first { user = String(given) }
            if parts.count > 1 { secret = Secret(String(parts[1])) }
            authority = String(authority[authority.index(after: at)...])
        }
        var hosts: [String] = []
        var ports: [String] = []
        for host in authority.split(separator: ",", omittingEmptySubsequences: false) {
            guard let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") else {
                hosts.append(String(host))
                ports.append("5432")
                continue
            }
            hosts.append(String(host[..<colon]))
            ports.append(String(host[host.index(after: colon)...]))
        }
        var words = [
            "host=\(quote(hosts.joined(separator: ",")))", "port=\(quote(ports.joined(separator: ",")))",
            "dbname=\(quote(database))",
        ]
        words += parameters.split(separator: "&").compactMap(word)
        return words.joined(separator: " ") + credentials(user, secret)
    }

    private static let passedOn: Set<String> = [
        "sslmode", "sslcert", "sslkey", "sslrootcert", "connect_timeout", "application_name", "target_session_attrs",
        "options",
    ]

    private static func word(_ parameter: Substring) -> String? {
        let parts = parameter.split(separator: "=", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        let (name, value) = (String(parts[0]), String(parts[1]))
        switch name {
        case "ssl": return value == "true" ? "sslmode=require" : nil
        case "currentSchema": return "options=\(quote("-c search_path=" + value))"
        case "ApplicationName": return "application_name=\(quote(value))"
        default: return passedOn.contains(name) ? "\(name)=\(quote(value))" : nil
        }
    }

    private static func credentials(_ userName: String?, _ password: Secret?) -> String {
        (userName.map { " user=\(quote($0))" } ?? "") + (password.map { " password=\(quote($0.revealed))" } ?? "")
    }

    private static func quote(_ value: String) -> String {
        var quoted = "'"
        for character in value {
            if character == "'" || character == "\\" { quoted.append("\\") }
            quoted.append(character)
        }
        return quoted + "'"
    }
}

extension String {
    /// The range of the first occurrence of `text`.
    fileprivate func range(of text: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
