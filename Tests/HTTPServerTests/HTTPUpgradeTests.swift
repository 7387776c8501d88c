import Bytes
import HTTPServer
import Reactor
import Testing

/// Sends every byte back, with a mark in front of each piece.
private final class EchoHandler: ConnectionHandler {
    func connection(_ c: Connection, received bytes: Span<UInt8>) -> Int {
        c.write { output in
            output.append(utf8: ">")
            output.append(bytes)
        }
        return bytes.count
    }

    func connectionInputEnded(_ c: Connection) { c.close(.peerClosed) }
    func connectionDidClose(_ c: Connection, reason: CloseReason) {}
}

@Suite struct HTTPUpgradeTests {
    private static let request = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

    @Test func theConnectionIsHandedOverWithTheBytesBehindTheRequest() async throws {
        try await withServer { configuration in
            configuration.upgrade = { request, connection in
                guard request.path == "/ws", request.fields["upgrade"] == "echo" else { return nil }
                connection.write { $0.append(utf8: "HTTP/1.1 101 Switching Protocols\r\n\r\n") }
                return EchoHandler()
            }
        } _: { server in
            let client = server.client()
            client.send(HTTPUpgradeTests.request + "early")
            #expect(client.receive(upTo: "\r\n\r\n")?.hasPrefix("HTTP/1.1 101") == true)
            #expect(client.receive(count: 6) == ">early")
            client.send("late")
            #expect(client.receive(count: 5) == ">late")
            #expect(server.metric(#"http_connections{server="test"}"#) == 0)
        }
    }

    @Test func withoutTakerTheRequestIsOrdinary() async throws {
        try await withServer {
            $0.upgrade = { _, _ in nil }
        } _: { server in
            let client = server.client()
            client.send(HTTPUpgradeTests.request + "GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.receiveAnswer()?.body == "GET /ws []")
            #expect(client.receiveAnswer()?.body == "GET /next []")
        }
    }
}
