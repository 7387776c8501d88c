import Testing

@testable import HTTPServer

@Suite struct RequestHeadTests {
    /// Parses a complete head the way the server does.
    private func parse(_ text: String) throws(RequestError) -> RequestHead {
        var scanner = HeadScanner()
        var outcome: Result<RequestHead, RequestError>?
        Array(text.utf8).withUnsafeBytes { bytes in
            do throws(RequestError) {
                switch scanner.scan(bytes) {
                case .malformed(let error): throw error
                case .incomplete: return
                case .complete(let count):
                    outcome = .success(
                        try RequestHead(
                            parsing: UnsafeRawBufferPointer(rebasing: bytes[..<count]), with: HeadParser(),
                            limits: .init(targetBytes: 100, fields: 10)))
                }
            } catch {
                outcome = .failure(error)
            }
        }
        guard let outcome else {
            Issue.record("the head is incomplete")
            throw .malformedRequestLine
        }
        return try outcome.get()
    }

    private func request(_ text: String) throws -> HTTPRequest {
        let head = try parse(text)
        return HTTPRequest(method: head.method, fields: head.fields, layout: head.layout, body: [], peer: "")
    }

    @Test func aPlainHeadIsTakenApart() throws {
        let request = try request(
            "GET /a%20b/c?x=1&y=a+b%21&x=2#f HTTP/1.1\r\nHost: h\r\nX-Empty:\r\nx-Value: \t one two \t\r\n\r\n")
        #expect(request.method == .get)
        #expect(request.target == "/a%20b/c?x=1&y=a+b%21&x=2#f")
        #expect(request.path == "/a%20b/c")
        #expect(request.segments == ["a b", "c"])
        #expect(request.query.all("x") == ["1", "2"])
        #expect(request.query.first("y") == "a b!")
        #expect(request.fields["HOST"] == "h")
        #expect(request.fields["X-Empty"] == "")
        #expect(request.fields["X-Value"] == "one two")
        #expect(request.fields["Absent"] == nil)
        #expect(request.fields.map(\.name) == ["Host", "X-Empty", "x-Value"])
    }

    @Test func framingIsRead() throws {
        #expect(try parse("POST / HTTP/1.1\r\nHost: h\r\n\r\n").framing == .none)
        #expect(try parse("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n").framing == .none)
        #expect(try parse("POST / HTTP/1.1\r\nHost: h\r\ncontent-length: 12\r\n\r\n").framing == .length(12))
        #expect(try parse("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n").framing == .chunked)
    }

    @Test func persistenceFollowsVersionAndConnection() throws {
        #expect(try parse("GET / HTTP/1.1\r\nHost: h\r\n\r\n").keepsAlive)
        #expect(try !parse("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").keepsAlive)
        #expect(try !parse("GET / HTTP/1.0\r\n\r\n").keepsAlive)
        #expect(try parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keepsAlive)
    }

    @Test func absoluteTargetsNameTheirHost() throws {
        let request = try request("GET http://Host:80/a?b HTTP/1.1\r\nHost: host:80\r\n\r\n")
        #expect(request.path == "/a")
        #expect(request.target == "http://Host:80/a?b")
        #expect(try self.request("GET http://host HTTP/1.1\r\nHost: host\r\n\r\n").path == "/")
    }

    @Test func optionsMayAskForTheServer() throws {
        #expect(try request("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").path == "*")
    }

    @Test(arguments: [
        ("GET /\r\n\r\n", RequestError.malformedRequestLine),
        ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", .malformedRequestLine),
        ("GET /  HTTP/1.1\r\nHost: h\r\n\r\n", .malformedRequestLine),
        ("GET / HTTP/1.1 \r\nHost: h\r\n\r\n", .malformedRequestLine),
        ("GET / HTP/1.1\r\nHost: h\r\n\r\n", .malformedRequestLine),
        ("SOURCE / ICE/1.1\r\nHost: h\r\n\r\n", .malformedRequestLine),
        ("\u{16}\u{3}\u{1}\r\n\r\n", .malformedRequestLine),
        ("FETCH / HTTP/1.1\r\nHost: h\r\n\r\n", .unknownMethod),
        ("CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n", .unknownMethod),
        ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", .unsupportedVersion),
        ("GET / HTTP/1.2\r\nHost: h\r\n\r\n", .unsupportedVersion),
        ("GET a HTTP/1.1\r\nHost: h\r\n\r\n", .invalidTarget),
        ("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", .invalidTarget),
        ("GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", .invalidTarget),
        ("GET /%C3 HTTP/1.1\r\nHost: h\r\n\r\n", .invalidTarget),
        ("GET /\u{E4} HTTP/1.1\r\nHost: h\r\n\r\n", .invalidTarget),
        ("GET * HTTP/1.1\r\nHost: h\r\n\r\n", .invalidTarget),
        ("GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", .invalidTarget),
        ("GET http://h/ HTTP/1.1\r\nHost: other\r\n\r\n", .hostMismatch),
        ("GET http://user@h/ HTTP/1.1\r\nHost: h\r\n\r\n", .hostMismatch),
        ("GET / HTTP/1.1\nHost: h\n\n", .bareLineFeed),
        ("GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", .bareLineFeed),
        ("GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", .bareCarriageReturn),
        ("GET / HTTP/1.1\r\nHost: h\r\n\rX\r\n\r\n", .bareCarriageReturn),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", .foldedField),
        ("GET / HTTP/1.1\r\n Host: h\r\n\r\n", .foldedField),
        ("GET / HTTP/1.1\r\nHost : h\r\n\r\n", .invalidFieldName),
        ("GET / HTTP/1.1\r\nHost: h\r\nX Y: a\r\n\r\n", .invalidFieldName),
        ("GET / HTTP/1.1\r\nHost: h\r\nX\u{0}: a\r\n\r\n", .invalidFieldName),
        ("GET / HTTP/1.1\r\nHost: h\r\n\u{E4}: a\r\n\r\n", .invalidFieldName),
        ("GET / HTTP/1.1\r\nHost: h\r\n: a\r\n\r\n", .invalidFieldName),
        ("GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n", .invalidFieldName),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: a\u{0}b\r\n\r\n", .invalidFieldValue),
        ("GET / HTTP/1.1\r\nHost: h\r\nX: ab\u{7F}\r\n\r\n", .invalidFieldValue),
        ("GET / HTTP/1.1\r\n\r\n", .missingHost),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .duplicateHost),
        ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", .invalidHost),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .invalidHost),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            .lengthAndTransferEncoding
        ),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
            .lengthAndTransferEncoding
        ),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
            .lengthAndTransferEncoding
        ),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", .duplicateContentLength),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", .duplicateContentLength),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\n", .invalidContentLength),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\n", .invalidContentLength),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n", .invalidContentLength),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\n", .invalidContentLength),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5 5\r\n\r\n", .invalidContentLength),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", .invalidContentLength),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", .invalidContentLength),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", .unsupportedTransferCoding),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .unsupportedTransferCoding),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n", .unsupportedTransferCoding),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n", .unsupportedTransferCoding),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n", .unsupportedTransferCoding),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            .unsupportedTransferCoding
        ),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .unsupportedTransferCoding),
        ("POST / HTTP/1.1\r\nHost: h\r\nExpect: 200-ok\r\n\r\n", .unsupportedExpectation),
        ("GET /\(String(repeating: "a", count: 100)) HTTP/1.1\r\nHost: h\r\n\r\n", .targetTooLong),
        ("GET / HTTP/1.1\r\nHost: h\r\n\(String(repeating: "X: y\r\n", count: 10))\r\n", .tooManyFields),
    ])
    func aHeadOfDoubtfulMeaningIsRefused(_ head: String, _ error: RequestError) {
        #expect(throws: error) { try parse(head) }
    }

    @Test func everyPrefixOfAHeadWaitsForMore() throws {
        let bytes = [UInt8]("GET /a HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n".utf8)
        var scanner = HeadScanner()
        for count in 0..<bytes.count {
            #expect(bytes[..<count].withUnsafeBytes { scanner.scan($0) } == .incomplete)
        }
        #expect(bytes.withUnsafeBytes { scanner.scan($0) } == .complete(bytes.count))
    }

    @Test func tokensOfAListAreFound() {
        let fields = HTTPFields([("Accept-Encoding", "deflate, GZip;q=0.5"), ("accept-encoding", "br")])
        #expect(fields.hasToken("gzip", in: "Accept-Encoding"))
        #expect(fields.hasToken("br", in: "Accept-Encoding"))
        #expect(!fields.hasToken("zip", in: "Accept-Encoding"))
        #expect(fields.all("ACCEPT-ENCODING").count == 2)
    }
}
