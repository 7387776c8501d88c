import HTTPServer
import Synchronization
import Testing

@Suite struct HTTPStopTests {
    @Test func runningRequestsAreAnsweredAndIdleConnectionsClosed() async throws {
        let held = Mutex<HTTPReply?>(nil)
        let responder = ClosureResponder { request, reply in
            if request.path == "/wait" { held.withLock { $0 = reply } } else { reply.respond(.empty(200)) }
        }
        try await withServer(responder) { server in
            let idle = server.client()
            let busy = server.client()
            idle.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(idle.receiveAnswer()?.status == 200)
            busy.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n")
            while held.withLock({ $0 == nil }) { await Task.yield() }
            let stopping = Task.detached { await server.server.stop(within: .seconds(10)) }
            #expect(idle.receiveToEnd() == "")
            held.withLock { $0 }?.respond(.text("done"))
            let answer = try #require(busy.receiveAnswer())
            #expect(answer.body == "done")
            #expect(answer.field("connection") == "close")
            #expect(busy.receiveToEnd() == "")
            await stopping.value
            #expect(server.metric(#"http_connections{server="test"}"#) == 0)
        }
    }

    @Test func requestsThatAreNotAnsweredAreCutOffAtTheDeadline() async throws {
        let arrived = Atomic(false)
        let responder = ClosureResponder { _, _ in arrived.store(true, ordering: .relaxed) }
        try await withServer(responder) { server in
            let client = server.client()
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            while !arrived.load(ordering: .relaxed) { await Task.yield() }
            await server.server.stop(within: .milliseconds(50))
            #expect(client.receiveToEnd() == "")
        }
    }

    @Test func theServerCanStopTwice() async throws {
        try await withServer { server in
            await server.server.stop(within: .seconds(1))
            await server.server.stop(within: .seconds(1))
        }
    }
}
