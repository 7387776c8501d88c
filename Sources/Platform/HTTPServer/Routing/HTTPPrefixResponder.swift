/// Hands requests on by how their paths begin.
public struct HTTPPrefixResponder: HTTPResponder {
    private let prefixes: [(bytes: [UInt8], responder: any HTTPResponder)]
    private let otherwise: any HTTPResponder

    /// - Parameters:
    ///   - prefixes: Compared with the raw path in this order; each ends with a slash.
    ///   - otherwise: Takes what begins with none of them.
    public init(_ prefixes: [(prefix: String, responder: any HTTPResponder)], otherwise: any HTTPResponder) {
        self.prefixes = prefixes.map { ([UInt8]($0.prefix.utf8), $0.responder) }
        self.otherwise = otherwise
    }

    public func respond(to request: HTTPRequest, with reply: HTTPReply) {
        let path = request.pathBytes
        let match = prefixes.first { path.starts(with: $0.bytes) }
        (match?.responder ?? otherwise).respond(to: request, with: reply)
    }
}
