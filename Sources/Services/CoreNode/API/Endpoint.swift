internal import HTTPServer

/// One row of the table of endpoints: a method, a path pattern, who may call it, and what it does.
///
/// There are two ways to make one, and each of them names its callers: an endpoint that says nothing about access
/// does not compile.
///
/// Behind it, ``docs(_:query:body:answer:)`` says what the OpenAPI document tells of it:
///
///     Endpoint(.get, "/api/tenant/assets", roles: .tenant, list)
///         .docs("Assets of the tenant", query: .page + [.text("type")], answer: .page("Asset")),
///     Endpoint(.post, "/api/asset", roles: [.tenant, .customer], save)
///         .docs("Creates or changes an asset", query: .nameConflict, body: "Asset", answer: "Asset"),
///
/// A schema's name needs an entry in `OpenAPISchemas` only where the document should tell its members: an
/// ``EndpointGroup`` gives those of its resource.
struct Endpoint: Sendable {
    typealias Handler = @Sendable (Call, Principal) async throws -> HTTPResponse
    typealias OpenHandler = @Sendable (Call) async throws -> HTTPResponse

    enum Access: Sendable {
        /// No token is looked at.
        case open(OpenHandler)
        case roles(Roles, Handler)
        /// Tokens on the way through two-factor authentication, of any role; complete ones only where `full` is set.
        case limited(Set<Principal.Scope>, Handler)
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
    private(set) var documentation: EndpointDocs?

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

    private init(
        limited method: HTTPMethod, _ pattern: String, to scopes: Set<Principal.Scope>, _ handler: @escaping Handler
    ) {
        self.method = method
        self.pattern = pattern
        errors = .object
        access = .limited(scopes, handler)
    }

    /// An endpoint for tokens of those scopes (`rest-api.md` 1.9).
    static func limited(
        _ method: HTTPMethod, _ pattern: String, to scopes: Set<Principal.Scope>, _ handler: @escaping Handler
    ) -> Endpoint {
        Endpoint(limited: method, pattern, to: scopes, handler)
    }

    /// The endpoint with what the OpenAPI document says of it.
    func docs(
        _ summary: String, query: [QueryParameter] = [], body: SchemaReference? = nil,
        answer: SchemaReference = .anything
    ) -> Endpoint {
        var endpoint = self
        endpoint.documentation = EndpointDocs(summary: summary, query: query, body: body, answer: answer)
        return endpoint
    }
}

/// A part of the table: the endpoints of one resource.
protocol EndpointGroup: Sendable {
    var endpoints: [Endpoint] { get }

    /// Members of the bodies that the endpoints name, by schema: `["Asset": "id:id(ASSET) name:string! type:string"]`.
    /// The types are those of ``OpenAPISchemas``; `!` marks what a client must send.
    static var schemas: [String: String] { get }
}

extension EndpointGroup {
    static var schemas: [String: String] { [:] }
}
