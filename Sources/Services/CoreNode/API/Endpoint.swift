internal import HTTPServer

/// One row of the table of endpoints: a method, a path pattern, who may call it, and what it does.
///
/// There are two ways to make one, and each of them names its callers: an endpoint that says nothing about access
/// does not compile.
struct Endpoint: Sendable {
    typealias Handler = @Sendable (Call, Principal) async throws -> HTTPResponse
    typealias OpenHandler = @Sendable (Call) async throws -> HTTPResponse

    enum Access: Sendable {
        /// No token is looked at.
        case open(OpenHandler)
        case roles(Roles, Handler)
    }

    /// How errors of the endpoint look.
    enum ErrorStyle: Sendable {
        case object
        /// Of endpoints that check access after they were entered (`rest-api.md` 2.12).
        case text
    }

    let method: HTTPMethod
    let pattern: String
    let access: Access
    let errors: ErrorStyle

    /// An endpoint for signed-in users with one of `roles`.
    init(
        _ method: HTTPMethod, _ pattern: String, roles: Roles, errors: ErrorStyle = .object,
        _ handler: @escaping Handler
    ) {
        precondition(!roles.isEmpty, "\(method) \(pattern) is open to nobody")
        self.method = method
        self.pattern = pattern
        self.errors = errors
        access = .roles(roles, handler)
    }

    private init(open method: HTTPMethod, _ pattern: String, _ handler: @escaping OpenHandler) {
        self.method = method
        self.pattern = pattern
        errors = .object
        access = .open(handler)
    }

    /// An endpoint for everybody, tokens or not (`rest-api.md` 1.12).
    static func open(_ method: HTTPMethod, _ pattern: String, _ handler: @escaping OpenHandler) -> Endpoint {
        Endpoint(open: method, pattern, handler)
    }
}

/// A part of the table: the endpoints of one resource.
protocol EndpointGroup: Sendable {
    var endpoints: [Endpoint] { get }
}
