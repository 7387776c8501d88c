/// An answer that a server gave.
public struct HTTPClientResponse: Sendable {
    public let status: Int
    public let body: [UInt8]
    /// Names and values one behind the other, as the ends in `ends` say.
    private let text: [UInt8]
    private let ends: [Int]

    init(status: Int, body: [UInt8], text: [UInt8], ends: [Int]) {
        self.status = status
        self.body = body
        self.text = text
        self.ends = ends
    }

    /// The fields in order. Builds strings at every call.
    public var fields: [(name: String, value: String)] {
        stride(from: 0, to: ends.count - 1, by: 2).map { index in
            let start = index == 0 ? 0 : ends[index - 1]
            return (
                String(decoding: text[start..<ends[index]], as: UTF8.self),
                String(decoding: text[ends[index]..<ends[index + 1]], as: UTF8.self)
            )
        }
    }

    /// The value of the first field called `name`, without regard to case.
    public func field(_ name: String) -> String? {
        let wanted = name.lowercased()
        return fields.first { $0.name.lowercased() == wanted }?.value
    }

    /// The body as text.
    public var bodyText: String { String(decoding: body, as: UTF8.self) }
}

/// Why a request has no answer.
public enum HTTPClientError: Error, Sendable, Equatable {
    /// The base URL is not `http://host[:port][/path]` (or `https`, with settings for TLS).
    case invalidURL
    case connectFailed(String)
    /// The server closed the connection before its answer was complete.
    case disconnected
    case timeout
    /// The reason is http-parser's.
    case malformedResponse(String)
    /// The body is larger than the client takes.
    case responseTooLarge
    /// Too many requests wait for a connection.
    case overloaded
    /// The client has been closed.
    case closed
}
