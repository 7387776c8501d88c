public import Bytes

/// The answers to a CONNECT before MQTT 5.0 (MQTT 3.1.1, table 3.1).
public enum MQTTConnectReturnCode: UInt8, Sendable, CaseIterable {
    case accepted = 0
    case unacceptableProtocolVersion = 1
    case identifierRejected = 2
    case serverUnavailable = 3
    case badUserNameOrPassword = 4
    case notAuthorized = 5
}

/// A CONNACK (MQTT 5.0 3.2).
public struct MQTTConnack: Equatable, Sendable {
    /// The answer in the words of the version.
    public enum Answer: Equatable, Sendable {
        /// Before MQTT 5.0.
        case returnCode(MQTTConnectReturnCode)
        /// MQTT 5.0.
        case reasonCode(MQTTReasonCode)

        public var isAccepted: Bool { self == .returnCode(.accepted) || self == .reasonCode(.success) }
        /// The code on the wire.
        public var rawValue: UInt8 {
            switch self {
            case .returnCode(let code): code.rawValue
            case .reasonCode(let code): code.rawValue
            }
        }
    }

    /// Only where the connection is accepted; unknown to MQTT V3.1.
    public var sessionPresent: Bool
    public var answer: Answer
    /// MQTT 5.0 only.
    public var properties: MQTTProperties

    public init(answer: Answer, sessionPresent: Bool = false, properties: MQTTProperties = MQTTProperties()) {
        self.answer = answer
        self.sessionPresent = sessionPresent
        self.properties = properties
    }

    /// Decodes the CONNACK that `frame` found in `bytes`.
    public static func decode(
        _ frame: MQTTFrame, in bytes: Span<UInt8>, version: MQTTVersion
    ) throws(MQTTError) -> MQTTConnack {
        precondition(frame.type == .connack, "\(frame.type) is no CONNACK")
        var cursor = FieldCursor(frame, in: bytes)
        // MQTT V3.1 reserves the whole byte and gives it no meaning.
        let flags = version == .v3_1 ? try cursor.byte(bytes) & 0 : try cursor.byte(bytes)
        guard flags <= 1 else { throw .reservedConnackFlags }
        let answer = try decodeAnswer(&cursor, bytes, version)
        guard flags == 0 || answer.isAccepted else { throw .sessionPresentOnRefusal }
        var connack = MQTTConnack(answer: answer, sessionPresent: flags == 1)
        if version == .v5 { connack.properties = try cursor.properties(bytes, of: .connack) }
        try cursor.finish()
        return connack
    }

    private static func decodeAnswer(
        _ cursor: inout FieldCursor, _ bytes: Span<UInt8>, _ version: MQTTVersion
    ) throws(MQTTError) -> Answer {
        if version == .v5 { return .reasonCode(try cursor.reasonCode(bytes, of: .connack)) }
        guard let code = MQTTConnectReturnCode(rawValue: try cursor.byte(bytes)) else { throw .invalidReasonCode }
        return .returnCode(code)
    }

    /// Appends the packet. An answer in the words of another version stops the program.
    public func encode(version: MQTTVersion, into buffer: inout ByteBuffer) {
        precondition(!sessionPresent || answer.isAccepted, "session present on a refused connection")
        switch answer {
        case .returnCode: precondition(version != .v5 && properties.isEmpty, "\(answer) in \(version)")
        case .reasonCode(let code):
            precondition(version == .v5 && code.isAllowed(in: .connack), "\(answer) in \(version)")
        }
        buffer.appendPacket(.connack) { body in
            // MQTT 3.1 reserves the byte; servers of this API set it there as well (`device-api.md` 2.3).
            body.append(sessionPresent ? 1 : 0)
            body.append(answer.rawValue)
            if version == .v5 { properties.encode(into: &body, of: .connack) }
        }
    }
}
