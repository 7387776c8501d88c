public import Configuration

/// What is wrong with a database URL. Never quotes the URL, which may hold a password.
public enum DatabaseURLError: Error, Sendable, Equatable, CustomStringConvertible {
    case unknownScheme
    case malformed(part: String)

    public var description: String {
        switch self {
        case .unknownScheme:
            "expected jdbc:postgresql://host[:port]/database, postgresql://... or the folder of a Unix socket"
        case .malformed(let part): "the URL's \(part) cannot be read"
        }
    }
}

/// A database URL taken apart into libpq's keywords.
public struct DatabaseURL: Equatable, Sendable {
    /// By libpq's names; `host` and `port` may be lists.
    private(set) var keywords: [String: String] = [:]
    /// False for `prepareThreshold=0`.
    public private(set) var preparesStatements = true

    /// Turns any form in which operators name a database into libpq's connection string; `nil` when it is none.
    ///
    /// User and password of the URL win over the separate ones. A string that already is libpq's
    /// (`host=... dbname=...`) is taken as it is.
    public static func conninfo(url: String, userName: String?, password: Secret?) -> String? {
        guard !url.contains("=") || url.contains(":/") || url.hasPrefix("/") else {
            return credentials(userName, password) + url
        }
        guard let parsed = try? DatabaseURL(url) else { return nil }
        return credentials(userName, password) + parsed.conninfo
    }

    /// In front, where a later mention of the same keyword wins.
    private static func credentials(_ userName: String?, _ password: Secret?) -> String {
        (userName.map { "user=\(quoted($0)) " } ?? "") + (password.map { "password=\(quoted($0.revealed)) " } ?? "")
    }

    /// libpq's connection string: keywords in order of their names.
    public var conninfo: String {
        keywords.sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.quoted($0.value))" }.joined(separator: " ")
    }

    private static func quoted(_ value: String) -> String {
        var text = "'"
        for character in value {
            if character == "'" || character == "\\" { text.append("\\") }
            text.append(character)
        }
        return text + "'"
    }

    /// Reads `jdbc:postgresql://host[:port][,host...]/database?...`, the same without `jdbc:`, with `user:password@` in
    /// front of the hosts or not, `jdbc:postgresql:database`, or the folder of a Unix socket.
    public init(_ text: String) throws(DatabaseURLError) {
        if text.hasPrefix("/") {
            keywords["host"] = text
            return
        }
        var rest: Substring
        if text.hasPrefix("jdbc:postgresql:") {
            rest = text.dropFirst("jdbc:postgresql:".count)
        } else if text.hasPrefix("postgresql:") {
            rest = text.dropFirst("postgresql:".count)
        } else if text.hasPrefix("postgres:") {
            rest = text.dropFirst("postgres:".count)
        } else {
            throw .unknownScheme
        }
        if let mark = rest.firstIndex(of: "?") {
            try readParameters(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        guard rest.hasPrefix("//") else {
            // jdbc:postgresql:database, at the local server.
            if !rest.isEmpty { keywords["dbname"] = try Self.decoded(rest, "database") }
            return
        }
        rest = rest.dropFirst(2)
        if let slash = rest.firstIndex(of: "/") {
            let database = rest[rest.index(after: slash)...]
            if !database.isEmpty { keywords["dbname"] = try Self.decoded(database, "database") }
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            keywords["user"] = try Self.decoded(parts[0], "user")
            if parts.count > 1 { keywords["password"] = try Self.decoded(parts[1], "password") }
            rest = rest[rest.index(after: at)...]
        }
        try readHosts(rest)
    }

    /// `host[:port][,host[:port]...]`; an IPv6 address stands in brackets.
    private mutating func readHosts(_ text: Substring) throws(DatabaseURLError) {
        guard !text.isEmpty else { return }
        var hosts: [String] = []
        var ports: [String] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            var host = part
            var port = ""
            if host.hasPrefix("[") {
                guard let end = host.firstIndex(of: "]") else { throw .malformed(part: "host") }
                let tail = host[host.index(after: end)...]
                guard tail.isEmpty || tail.hasPrefix(":") else { throw .malformed(part: "host") }
                port = String(tail.dropFirst())
                host = host[host.index(after: host.startIndex)..<end]
            } else if let colon = host.lastIndex(of: ":") {
                port = String(host[host.index(after: colon)...])
                host = host[..<colon]
            }
            if !port.isEmpty {
                guard let number = Int(port), (1...65_535).contains(number) else { throw .malformed(part: "port") }
            }
            hosts.append(try Self.decoded(host, "host"))
            ports.append(port)
        }
        keywords["host"] = hosts.joined(separator: ",")
        if ports.contains(where: { !$0.isEmpty }) { keywords["port"] = ports.joined(separator: ",") }
    }

    private mutating func readParameters(_ text: Substring) throws(DatabaseURLError) {
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = try Self.decoded(parts[0], "parameter")
            apply(name, try Self.decoded(parts.count > 1 ? parts[1] : "", "parameter"))
        }
    }

    /// JDBC's names become libpq's, libpq's own pass; what neither of them needs here is left out.
    private mutating func apply(_ name: String, _ value: String) {
        switch name {
        case "host", "hostaddr", "port", "user", "password", "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey",
            "sslcrl", "target_session_attrs", "application_name", "channel_binding", "gssencmode", "krbsrvname":
            keywords[name] = value
        case "ssl":
            // JDBC checks the certificate then; an explicit mode wins.
            if value == "true" || value.isEmpty, keywords["sslmode"] == nil { keywords["sslmode"] = "verify-full" }
        case "ApplicationName":
            keywords["application_name"] = value
        case "connectTimeout", "connect_timeout", "loginTimeout":
            keywords["connect_timeout"] = value
        case "currentSchema":
            appendOption("-c search_path=\(value.split(separator: " ").joined(separator: "\\ "))")
        case "options":
            appendOption(value)
        case "targetServerType":
            switch value {
            case "primary", "master": keywords["target_session_attrs"] = "primary"
            case "secondary", "slave": keywords["target_session_attrs"] = "standby"
            case "preferSecondary", "preferSlave": keywords["target_session_attrs"] = "prefer-standby"
            default: break
            }
        case "prepareThreshold":
            if value == "0" { preparesStatements = false }
        default:
            break
        }
    }

    private mutating func appendOption(_ option: String) {
        keywords["options"] = keywords["options"].map { "\($0) \(option)" } ?? option
    }

    /// Decodes `%XX`.
    private static func decoded(_ text: Substring, _ part: String) throws(DatabaseURLError) -> String {
        guard text.contains("%") else { return String(text) }
        var bytes: [UInt8] = []
        var input = Array(text.utf8)[...]
        while let byte = input.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: input.prefix(2), as: UTF8.self)
            guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16) else { throw .malformed(part: part) }
            bytes.append(value)
            input = input.dropFirst(2)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self), !decoded.contains("\0") else {
            throw .malformed(part: part)
        }
        return decoded
    }
}
