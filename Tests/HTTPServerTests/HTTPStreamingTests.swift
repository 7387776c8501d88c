import HTTPServer
import Synchronization
import Testing

@Suite struct HTTPStreamingTests {
    private static func pieces(_ count: Int, of size: Int, length: Int? = nil) -> ClosureResponder {
        ClosureResponder { _, reply in
            reply.respond(
                .streaming(fields: [("Content-Type", "text/plain")], length: length) { writer in
                    for number in 0..<count {
                        try await writer.write([UInt8](repeating: UInt8(ascii: "a") + UInt8(number % 26), count: size))
                    }
                })
        }
    }

    @Test func aBodyWithoutLengthIsChunked() async throws {
        try await withServer(HTTPStreamingTests.pieces(2, of: 20)) { server in
            let client = server.client()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            for _ in 0..<2 {
                let answer = try #require(client.receiveAnswer())
                #expect(answer.field("transfer-encoding") == "chunked")
                #expect(answer.field("content-length") == nil)
                let chunks = ["a", "b"].map { "14\r\n\(String(repeating: $0, count: 20))\r\n" }.joined()
                #expect(client.receive(upTo: "0\r\n\r\n") == chunks + "0\r\n\r\n")
            }
            #expect(client.receiveToEnd() == "")
        }
    }

    @Test func aKnownLengthIsTold() async throws {
        try await withServer(HTTPStreamingTests.pieces(2, of: 3, length: 6)) { server in
            let client = server.client()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let answer = try #require(client.receiveAnswer())
            #expect(answer.field("transfer-encoding") == nil)
            #expect(answer.body == "aaabbb")
        }
    }

    @Test func aVersion1_0BodyEndsWithTheConnection() async throws {
        try await withServer(HTTPStreamingTests.pieces(2, of: 3)) { server in
            let client = server.client()
            client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            let answer = try #require(client.receiveAnswer())
            #expect(answer.field("connection") == "close")
            #expect(client.receiveToEnd() == "aaabbb")
        }
    }

    @Test(arguments: [5, 7]) func aBodyOfAnotherLengthBreaksTheConnection(_ length: Int) async throws {
        try await withServer(HTTPStreamingTests.pieces(2, of: 3, length: length)) { server in
            let client = server.client()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(!client.receiveToEnd().dropFirst(20).contains("HTTP/1.1 200"))
        }
    }

    @Test func headOfAStreamProducesNothing() async throws {
        try await withServer(HTTPStreamingTests.pieces(2, of: 3)) { server in
            let client = server.client()
            client.send("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(client.receiveToEnd().hasSuffix("\r\n\r\n"))
        }
    }

    @Test func aSlowReaderSlowsTheProducer() async throws {
        let written = Atomic(0)
        let total = 64 * 1_048_576
        let responder = ClosureResponder { _, reply in
            reply.respond(
                .streaming(fields: [], length: total) { writer in
                    for _ in 0..<(total / 65_536) {
                        try await writer.write([UInt8](repeating: 0x62, count: 65_536))
                        written.add(65_536, ordering: .relaxed)
                    }
                })
        }
        try await withServer(responder) { server in
            let client = server.client(receiveBuffer: 65_536)
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.receive(upTo: "\r\n\r\n") != nil)
            var read = 0
            var largestLead = 0
            while read < total {
                let step = min(1_048_576, total - read)
                #expect(client.receive(count: step) != nil)
                read += step
                largestLead = max(largestLead, written.load(ordering: .relaxed) - read)
            }
            #expect(read == total)
            // What the kernel's buffers and the connection's output hold; without back pressure it would be all of it.
            #expect(largestLead < 16 * 1_048_576)
        }
    }

    @Test func theProducerLearnsThatTheClientHasGone() async throws {
        let outcome = Mutex<(any Error)?>(nil)
        let responder = ClosureResponder { _, reply in
            reply.respond(
                .streaming(fields: []) { writer in
                    do {
                        while true { try await writer.write([UInt8](repeating: 0x63, count: 65_536)) }
                    } catch {
                        outcome.withLock { $0 = error }
                        throw error
                    }
                })
        }
        try await withServer(responder) { server in
            var client: RawClient? = server.client()
            client?.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client?.receive(upTo: "\r\n\r\n") != nil)
            client = nil
            while outcome.withLock({ $0 == nil }) { await Task.yield() }
            #expect(outcome.withLock { $0 as? HTTPStreamError } == .disconnected)
        }
    }
}
