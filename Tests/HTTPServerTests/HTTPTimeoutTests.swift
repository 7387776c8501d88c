import HTTPServer
import Synchronization
import Testing

@Suite struct HTTPTimeoutTests {
    @Test func aHeadThatDoesNotEndIsAnswered408() async throws {
        try await withServer {
            $0.headTimeout = .milliseconds(60)
        } _: { server in
            let client = server.client()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n")
            #expect(client.receiveAnswer()?.status == 408)
            #expect(client.receiveToEnd() == "")
        }
    }

    @Test func sendingBytesOneByOneDoesNotStretchTheHead() async throws {
        try await withServer {
            $0.headTimeout = .milliseconds(100)
        } _: { server in
            let client = server.client()
            let started = ContinuousClock.now
            client.send("GET / HTTP/1.1\r\nHost: h\r\n")
            while ContinuousClock.now - started < .seconds(5), client.send("X: y\r\n") { await Task.yield() }
            #expect(ContinuousClock.now - started < .seconds(5))
        }
    }

    @Test func aConnectionThatSendsNothingIsClosedInSilence() async throws {
        try await withServer {
            $0.headTimeout = .milliseconds(60)
        } _: { server in
            #expect(server.client().receiveToEnd() == "")
        }
    }

    @Test func anIdleConnectionIsClosedInSilence() async throws {
        try await withServer {
            $0.idleTimeout = .milliseconds(60)
        } _: { server in
            let client = server.client()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.receiveAnswer()?.status == 200)
            #expect(client.receiveToEnd() == "")
        }
    }

    @Test func aBodyThatStallsIsAnswered408() async throws {
        try await withServer {
            $0.bodyPeriod = .milliseconds(60)
        } _: { server in
            for framing in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
                let client = server.client()
                client.send("POST / HTTP/1.1\r\nHost: h\r\n\(framing)\r\n\r\n5\r\nab")
                #expect(client.receiveAnswer()?.status == 408)
                #expect(client.receiveToEnd() == "")
            }
        }
    }

    @Test func aSlowAnswerDoesNotCloseTheConnection() async throws {
        let held = Mutex<HTTPReply?>(nil)
        let responder = ClosureResponder { _, reply in held.withLock { $0 = reply } }
        try await withServer(responder) { configuration in
            configuration.idleTimeout = .milliseconds(20)
            configuration.headTimeout = .milliseconds(20)
        } _: { server in
            let client = server.client()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            // Ten sweeps of an idle connection: that many are opened and closed meanwhile.
            for _ in 0..<3 { #expect(server.client().receiveToEnd() == "") }
            held.withLock { $0 }?.respond(.text("late"))
            #expect(client.receiveAnswer()?.body == "late")
        }
    }

    @Test func anAnswerThatDoesNotComeIsReplacedBy503() async throws {
        let held = Mutex<HTTPReply?>(nil)
        let responder = ClosureResponder { request, reply in
            if request.path == "/slow" { held.withLock { $0 = reply } } else { reply.respond(.text("quick")) }
        }
        try await withServer(responder) {
            $0.answerTimeout = .milliseconds(60)
        } _: { server in
            let client = server.client()
            client.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.receiveAnswer()?.status == 503)
            #expect(client.receiveAnswer()?.body == "quick")
            let reply = try #require(held.withLock { $0 })
            #expect(reply.isCancelled)
            reply.respond(.text("too late"))
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.receiveAnswer()?.body == "quick")
        }
    }

    @Test func aClientThatReadsNothingIsCutOff() async throws {
        let responder = ClosureResponder { _, reply in
            reply.respond(HTTPResponse(status: 200, body: [UInt8](repeating: 0x61, count: 8_000_000)))
        }
        try await withServer(responder) {
            $0.writeTimeout = .milliseconds(100)
        } _: { server in
            let client = server.client(receiveBuffer: 4096)
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            // One after the other: asked together, they may tell of the time before the connection and of the time after.
            while server.metric(#"http_sent_bytes_total{server="test"}"#) == 0 { await Task.yield() }
            while server.metric(#"http_connections{server="test"}"#) != 0 { await Task.yield() }
            #expect(client.receiveToEnd().utf8.count < 8_000_000)
        }
    }
}
