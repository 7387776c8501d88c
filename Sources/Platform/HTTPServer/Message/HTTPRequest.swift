/// One complete request: head and body.
///
/// The head is kept as the bytes that arrived; ``path``, ``segments``, ``query`` and the fields are decoded where they
/// are asked for, so a caller that needs one of them twice keeps it.
public struct HTTPRequest: Sendable {
    public let method: HTTPMethod
    public let fields: HTTPFields
    /// Empty when the request has none. Chunked bodies are put together.
    public var body: [UInt8]
    /// Address and port of the client, for logs.
    public let peer: String
    /// Where path and query of the target lie in the storage of `fields`.
    let layout: TargetLayout

    init(method: HTTPMethod, fields: HTTPFields, layout: TargetLayout, body: [UInt8], peer: String) {
        self.method = method
        self.fields = fields
        self.layout = layout
        self.body = body
        self.peer = peer
    }

    /// A request that did not come over a connection.
    ///
    /// - Parameter target: Path and query in origin form, as they would stand in a request line.
    public init(
        _ method: HTTPMethod, _ target: String, fields: [(String, String)] = [], body: [UInt8] = [], peer: String = ""
    ) {
        let bytes = [UInt8](target.utf8)
        self.init(
            method: method, fields: HTTPFields(fields, behind: bytes),
            layout: TargetLayout(target: 0..<bytes.count, path: 0..<bytes.count, in: bytes), body: body, peer: peer)
    }

    /// The target as it was sent.
    public var target: String { String(decoding: targetBytes, as: UTF8.self) }

    /// The path as it was sent: not decoded, without the query.
    public var path: String { String(decoding: pathBytes, as: UTF8.self) }

    /// The percent-decoded segments of the path: `/a/b%20c` is `["a", "b c"]`, `/` is `[""]`, `/a/` is `["a", ""]`.
    ///
    /// A request whose path has an invalid escape is refused before anybody sees it; here such a segment stays as sent.
    public var segments: [String] {
        let path = pathBytes
        guard path.first == UInt8(ascii: "/") else { return [] }
        return path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
            PercentCoding.decode($0) ?? String(decoding: $0, as: UTF8.self)
        }
    }

    /// The decoded parameters of the query. Parses it at every call.
    public var query: HTTPQuery {
        guard let range = layout.query else { return HTTPQuery() }
        return HTTPQuery(encoded: fields.storage[range])
    }

    /// The bytes of ``target``.
    public var targetBytes: ArraySlice<UInt8> { fields.storage[layout.target] }

    /// The bytes of ``path``: for responders that compare instead of building strings.
    public var pathBytes: ArraySlice<UInt8> { fields.storage[layout.path] }
}

/// Where the parts of a request target lie in the bytes that hold it.
struct TargetLayout: Sendable, Equatable {
    private var targetStart: UInt32
    private var targetEnd: UInt32
    private var pathStart: UInt32
    private var pathEnd: UInt32
    private var queryEnd: UInt32

    /// - Parameter pathAndQuery: The part behind the authority of an absolute target; the target itself otherwise. A
    ///   fragment, which no client should send, is dropped.
    init(target: Range<Int>, path pathAndQuery: Range<Int>, in storage: [UInt8]) {
        let fragment = storage[pathAndQuery].firstIndex(of: UInt8(ascii: "#")) ?? pathAndQuery.upperBound
        let question = storage[pathAndQuery.lowerBound..<fragment].firstIndex(of: UInt8(ascii: "?")) ?? fragment
        targetStart = UInt32(target.lowerBound)
        targetEnd = UInt32(target.upperBound)
        pathStart = UInt32(pathAndQuery.lowerBound)
        pathEnd = UInt32(question)
        queryEnd = UInt32(fragment)
    }

    var target: Range<Int> { Int(targetStart)..<Int(targetEnd) }
    var path: Range<Int> { Int(pathStart)..<Int(pathEnd) }
    /// Behind the question mark; nil without one.
    var query: Range<Int>? { pathEnd < queryEnd ? Int(pathEnd) + 1..<Int(queryEnd) : nil }
}
