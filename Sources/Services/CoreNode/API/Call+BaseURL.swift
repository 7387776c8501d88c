internal import HTTPServer

extension Call {
    /// How the client reached this server: what links to it begin with.
    var baseURL: String {
        let proto = request.fields["X-Forwarded-Proto"] ?? "http"
        let host = request.fields["X-Forwarded-Host"] ?? request.fields["Host"] ?? "localhost:8080"
        return "\(proto)://\(host)"
    }
}
