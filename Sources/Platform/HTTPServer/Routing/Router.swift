/// What ``Router`` found for a request, before a handler runs.
public enum RouteResolution: Sendable {
    /// - Parameter pattern: As it was registered.
    case matched(pattern: String)
    case methodNotAllowed([HTTPMethod])
    case notFound
}

/// Sends requests to async handlers by method and path.
///
/// A `Context` is made for each request before its handler: who the caller is, for example. Routers without one use
/// `Void`. Handlers run as tasks that prefer the connection's loop: one that does not wait never leaves the thread.
///
/// HEAD is answered by the handler of GET (the server leaves the body out), OPTIONS by ``options``, unless routes for
/// them are added. All members are set before the first request.
public struct Router<Context: Sendable>: HTTPResponder {
    public typealias Handler = @Sendable (HTTPRequest, PathParameters, Context) async -> HTTPResponse

    /// The outcome of making a context.
    public enum Admission: Sendable {
        case admitted(Context)
        /// The answer in place of the handler's, or of notFound and methodNotAllowed.
        case refused(HTTPResponse)
    }

    /// Indices of handlers, so that the table is of a concrete type and compiled for it.
    private var table = RouteTable<Int>()
    private var handlers: [Handler] = []
    private let admit: @Sendable (HTTPRequest, RouteResolution) async -> Admission

    /// Answers where no pattern matches. Default: 404 without a body.
    public var notFound: @Sendable (HTTPRequest, Context) async -> HTTPResponse = { _, _ in .empty(404) }

    /// Answers where only other methods are known. The field `Allow` is added. Default: 405 without a body.
    public var methodNotAllowed: @Sendable (HTTPRequest, Context) async -> HTTPResponse = { _, _ in .empty(405) }

    /// Answers OPTIONS of known paths, before anything else is asked (a preflight has no credentials), given the
    /// methods of the path. Default: 200 with `Allow`.
    public var options: @Sendable (HTTPRequest, [HTTPMethod]) async -> HTTPResponse = { _, methods in
        HTTPResponse(status: 200, fields: [allow(methods + [.options])])
    }

    /// - Parameter admit: Makes the context of every request but OPTIONS, also where nothing matches, so that a caller
    ///   without credentials does not learn which paths exist.
    public init(admit: @escaping @Sendable (HTTPRequest, RouteResolution) async -> Admission) {
        self.admit = admit
    }

    /// Adds a route; see ``RouteTable`` for patterns. Two handlers for one method and path are a mistake.
    public mutating func on(_ method: HTTPMethod, _ pattern: String, _ handler: @escaping Handler) {
        table.add(method, pattern, handlers.count)
        handlers.append(handler)
    }

    /// Methods and patterns of all routes.
    public var patterns: [(method: HTTPMethod, pattern: String)] { table.patterns }

    public func respond(to request: HTTPRequest, with reply: HTTPReply) {
        Task.immediate(executorPreference: reply.executor) {
            reply.respond(await answer(to: request))
        }
    }

    /// The answer to a request: what ``respond(to:with:)`` sends.
    public func answer(to request: HTTPRequest) async -> HTTPResponse {
        let match = table.match(request.method, request.segments)
        if request.method == .options, case .methodNotAllowed(let methods) = match {
            return await options(request, methods)
        }
        switch await admit(request, match.resolution) {
        case .refused(let response): return response
        case .admitted(let context): return await answer(to: request, match, context)
        }
    }

    private func answer(to request: HTTPRequest, _ match: RouteMatch<Int>, _ context: Context) async -> HTTPResponse {
        switch match {
        case .found(let index, _, let parameters):
            return await handlers[index](request, parameters, context)
        case .methodNotAllowed(let methods):
            var response = await methodNotAllowed(request, context)
            response.fields.append(Router.allow(methods))
            return response
        case .notFound:
            return await notFound(request, context)
        }
    }

    private static func allow(_ methods: [HTTPMethod]) -> (String, String) {
        ("Allow", methods.map(\.name).sorted().joined(separator: ", "))
    }
}

extension Router where Context == Void {
    /// A router whose handlers need no context.
    public init() {
        self.init { _, _ in .admitted(()) }
    }

    public mutating func on(
        _ method: HTTPMethod, _ pattern: String,
        _ handler: @escaping @Sendable (HTTPRequest, PathParameters) async -> HTTPResponse
    ) {
        on(method, pattern) { request, parameters, _ in await handler(request, parameters) }
    }
}

extension RouteMatch {
    fileprivate var resolution: RouteResolution {
        switch self {
        case .found(_, let pattern, _): .matched(pattern: pattern)
        case .methodNotAllowed(let methods): .methodNotAllowed(methods)
        case .notFound: .notFound
        }
    }
}
