import MQTTProtocol

/// The client's side of a WebSocket below a ``TestClient``.
struct TestWebSocket {
    private var bytes: [UInt8] = []
    /// What the server said when it closed.
    private(set) var closeCode: Int?
    private(set) var pongs: [[UInt8]] = []

    /// One masked frame.
    static func frame(_ payload: [UInt8], opcode: UInt8 = 2, isFinal: Bool = true) -> [UInt8] {
        let mask: [UInt8] = [0x12, 0x80, 0xFF, 0x07]
        var frame: [UInt8] = [(isFinal ? 0x80 : 0) | opcode]
        if payload.count <= 125 {
            frame.append(0x80 | UInt8(payload.count))
        } else {
            frame += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        }
        return frame + mask + payload.enumerated().map { $1 ^ mask[$0 & 3] }
    }

    /// Takes bytes of the server's; returns the payload of whole binary frames.
    mutating func unframe(_ received: ArraySlice<UInt8>) throws -> [UInt8] {
        bytes += received
        var payload: [UInt8] = []
        while bytes.count >= 2 {
            guard bytes[0] & 0x70 == 0, bytes[0] & 0x80 != 0, bytes[1] & 0x80 == 0 else {
                throw TestClient.Failure(description: "no frame of a server: \(bytes.prefix(4))")
            }
            var (start, length) = (2, Int(bytes[1]))
            if length == 126 {
                guard bytes.count >= 4 else { break }
                (start, length) = (4, Int(bytes[2]) << 8 | Int(bytes[3]))
            } else if length == 127 {
                guard bytes.count >= 10 else { break }
                (start, length) = (10, bytes[2..<10].reduce(0) { $0 << 8 | Int($1) })
            }
            guard bytes.count >= start + length else { break }
            let content = Array(bytes[start..<(start + length)])
            switch bytes[0] & 0x0F {
            case 2: payload += content
            case 8: closeCode = content.count >= 2 ? Int(content[0]) << 8 | Int(content[1]) : 0
            case 10: pongs.append(content)
            case let other: throw TestClient.Failure(description: "a frame of type \(other)")
            }
            bytes.removeFirst(start + length)
        }
        return payload
    }
}

extension TestClient {
    /// The head of a request for a WebSocket.
    static func upgrade(path: String = "/mqtt", subprotocol: String = "mqtt") -> String {
        "GET \(path) HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Protocol: \(subprotocol)\r\n\r\n"
    }

    /// A client behind an open WebSocket.
    static func overWebSocket(port: Int, version: MQTTVersion = .v3_1_1) throws -> TestClient {
        let client = try TestClient(port: port, version: version)
        client.sendRaw(Array(upgrade().utf8))
        let head = try client.receiveHead()
        guard head.hasPrefix("HTTP/1.1 101 "), head.contains("Sec-WebSocket-Protocol: mqtt\r\n") else {
            throw Failure(description: "refused: \(head)")
        }
        client.webSocket = TestWebSocket()
        return client
    }
}
