internal import HTTPServer

/// Fields that every answer of the API has (`rest-api.md` 2.1).
enum ResponseFields {
    static func add(to response: inout HTTPResponse, for request: HTTPRequest) {
        response.fields.append(("X-Content-Type-Options", "nosniff"))
        response.fields.append(("X-XSS-Protection", "0"))
        guard request.isForAPI else { return }
        if !response.fields.contains(where: { $0.0 == "Cache-Control" }) {
            response.fields.append(("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate"))
        }
        CrossOrigin.add(to: &response, for: request)
    }
}

/// Pages of any origin may use the API (`rest-api.md` 2.1).
enum CrossOrigin {
    private static let maximumAge = "1800"

    /// The answer to a browser that asks before it sends a request; `nil` for any other OPTIONS.
    static func preflight(_ request: HTTPRequest) -> HTTPResponse? {
        guard request.isForAPI, let method = request.fields["Access-Control-Request-Method"] else { return nil }
        var response = HTTPResponse.empty(200)
        add(to: &response, for: request)
        response.fields.append(("Access-Control-Allow-Methods", method))
        if let fields = request.fields["Access-Control-Request-Headers"] {
            response.fields.append(("Access-Control-Allow-Headers", fields))
        }
        response.fields.append(("Access-Control-Max-Age", maximumAge))
        return response
    }

    static func add(to response: inout HTTPResponse, for request: HTTPRequest) {
        guard let origin = request.fields["Origin"] else { return }
        response.fields.append(("Access-Control-Allow-Origin", origin))
        response.fields.append(("Access-Control-Allow-Credentials", "true"))
        response.fields.append(("Vary", "Origin"))
    }
}
