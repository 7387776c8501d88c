import HTTPServer
import Synchronization
import Testing

/// What must not reach a responder, seen from the wire: the answer, and that the connection ends and nothing behind the
/// refused request is taken for another one.
@Suite struct HTTPRefusalTests {
    /// The reasons for which the server has refused requests.
    private func reasons(_ server: RunningServer) -> [String] {
        RequestError.allCases.map(\.rawValue).filter {
            server.metric("http_refused_requests_total{server=\"test\",reason=\"\($0)\"}") != 0
        }
    }

    static let smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"

    @Test(arguments: [
        (
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "length_and_transfer_encoding"
        ),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            "length_and_transfer_encoding"
        ),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
            "duplicate_content_length"
        ),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 0\r\n\r\nabcd",
            "duplicate_content_length"
        ),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +4\r\n\r\nabcd", "invalid_content_length"),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "unsupported_transfer_coding"
        ),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "unsupported_transfer_coding"),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\u{0B}chunked\r\n\r\n0\r\n\r\n",
            "unsupported_transfer_coding"
        ),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "unsupported_transfer_coding"),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "invalid_field_name"),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent Length: 4\r\n\r\nabcd", "invalid_field_name"),
        ("POST / HTTP/1.1\r\nHost: h\r\nX: a\r\n Content-Length: 4\r\n\r\nabcd", "folded_field"),
        ("POST / HTTP/1.1\r\nHost: h\r\nX: a\nContent-Length: 4\r\n\r\nabcd", "bare_line_feed"),
        ("POST / HTTP/1.1\r\nHost: h\r\nX: a\rContent-Length: 4\r\n\r\nabcd", "bare_carriage_return"),
        ("GET / HTTP/1.1\n", "bare_line_feed"),
        ("GET / HTTP/1.1\r\n\r\n", "missing_host"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "duplicate_host"),
        ("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", "host_mismatch"),
        ("GET /\u{7F} HTTP/1.1\r\nHost: h\r\n\r\n", "invalid_target"),
        ("GET / HTTP/1.1 x\r\nHost: h\r\n\r\n", "malformed_request_line"),
        ("GET /\r\n\r\n", "malformed_request_line"),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\r\n\r\n", "malformed_request_line"),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", "invalid_chunk"),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n", "invalid_chunk"),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", "invalid_chunk"),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;a\nb\r\nx\r\n0\r\n\r\n", "invalid_chunk"),
    ])
    func aDoubtfulRequestIsAnswered400AndTheConnectionEnds(_ bytes: String, _ reason: String) async throws {
        try await withServer { server in
            let client = server.client()
            client.send(bytes + HTTPRefusalTests.smuggled)
            let answer = try #require(client.receiveAnswer())
            #expect(answer.status == 400)
            #expect(answer.field("connection") == "close")
            #expect(client.receiveToEnd() == "")
            #expect(reasons(server) == [reason])
            #expect(server.metric(#"http_requests_total{server="test",method="get",status="2xx"}"#) == 0)
        }
    }

    @Test func requestsBeforeTheRefusedOneAreAnswered() async throws {
        try await withServer { server in
            let client = server.client()
            client.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\n\r\n")
            #expect(client.receiveAnswer()?.body == "GET /1 []")
            #expect(client.receiveAnswer()?.status == 400)
            #expect(client.receiveToEnd() == "")
        }
    }

    @Test func unknownMethodsAndVersionsHaveTheirOwnStatus() async throws {
        try await withServer { server in
            for (line, status) in [("FETCH / HTTP/1.1", 501), ("CONNECT a:1 HTTP/1.1", 501), ("GET / HTTP/3.0", 505)] {
                let client = server.client()
                client.send("\(line)\r\nHost: h\r\n\r\n")
                #expect(client.receiveAnswer()?.status == status)
            }
        }
    }

    @Test func tooLargeAHeadIsAnswered431() async throws {
        try await withServer {
            $0.maximumHeadBytes = 1000
        } _: { server in
            for bytes in [
                "GET / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "x", count: 1000))",
                "GET / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "x", count: 1000))\r\n\r\n",
            ] {
                let client = server.client()
                client.send(bytes)
                #expect(client.receiveAnswer()?.status == 431)
                #expect(client.receiveToEnd() == "")
            }
        }
    }

    @Test func tooManyFieldsAreAnswered431() async throws {
        try await withServer {
            $0.maximumFields = 5
        } _: { server in
            let client = server.client()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\(String(repeating: "X: y\r\n", count: 5))\r\n")
            #expect(client.receiveAnswer()?.status == 431)
        }
    }

    @Test func tooLongATargetIsAnswered414() async throws {
        try await withServer { configuration in
            configuration.maximumTargetBytes = 100
            configuration.maximumHeadBytes = 500
        } _: { server in
            for bytes in [
                "GET /\(String(repeating: "x", count: 100)) HTTP/1.1\r\nHost: h\r\n\r\n",
                "GET /\(String(repeating: "x", count: 600))",
            ] {
                let client = server.client()
                client.send(bytes)
                #expect(client.receiveAnswer()?.status == 414)
            }
        }
    }

    @Test func aDeclaredLengthOverTheLimitIsAnswered413BeforeTheBodyComes() async throws {
        let limits = try #require(BodyLimits(parsing: "/small/**=10", otherwise: 100))
        try await withServer {
            $0.bodyLimits = limits
        } _: { server in
            for (path, length, expected) in [
                ("/small/x", 10, 200), ("/small/x", 11, 413), ("/big", 100, 200), ("/big", 101, 413),
            ] {
                let client = server.client()
                client.send("POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Length: \(length)\r\n\r\n")
                if expected == 200 { client.send(String(repeating: "b", count: length)) }
                let answer = try #require(client.receiveAnswer())
                #expect(answer.status == expected)
                if expected == 413 {
                    #expect(answer.body == "Payload size exceeds the limit of \(path == "/big" ? 100 : 10) bytes")
                    #expect(client.receiveToEnd() == "")
                }
            }
        }
    }

    @Test func noContinueForABodyThatIsTooLarge() async throws {
        let limits = BodyLimits([], otherwise: 10)
        try await withServer {
            $0.bodyLimits = limits
        } _: { server in
            let client = server.client()
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n")
            #expect(client.receiveAnswer()?.status == 413)
        }
    }

    @Test func aChunkedBodyIsCutOffAtTheLimit() async throws {
        let limits = BodyLimits([], otherwise: 10)
        try await withServer {
            $0.bodyLimits = limits
        } _: { server in
            let client = server.client()
            client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n5\r\nfghij\r\n")
            client.send("0\r\n\r\n")
            #expect(client.receiveAnswer()?.body == "POST / [abcdefghij]")
            client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n6\r\nf")
            #expect(client.receiveAnswer()?.status == 413)
            #expect(client.receiveToEnd() == "")
        }
    }

    @Test func bodiesOfAllConnectionsTogetherAreBounded() async throws {
        let held = Mutex<HTTPReply?>(nil)
        let responder = ClosureResponder { request, reply in
            if request.path == "/hold" { held.withLock { $0 = reply } } else { reply.respond(.empty(200)) }
        }
        try await withServer(responder) {
            $0.maximumHeldBodyBytes = 1000
        } _: { server in
            let body = "HTTP/1.1\r\nHost: h\r\nContent-Length: 600\r\n\r\n" + String(repeating: "a", count: 600)
            let first = server.client()
            first.send("POST /hold " + body)
            while held.withLock({ $0 == nil }) { await Task.yield() }
            let second = server.client()
            second.send("POST / " + body)
            #expect(second.receiveAnswer()?.status == 503)
            held.withLock { $0 }?.respond(.empty(200))
            #expect(first.receiveAnswer()?.status == 200)
            first.send("POST / " + body)
            #expect(first.receiveAnswer()?.status == 200)
        }
    }

    @Test func errorsAreRenderedByTheCaller() async throws {
        try await withServer { configuration in
            configuration.errorRenderer = { status, message, request in
                .json(
                    #"{"status":\#(status),"path":"\#(request?.path ?? "")","message":"\#(message)"}"#, status: status)
            }
        } _: { server in
            let client = server.client()
            client.send("GET / HTTP/1.1\r\n\r\n")
            let answer = try #require(client.receiveAnswer())
            #expect(answer.field("content-type") == "application/json")
            #expect(answer.body == #"{"status":400,"path":"","message":"The Host field is missing"}"#)
            let other = server.client()
            other.send("POST /api/x HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n")
            #expect(other.receiveAnswer()?.body.contains(#""path":"/api/x""#) == true)
        }
    }

    @Test func connectionsOverTheLimitAreClosed() async throws {
        try await withServer {
            $0.maximumConnections = 2
        } _: { server in
            let clients = [server.client(), server.client()]
            for client in clients {
                client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(client.receiveAnswer()?.status == 200)
            }
            #expect(server.client().receiveToEnd() == "")
            #expect(server.metric(#"http_refused_connections_total{server="test"}"#) == 1)
            #expect(server.metric(#"http_connections{server="test"}"#) == 2)
        }
    }
}
