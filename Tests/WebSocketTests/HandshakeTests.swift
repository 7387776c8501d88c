import Bytes
import HTTPServer
import Testing

@testable import WebSocket

@Suite struct HandshakeTests {
    private static let valid = [
        ("Host", "h"), ("Upgrade", "WebSocket"), ("Connection", "keep-alive, Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Protocol", "other, mqtt"),
    ]

    private func refusal(_ fields: [(String, String)], method: HTTPMethod = .get) -> WebSocketHandshake.Refusal? {
        do throws(WebSocketHandshake.Refusal) {
            _ = try WebSocketHandshake(HTTPRequest(method, "/mqtt", fields: fields), subprotocols: ["mqtt"])
            return nil
        } catch {
            return error
        }
    }

    /// The valid fields with one of them replaced, or without it.
    private func fields(_ name: String, _ value: String?) -> [(String, String)] {
        Self.valid.compactMap { field in field.0 == name ? value.map { (name, $0) } : field }
    }

    @Test func theExampleOfTheStandardIsAnswered() throws {
        let handshake = try WebSocketHandshake(
            HTTPRequest(.get, "/mqtt", fields: Self.valid), subprotocols: ["mqtt"])
        #expect(handshake.accept == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(handshake.subprotocol == "mqtt")
        var buffer = ByteBuffer()
        handshake.encode(into: &buffer)
        let lines = String(decoding: buffer.copy(), as: UTF8.self).split(separator: "\r\n").map(String.init)
        #expect(
            lines == [
                "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "Sec-WebSocket-Protocol: mqtt",
            ])
    }

    @Test func withoutSubprotocolsNoneIsChosen() throws {
        let handshake = try WebSocketHandshake(HTTPRequest(.get, "/", fields: Self.valid), subprotocols: [])
        #expect(handshake.subprotocol == nil)
    }

    @Test func otherRequestsAreRefusedWithWhatIsWrong() {
        #expect(refusal(Self.valid) == nil)
        #expect(refusal(Self.valid, method: .post) == .notAsked)
        #expect(refusal(fields("Upgrade", nil)) == .notAsked)
        #expect(refusal(fields("Upgrade", "h2c")) == .notAsked)
        #expect(refusal(fields("Connection", "keep-alive")) == .notAsked)
        #expect(refusal(fields("Sec-WebSocket-Version", "8")) == .unsupportedVersion)
        #expect(refusal(fields("Sec-WebSocket-Version", nil)) == .unsupportedVersion)
        for key in [nil, "", "short", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZTE="] {
            #expect(refusal(fields("Sec-WebSocket-Key", key)) == .invalidKey, "\(key ?? "none")")
        }
        #expect(refusal(Self.valid + [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]) == .invalidKey)
        #expect(refusal(fields("Sec-WebSocket-Protocol", "mqttv3.1")) == .noCommonProtocol)
        #expect(refusal(fields("Sec-WebSocket-Protocol", nil)) == .noCommonProtocol)
    }

    @Test func refusalsSayWhatIsSupported() {
        #expect(WebSocketHandshake.Refusal.unsupportedVersion.response.field("Sec-WebSocket-Version") == "13")
        #expect(WebSocketHandshake.Refusal.notAsked.response.status == 426)
        for refusal in WebSocketHandshake.Refusal.allCases { #expect(refusal.response.status >= 400) }
    }
}
