/// The parts of `http://host[:port][/path]`.
struct BaseURL: Equatable {
    var isSecure: Bool
    var host: String
    var port: Int
    /// In front of every path; without a slash at its end.
    var prefix: String

    init?(_ text: String) {
        let scheme: String
        if text.hasPrefix("http://") {
            scheme = "http://"
        } else if text.hasPrefix("https://") {
            scheme = "https://"
        } else {
            return nil
        }
        isSecure = scheme == "https://"
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" }
        var path = rest.dropFirst(authority.count)
        while path.hasSuffix("/") { path.removeLast() }
        prefix = String(path)
        guard let (host, port) = BaseURL.split(authority, otherwise: isSecure ? 443 : 80) else { return nil }
        self.host = host
        self.port = port
    }

    /// The value of the field Host.
    var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    private static func split(_ authority: Substring, otherwise port: Int) -> (String, Int)? {
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            let host = String(authority[authority.index(after: authority.startIndex)..<end])
            let rest = authority[authority.index(after: end)...]
            if rest.isEmpty { return (host, port) }
            guard rest.first == ":", let port = number(rest.dropFirst()) else { return nil }
            return (host, port)
        }
        guard let colon = authority.firstIndex(of: ":") else {
            return authority.isEmpty ? nil : (String(authority), port)
        }
        guard colon > authority.startIndex, let port = number(authority[authority.index(after: colon)...]) else {
            return nil
        }
        return (String(authority[..<colon]), port)
    }

    private static func number(_ text: Substring) -> Int? {
        Int(text).flatMap { (1...65_535).contains($0) ? $0 : nil }
    }
}
