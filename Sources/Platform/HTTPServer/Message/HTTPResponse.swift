/// An answer. `Date`, `Content-Length` and `Connection` are added by the server and must not be among the fields.
public struct HTTPResponse: Sendable {
    /// 200 ... 599.
    public var status: Int
    /// Names and values as they are written out; neither may contain control characters.
    public var fields: [(String, String)]
    public var body: [UInt8]
    /// Writes the body piece by piece instead of ``body``.
    var stream: HTTPBodyStream?

    public init(status: Int, fields: [(String, String)] = [], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// No body, no fields.
    public static func empty(_ status: Int) -> HTTPResponse {
        HTTPResponse(status: status)
    }

    /// `body` is JSON text.
    public static func json(_ body: [UInt8], status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, fields: [("Content-Type", "application/json")], body: body)
    }

    /// `body` is JSON text.
    public static func json(_ body: String, status: Int = 200) -> HTTPResponse {
        json([UInt8](body.utf8), status: status)
    }

    public static func text(_ body: String, status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, fields: [("Content-Type", "text/plain;charset=UTF-8")], body: [UInt8](body.utf8))
    }

    /// A body that is produced while it is sent, for what is too large to be held in memory.
    ///
    /// - Parameters:
    ///   - length: The number of bytes if it is known; otherwise the body is chunked (and for an HTTP/1.0 client ends
    ///     with the connection).
    ///   - produce: Runs as a task on the connection's loop when the answers before this one have been sent. The body
    ///     ends when it returns; when it throws, or writes another number of bytes than `length`, the connection is
    ///     aborted, so that the client sees an incomplete body and not a wrong one.
    public static func streaming(
        status: Int = 200, fields: [(String, String)], length: Int? = nil,
        _ produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void
    ) -> HTTPResponse {
        var response = HTTPResponse(status: status, fields: fields)
        response.stream = HTTPBodyStream(length: length, produce: produce)
        return response
    }

    /// The value of the first field called `name`.
    public func field(_ name: String) -> String? {
        fields.first { $0.0.utf8.count == name.utf8.count && $0.0.lowercased() == name.lowercased() }?.1
    }
}

/// The part of a streaming response that makes its body.
final class HTTPBodyStream: Sendable {
    let length: Int?
    let produce: @Sendable (HTTPBodyWriter) async throws -> Void

    init(length: Int?, produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void) {
        self.length = length
        self.produce = produce
    }
}
