import Bytes
import MQTTProtocol
import Messages
import Model
import TestSupport
import Testing

@testable import MQTTTransport

/// MQTT over WebSocket (MQTT 5.0 6).
@Suite struct WebSocketTests {
    private func withWebSockets(
        _ configure: (inout MQTTTransportConfiguration) -> Void = { _ in }, _ body: (Harness) async throws -> Void
    ) async throws {
        try await Harness.run { mqtt, _ in
            mqtt.webSocket.plain = .init(bindAddress: "127.0.0.1", port: 0)
            configure(&mqtt)
        } _: { harness in
            try await body(harness)
        }
    }

    private func connected(_ harness: Harness, _ version: MQTTVersion = .v3_1_1) throws -> TestClient {
        let client = try TestClient.overWebSocket(port: harness.webSocketPort, version: version)
        try client.connect(userName: "tok-1")
        return client
    }

    // MARK: - Sessions

    @Test(arguments: [MQTTVersion.v3_1, .v3_1_1, .v5], 1...4 as ClosedRange<UInt64>)
    func generatedSessionsInFramesOfAnyLengthAreAnsweredInFullAndInOrder(
        _ version: MQTTVersion, _ seed: UInt64
    ) async throws {
        var random = SeededRandom(seed: seed)
        let session = GeneratedSession(version, &random)
        // Frames whose borders are not those of packets, in reads whose borders are not those of frames.
        var stream: [UInt8] = []
        for piece in session.pieces(of: 1...(seed == 1 ? 3 : 200), &random) {
            stream += TestWebSocket.frame(piece, isFinal: true)
            if random.oneIn(10) { stream += TestWebSocket.frame(random.bytes(3), opcode: 9) }
        }
        var reads: [[UInt8]] = []
        var start = 0
        while start < stream.count {
            let end = min(stream.count, start + Int.random(in: 1...250, using: &random))
            reads.append(Array(stream[start..<end]))
            start = end
        }
        let pieces = reads
        try await withWebSockets {
            $0.maximumInFlight = 8
        } _: { harness in
            let client = try connected(harness, version)
            for piece in pieces { client.sendRaw(piece) }
            try await session.verify(client, harness)
        }
    }

    @Test func aPacketMayComeInPartsOfAMessageWithPingsBetweenThem() async throws {
        try await withWebSockets { harness in
            let client = try connected(harness)
            client.sendRaw(TestWebSocket.frame([0xC0], isFinal: false))
            client.sendRaw(TestWebSocket.frame(Array("hello".utf8), opcode: 9))
            client.sendRaw(TestWebSocket.frame([0x00], opcode: 0))
            _ = try client.expect(.pingresp)
            #expect(client.webSocket?.pongs == [Array("hello".utf8)])
        }
    }

    @Test func whatComesRightBehindTheHandshakeIsTaken() async throws {
        try await withWebSockets { harness in
            let client = try TestClient(port: harness.webSocketPort)
            let connect = MQTTConnect(version: .v3_1_1, clientIdentifier: "c", userName: "tok-1")
            var packets = ByteBuffer()
            connect.encode(into: &packets)
            MQTTPing.encodeRequest(into: &packets)
            client.sendRaw(Array(TestClient.upgrade().utf8) + TestWebSocket.frame(packets.copy()))
            _ = try client.receiveHead()
            client.webSocket = TestWebSocket()
            _ = try client.expect(.connack)
            _ = try client.expect(.pingresp)
        }
    }

    @Test func aLargeMessageGoesBothWays() async throws {
        try await withWebSockets { harness in
            let client = try connected(harness, .v5)
            let long = String(repeating: "x", count: 60_000)
            try client.expectPuback(client.publish("v1/devices/me/telemetry", #"{"long":"\#(long)"}"#), 0)
            _ = try client.subscribe("v1/devices/me/rpc/request/+")
            let session = try await harness.lastSession()
            harness.notify(
                .rpcRequest(
                    session.sessionID,
                    ToDeviceRPCRequest(
                        requestID: 1, method: "m", params: #""\#(long)""#, expirationTime: .max, rpcID: .random(),
                        isOneWay: false)))
            let message = try client.message()
            #expect(message.payload == #"{"method":"m","params":"\#(long)"}"#)
        }
    }

    // MARK: - Ends

    @Test func aClientThatClosesIsAnsweredAndItsSessionEnds() async throws {
        try await withWebSockets { harness in
            let client = try connected(harness)
            client.sendRaw(TestWebSocket.frame([0x03, 0xE8], opcode: 8))
            let rest = try client.receive()
            #expect(rest == nil)
            #expect(client.webSocket?.closeCode == 1000)
            _ = try await harness.core.next("the end of the session") {
                if case .sessionClosed = $0 { true } else { nil }
            }
        }
    }

    @Test func theServerSaysWhyItCloses() async throws {
        try await withWebSockets { harness in
            func close(_ version: MQTTVersion, _ bytes: [UInt8], isFrame: Bool = true) throws -> Int? {
                let client = try connected(harness, version)
                client.sendRaw(isFrame ? bytes : TestWebSocket.frame(bytes))
                while try client.receive() != nil {}
                return client.webSocket?.closeCode
            }
            let codes = try [
                // MQTT's DISCONNECT, a packet that MQTT does not know.
                close(.v5, [0xE0, 0x00], isFrame: false), close(.v3_1_1, [0x00, 0x00], isFrame: false),
                close(.v5, [0x00, 0x00], isFrame: false),
                // Text, no mask, a reserved bit, a close whose reason is no text.
                close(.v3_1_1, TestWebSocket.frame([0xC0, 0x00], opcode: 1)), close(.v3_1_1, [0x82, 0x02, 0xC0, 0x00]),
                close(.v3_1_1, [0xC2, 0x80, 0, 0, 0, 0]),
                close(.v3_1_1, TestWebSocket.frame([0x03, 0xE8, 0xFF], opcode: 8)),
            ]
            #expect(codes == [1000, 1002, 1002, 1003, 1002, 1002, 1007])
        }
    }

    @Test func aSessionThatThePlatformClosesEndsTheWebSocket() async throws {
        try await withWebSockets { harness in
            let client = try connected(harness, .v5)
            let session = try await harness.lastSession()
            harness.notify(.closeSession(session.sessionID, .credentialsUpdated))
            try client.expectDisconnect(0x98)
            #expect(client.webSocket?.closeCode == 1008)
        }
    }

    // MARK: - Requests that open none

    @Test func otherRequestsAreAnsweredWithWhatIsWrong() async throws {
        try await withWebSockets { harness in
            func status(_ request: String) throws -> String {
                let client = try TestClient(port: harness.webSocketPort)
                client.sendRaw(Array(request.utf8))
                return String(try client.receiveHead().prefix(12).suffix(3))
            }
            let answers = try [
                status(TestClient.upgrade(path: "/other")), status(TestClient.upgrade(subprotocol: "soap")),
                status("GET /mqtt HTTP/1.1\r\nHost: h\r\n\r\n"),
                status("POST /mqtt HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n1"), status("nonsense\r\n\r\n"),
            ]
            #expect(answers == ["404", "400", "426", "413", "400"])
        }
    }

    @Test func blockedAddressesAreClosedAtAccept() async throws {
        try await withWebSockets {
            $0.maximumRefusalsPerAddress = 1
        } _: { harness in
            let client = try TestClient.overWebSocket(port: harness.webSocketPort)
            #expect(throws: TestClient.Failure.self) { try client.connect(userName: "wrong") }
            #expect(throws: TestClient.Failure.self) {
                _ = try TestClient.overWebSocket(port: harness.webSocketPort)
            }
        }
    }
}
