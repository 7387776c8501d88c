/// What a frame is (RFC 6455 5.2, 11.8).
public enum WebSocketOpcode: UInt8, Sendable, CaseIterable {
    /// Another part of the message that has begun.
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xA

    /// Frames about the connection: short, whole, and allowed between the parts of a message (RFC 6455 5.5).
    public var isControl: Bool { rawValue >= 0x8 }
}

/// Why a WebSocket is closed (RFC 6455 7.4).
public struct WebSocketCloseCode: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let normal = WebSocketCloseCode(rawValue: 1000)
    public static let goingAway = WebSocketCloseCode(rawValue: 1001)
    public static let protocolError = WebSocketCloseCode(rawValue: 1002)
    /// A kind of data that is not taken here.
    public static let unsupportedData = WebSocketCloseCode(rawValue: 1003)
    /// Text that is not UTF-8.
    public static let invalidPayload = WebSocketCloseCode(rawValue: 1007)
    public static let policyViolation = WebSocketCloseCode(rawValue: 1008)
    public static let messageTooBig = WebSocketCloseCode(rawValue: 1009)

    /// Whether an endpoint may send it (RFC 6455 7.4.1, 7.4.2): the registered ones, and those of libraries and
    /// applications.
    public var maySend: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}

/// What is wrong with the frames of a client.
public enum WebSocketError: Error, Equatable, Sendable, CaseIterable {
    /// No extension was agreed on.
    case reservedBits
    case unknownOpcode
    /// Clients mask what they send (RFC 6455 5.1).
    case unmasked
    /// More than 125 bytes, or a part only.
    case invalidControlFrame
    /// A length in more bytes than it needs, or beyond 63 bits.
    case invalidLength
    /// A continuation of nothing, or a new message inside another.
    case invalidFragment
    /// A close frame whose code is cut off or may not be sent.
    case invalidCloseCode
    /// A reason that is not UTF-8.
    case invalidCloseReason
    case messageTooBig

    /// What the close frame says that answers it.
    public var closeCode: WebSocketCloseCode {
        switch self {
        case .reservedBits, .unknownOpcode, .unmasked, .invalidControlFrame, .invalidLength, .invalidFragment,
            .invalidCloseCode:
            .protocolError
        case .invalidCloseReason: .invalidPayload
        case .messageTooBig: .messageTooBig
        }
    }
}
