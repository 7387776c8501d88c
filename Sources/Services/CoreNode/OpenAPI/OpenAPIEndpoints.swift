internal import HTTPServer

/// The description of the API, and a page to try it on. Nothing of it comes from elsewhere.
struct OpenAPIEndpoints: EndpointGroup {
    let document: [UInt8]

    var endpoints: [Endpoint] {
        [
            .open(.get, "/v3/api-docs", description), .open(.get, "/v3/api-docs/thingsboard", description),
            .open(.get, "/swagger-ui/index.html", page), .open(.get, "/swagger-ui", redirect),
            .open(.get, "/swagger-ui/", redirect), .open(.get, "/swagger-ui.html", redirect),
        ]
    }

    @Sendable private func description(_ call: Call) async throws -> HTTPResponse { .json(document) }

    @Sendable private func page(_ call: Call) async throws -> HTTPResponse {
        HTTPResponse(
            status: 200,
            fields: [
                ("Content-Type", "text/html;charset=UTF-8"),
                (
                    "Content-Security-Policy",
                    "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; "
                        + "script-src 'unsafe-inline'"
                ),
            ], body: Array(OpenAPIPage.html.utf8))
    }

    @Sendable private func redirect(_ call: Call) async throws -> HTTPResponse {
        HTTPResponse(status: 303, fields: [("Location", "/swagger-ui/index.html")])
    }
}
