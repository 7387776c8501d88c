import HTTPServer
import Reactor
import Synchronization
import Testing

@Suite struct HTTPServerTests {
    @Test func aRequestIsAnswered() async throws {
        try await withServer { server in
            let client = server.client()
            client.send("GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n")
            let answer = try #require(client.receiveAnswer())
            #expect(answer.head.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.body == "GET /a?b=c []")
            #expect(answer.field("content-type") == "text/plain;charset=UTF-8")
            #expect(answer.field("connection") == nil)
            #expect(answer.field("date")?.hasSuffix(" GMT") == true)
            #expect(answer.field("date")?.utf8.count == 29)
        }
    }

    @Test func aConnectionServesManyRequests() async throws {
        try await withServer { server in
            let client = server.client()
            for number in 0..<100 {
                client.send("POST /\(number) HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab")
                #expect(client.receiveAnswer()?.body == "POST /\(number) [ab]")
            }
        }
    }

    @Test func bytesMayComeOneByOne() async throws {
        try await withServer { server in
            let client = server.client()
            for byte
                in "\r\nPOST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /y HTTP/1.1\r\nHost: h\r\n\r\n"
                .utf8
            {
                client.send([byte])
            }
            #expect(client.receiveAnswer()?.body == "POST /x [abc]")
            #expect(client.receiveAnswer()?.body == "GET /y []")
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        let held = Mutex<[HTTPReply]>([])
        let responder = ClosureResponder { request, reply in
            // The even ones wait until the last has come, and are then answered backwards.
            guard let number = Int(request.path.dropFirst()) else { return }
            if number % 2 == 1 { reply.respond(.text("\(number)")) } else { held.withLock { $0.append(reply) } }
            guard number == 9 else { return }
            let replies = held.withLock { $0 }
            for (index, reply) in replies.enumerated().reversed() { reply.respond(.text("\(index * 2)")) }
        }
        try await withServer(responder) { server in
            let client = server.client()
            client.send((0..<10).map { "GET /\($0) HTTP/1.1\r\nHost: h\r\n\r\n" }.joined())
            for number in 0..<10 { #expect(client.receiveAnswer()?.body == "\(number)") }
        }
    }

    @Test func onlySoManyPipelinedRequestsAreTaken() async throws {
        let held = Mutex<[HTTPReply]>([])
        let responder = ClosureResponder { _, reply in held.withLock { $0.append(reply) } }
        try await withServer(responder) {
            $0.maximumPipelinedRequests = 4
        } _: { server in
            let client = server.client()
            client.send(String(repeating: "GET / HTTP/1.1\r\nHost: h\r\n\r\n", count: 10))
            var answered = 0
            while answered < 10 {
                let replies = held.withLock { replies in
                    defer { replies = [] }
                    return replies
                }
                #expect(replies.count <= 4)
                for reply in replies { reply.respond(.empty(200)) }
                for _ in replies { #expect(client.receiveAnswer()?.status == 200) }
                answered += replies.count
                await Task.yield()
            }
            #expect(answered == 10)
        }
    }

    @Test func answersMayComeFromOtherThreads() async throws {
        var router = Router<Void>()
        router.on(.get, "/{n}") { _, parameters in
            let text = await Task.detached { "n=" + parameters["n"] }.value
            return .text(text)
        }
        try await withServer(router, loops: 2) { server in
            let client = server.client()
            client.send((0..<50).map { "GET /\($0) HTTP/1.1\r\nHost: h\r\n\r\n" }.joined())
            for number in 0..<50 { #expect(client.receiveAnswer()?.body == "n=\(number)") }
        }
    }

    @Test func headHasLengthAndNoBody() async throws {
        try await withServer { server in
            let client = server.client()
            client.send("HEAD /abc HTTP/1.1\r\nHost: h\r\n\r\nGET /abc HTTP/1.1\r\nHost: h\r\n\r\n")
            let head = try #require(client.receiveAnswer(isHead: true))
            #expect(head.field("content-length") == "\("HEAD /abc []".utf8.count)")
            #expect(client.receiveAnswer()?.body == "GET /abc []")
        }
    }

    @Test func chunkedBodiesArePutTogether() async throws {
        try await withServer { server in
            let client = server.client()
            client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n")
            client.send("0\r\nT: v\r\n\r\nGET /n HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.receiveAnswer()?.body == "POST / [abcde]")
            #expect(client.receiveAnswer()?.body == "GET /n []")
        }
    }

    @Test func theClientIsToldToContinue() async throws {
        try await withServer { server in
            let client = server.client()
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            #expect(client.receive(upTo: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            client.send("abc")
            #expect(client.receiveAnswer()?.body == "POST / [abc]")
        }
    }

    @Test func continueDoesNotOvertakeAnAnswer() async throws {
        let first = Mutex<HTTPReply?>(nil)
        let responder = ClosureResponder { request, reply in
            if request.path == "/1" { first.withLock { $0 = reply } } else { reply.respond(.text("second")) }
        }
        try await withServer(responder) { server in
            let client = server.client()
            client.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n")
            client.send("Expect: 100-continue\r\n\r\n")
            while first.withLock({ $0 == nil }) { await Task.yield() }
            first.withLock { $0 }?.respond(.text("first"))
            #expect(client.receiveAnswer()?.body == "first")
            #expect(client.receive(upTo: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            client.send("x")
            #expect(client.receiveAnswer()?.body == "second")
        }
    }

    @Test func closeIsHonoured() async throws {
        try await withServer { server in
            let client = server.client()
            client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(client.receiveAnswer()?.field("connection") == "close")
            #expect(client.receiveToEnd() == "")
        }
    }

    @Test func version1_0ClosesUnlessItAsksToBeKept() async throws {
        try await withServer { server in
            let client = server.client()
            client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(client.receiveAnswer()?.field("connection") == "keep-alive")
            client.send("GET / HTTP/1.0\r\n\r\n")
            #expect(client.receiveAnswer()?.field("connection") == "close")
            #expect(client.receiveToEnd() == "")
        }
    }

    @Test func aHalfClosedClientGetsItsAnswer() async throws {
        try await withServer { server in
            let client = server.client()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            client.shutdownOutput()
            #expect(client.receiveAnswer()?.body == "GET / []")
            #expect(client.receiveToEnd() == "")
        }
    }

    @Test func whoeverWaitsLearnsThatTheClientHasGone() async throws {
        let arrived = Mutex<HTTPReply?>(nil)
        let responder = ClosureResponder { _, reply in arrived.withLock { $0 = reply } }
        try await withServer(responder) { server in
            var client: RawClient? = server.client()
            client?.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            while arrived.withLock({ $0 == nil }) { await Task.yield() }
            let reply = try #require(arrived.withLock { $0 })
            #expect(!reply.isCancelled)
            await withCheckedContinuation { continuation in
                reply.onCancel { continuation.resume() }
                client = nil
            }
            #expect(client == nil)
            #expect(reply.isCancelled)
            reply.respond(.empty(200))
            await withCheckedContinuation { continuation in reply.onCancel { continuation.resume() } }
        }
    }

    @Test func secondAnswersAreDropped() async throws {
        let responder = ClosureResponder { _, reply in
            reply.respond(.text("one"))
            reply.respond(.text("two"))
        }
        try await withServer(responder) { server in
            let client = server.client()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(client.receiveAnswer()?.body == "one")
            #expect(client.receiveAnswer()?.body == "one")
            #expect(client.receiveToEnd() == "")
        }
    }

    @Test func fieldValuesCannotSplitAnAnswer() async throws {
        let responder = ClosureResponder { _, reply in
            reply.respond(HTTPResponse(status: 200, fields: [("X-Name", "a\r\nX-Evil: b")]))
        }
        try await withServer(responder) { server in
            let client = server.client()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let answer = try #require(client.receiveAnswer())
            #expect(answer.field("x-name") == "a  X-Evil: b")
            #expect(answer.field("x-evil") == nil)
        }
    }

    @Test func answersWithoutContentHaveNoLength() async throws {
        try await withServer(ClosureResponder { _, reply in reply.respond(.empty(204)) }) { server in
            let client = server.client()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let answer = try #require(client.receiveAnswer())
            #expect(answer.status == 204)
            #expect(answer.field("content-length") == nil)
        }
    }

    @Test func metricsCountWhatWasAnswered() async throws {
        try await withServer { server in
            let client = server.client()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\nPUT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            _ = client.receiveToEnd()
            #expect(server.metric(#"http_requests_total{server="test",method="get",status="2xx"}"#) == 1)
            #expect(server.metric(#"http_requests_total{server="test",method="put",status="2xx"}"#) == 1)
            #expect(server.metric(#"http_request_seconds_count{server="test"}"#) == 2)
        }
    }
}
