import HTTPClient
import HTTPServer
import Reactor
import Testing

@Suite struct HTTPClientTests {
    private func withClient(
        _ responder: any HTTPResponder = echo, path: String = "", connections: Int = 2,
        configure: (inout HTTPServerConfiguration) -> Void = { _ in },
        _ body: @concurrent (HTTPClient, RunningServer) async throws -> Void
    ) async throws {
        try await withServer(responder, configure: configure) { server in
            let client = try HTTPClient(
                baseURL: "http://127.0.0.1:\(server.port)\(path)", loops: server.loops, maximumConnections: connections)
            try await body(client, server)
            client.close()
        }
    }

    @Test func requestsAreAnsweredOverKeptConnections() async throws {
        try await withClient(connections: 1) { client, server in
            for number in 0..<20 {
                let answer = try await client.request("POST", "/\(number)?x=y", fields: [("X-A", "b")], body: [0x61])
                #expect(answer.status == 200)
                #expect(answer.bodyText == "POST /\(number)?x=y [a]")
                #expect(answer.field("content-type") == "text/plain;charset=UTF-8")
            }
            #expect(server.metric(#"http_connections{server="test"}"#) == 1)
        }
    }

    @Test func manyRequestsShareFewConnections() async throws {
        try await withClient(path: "/base/") { client, server in
            try await withThrowingTaskGroup { group in
                for number in 0..<200 {
                    group.addTask {
                        try await client.request("GET", "/\(number)").bodyText == "GET /base/\(number) []"
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
            #expect(server.metric(#"http_connections{server="test"}"#) == 2)
        }
    }

    @Test func headAndChunkedAnswersAreUnderstood() async throws {
        let responder = ClosureResponder { _, reply in
            reply.respond(
                .streaming(fields: []) { writer in
                    for _ in 0..<10 { try await writer.write([UInt8](repeating: 0x78, count: 100_000)) }
                })
        }
        try await withClient(responder, connections: 1) { client, _ in
            let head = try await client.request("HEAD", "/")
            #expect(head.body.isEmpty)
            let whole = try await client.request("GET", "/")
            #expect(whole.body.count == 1_000_000)
        }
    }

    @Test func anAnswerThatDoesNotComeTimesOut() async throws {
        let responder = ClosureResponder { request, reply in
            if request.path == "/quick" { reply.respond(.empty(200)) }
        }
        try await withClient(responder, connections: 1) { client, _ in
            await #expect(throws: HTTPClientError.timeout) {
                _ = try await client.request("GET", "/", timeout: .milliseconds(50))
            }
            let next = try await client.request("GET", "/quick")
            #expect(next.status == 200)
        }
    }

    @Test func aConnectionThatTheServerClosedIsReplaced() async throws {
        try await withClient(connections: 1) {
            $0.idleTimeout = .milliseconds(20)
        } _: { client, server in
            for _ in 0..<3 {
                let answer = try await client.request("GET", "/")
                #expect(answer.status == 200)
                while server.metric(#"http_connections{server="test"}"#) != 0 { await Task.yield() }
            }
        }
    }

    @Test func nobodyListensIsAnError() async throws {
        let group = try EventLoopGroup(count: 1, name: "client-test")
        group.start()
        defer {
            group.stop()
            group.join()
        }
        let client = try HTTPClient(baseURL: "http://127.0.0.1:1", loops: group.loops)
        await #expect(throws: HTTPClientError.self) { _ = try await client.request("GET", "/") }
    }

    @Test(arguments: ["", "ftp://a", "http://", "http://:80", "http://a:x", "http://a:0", "https://a"])
    func otherURLsAreRefused(_ url: String) throws {
        let loop = try EventLoop(name: "unused", index: 0)
        #expect(throws: HTTPClientError.invalidURL) { _ = try HTTPClient(baseURL: url, loops: [loop]) }
    }
}
