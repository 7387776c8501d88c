internal import JSON
internal import Storage

/// Host and port by which devices reach a protocol, as the settings say or as the client came here.
struct ConnectivityAddress {
    var host: String
    var port: String?

    /// - Parameters:
    ///   - settings: The administrator's, ``Services/connectivitySettings``.
    ///   - name: The protocol's.
    /// - Returns: `nil` where the protocol is switched off.
    init?(_ settings: JSONValue, _ name: String, requestHost: String) {
        guard let entry = settings[name], entry["enabled"]?.boolValue == true else { return nil }
        let configured = entry["host"]?.stringValue ?? ""
        host = configured.isEmpty ? requestHost : configured
        let port = entry["port"]?.stringValue ?? entry["port"]?.integerValue.map(String.init) ?? ""
        self.port = port.isEmpty ? nil : port
    }

    var isLocal: Bool { host == "localhost" || host == "127.0.0.1" || host == "[::1]" }

    /// What stands before the port in the address that the client used; nothing that a shell would run.
    static func host(of call: Call) -> String {
        var host = call.baseURL
        if let scheme = host.firstRange(of: "://") { host = String(host[scheme.upperBound...]) }
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            host = String(host[...end])
        } else {
            host = String(host.prefix { $0 != ":" })
        }
        let isPlain = host.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".-_[]:".contains($0)) }
        return isPlain && !host.isEmpty ? host : "localhost"
    }
}

extension Services {
    /// How devices reach the platform, as the administrator has set it.
    var connectivitySettings: JSONValue {
        get async throws { try await settings.find("connectivity")?.value ?? [:] }
    }
}
