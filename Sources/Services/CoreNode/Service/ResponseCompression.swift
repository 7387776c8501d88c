internal import Compression
internal import HTTPServer

/// Answers of some size are compressed for clients that take gzip (`rest-api.md` 2.1).
enum ResponseCompression {
    /// Below, the head of gzip and the time for it cost more than they save.
    private static let minimumLength = 1024
    /// Above, compressing would hold up the loop for more than 20 ms.
    private static let maximumLength = 2 << 20
    private static let types = ["application/json", "text/", "application/text"]

    static func apply(to response: inout HTTPResponse, for request: HTTPRequest) {
        guard (minimumLength...maximumLength).contains(response.body.count), accepts(request),
            response.field("Content-Encoding") == nil,
            let type = response.field("Content-Type"), types.contains(where: { type.hasPrefix($0) }),
            let compressed = Gzip.compress(response.body), compressed.count < response.body.count
        else { return }
        response.body = compressed
        response.fields.append(("Content-Encoding", "gzip"))
        response.fields.append(("Vary", "Accept-Encoding"))
    }

    /// Whether gzip is among the codings that the client takes, and not refused by a quality of zero.
    private static func accepts(_ request: HTTPRequest) -> Bool {
        guard let field = request.fields["Accept-Encoding"]?.lowercased() else { return false }
        return field.split(separator: ",").contains { coding in
            let parts = coding.split(separator: ";").map { $0.filter { $0 != " " } }
            guard parts.first == "gzip" || parts.first == "*" else { return false }
            return !parts.dropFirst().contains { $0 == "q=0" || $0 == "q=0.0" || $0 == "q=0.00" || $0 == "q=0.000" }
        }
    }
}
