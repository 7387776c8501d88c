internal import HTTPServer

/// Content that a client may have kept, and asks for again only if it has changed (RFC 9110, 13.1.2).
enum EntityTag {
    /// Whether the client has the content of that tag already.
    ///
    /// - Parameter tag: Without quotes.
    static func isKnown(_ tag: String, to request: HTTPRequest) -> Bool {
        guard !tag.isEmpty, let field = request.fields["If-None-Match"] else { return false }
        return field.split(separator: ",").contains { candidate in
            var known = Substring(candidate.drop { $0 == " " || $0 == "\t" })
            while let last = known.last, last == " " || last == "\t" { known.removeLast() }
            if known == "*" { return true }
            if known.hasPrefix("W/") { known = known.dropFirst(2) }
            if known.count >= 2, known.first == "\"", known.last == "\"" { known = known.dropFirst().dropLast() }
            return known == tag
        }
    }
}
