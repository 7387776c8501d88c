public import Bytes
import Crypto
public import HTTPServer

/// The answer of a server to a client that asks for a WebSocket (RFC 6455 4.2).
public struct WebSocketHandshake: Equatable, Sendable {
    /// Why a request opens no WebSocket.
    public enum Refusal: Error, Equatable, Sendable, CaseIterable {
        /// An ordinary request.
        case notAsked
        /// Another version than 13.
        case unsupportedVersion
        case invalidKey
        /// None of the protocols that the client speaks is spoken here.
        case noCommonProtocol

        /// What the client hears; the version that is spoken stands in its field (RFC 6455 4.4).
        public var response: HTTPResponse {
            switch self {
            case .notAsked:
                refusal(426, "Only WebSocket connections are served here", [("Upgrade", "websocket")])
            case .unsupportedVersion:
                refusal(426, "Only version 13 of WebSocket is supported", [("Sec-WebSocket-Version", "13")])
            case .invalidKey: refusal(400, "The field Sec-WebSocket-Key is missing or invalid", [])
            case .noCommonProtocol: refusal(400, "None of the sub-protocols is supported", [])
            }
        }

        private func refusal(_ status: Int, _ text: String, _ fields: [(String, String)]) -> HTTPResponse {
            var response = HTTPResponse.text(text, status: status)
            response.fields += fields
            return response
        }
    }

    /// `Sec-WebSocket-Accept`.
    public let accept: String
    /// The sub-protocol that was chosen; `nil` where none is spoken.
    public let subprotocol: String?

    /// Reads a request.
    ///
    /// - Parameter subprotocols: Spoken here, the best first; one of them must be the client's too. Empty: none is chosen.
    public init(_ request: HTTPRequest, subprotocols: [String]) throws(Refusal) {
        let fields = request.fields
        guard request.method == .get, fields.hasToken("websocket", in: "Upgrade"),
            fields.hasToken("upgrade", in: "Connection")
        else { throw .notAsked }
        guard fields["Sec-WebSocket-Version"] == "13" else { throw .unsupportedVersion }
        let keys = fields.all("Sec-WebSocket-Key")
        guard keys.count == 1, keys[0].utf8.count == 24, Base64.decode(keys[0])?.count == 16 else { throw .invalidKey }
        accept = Self.accept(of: keys[0])
        subprotocol = subprotocols.first { fields.hasToken($0, in: "Sec-WebSocket-Protocol") }
        guard subprotocol != nil || subprotocols.isEmpty else { throw .noCommonProtocol }
    }

    /// Proves that the key was read by somebody who speaks WebSocket (RFC 6455 1.3).
    static func accept(of key: String) -> String {
        Base64.encode(Digest.sha1(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)))
    }

    /// Appends the response that opens the WebSocket.
    public func encode(into buffer: inout ByteBuffer) {
        buffer.append(utf8: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        buffer.append(utf8: "Sec-WebSocket-Accept: \(accept)\r\n")
        if let subprotocol { buffer.append(utf8: "Sec-WebSocket-Protocol: \(subprotocol)\r\n") }
        buffer.append(utf8: "\r\n")
    }
}
