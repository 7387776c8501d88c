public import Bytes

/// A PUBACK, PUBREC, PUBREL or PUBCOMP (MQTT 5.0 3.4 to 3.7), which differ in their reason codes only. Decoding and the
/// short forms of encoding allocate nothing.
public struct MQTTAcknowledgement: Equatable, Sendable {
    public enum Kind: Sendable, CaseIterable {
        case puback
        case pubrec
        case pubrel
        case pubcomp

        public var packetType: MQTTPacketType {
            switch self {
            case .puback: .puback
            case .pubrec: .pubrec
            case .pubrel: .pubrel
            case .pubcomp: .pubcomp
            }
        }

        var owner: MQTTPropertyOwner {
            switch self {
            case .puback: .puback
            case .pubrec: .pubrec
            case .pubrel: .pubrel
            case .pubcomp: .pubcomp
            }
        }

        init?(_ type: MQTTPacketType) {
            switch type {
            case .puback: self = .puback
            case .pubrec: self = .pubrec
            case .pubrel: self = .pubrel
            case .pubcomp: self = .pubcomp
            case .connect, .connack, .publish, .subscribe, .suback, .unsubscribe, .unsuback, .pingreq, .pingresp,
                .disconnect, .auth:
                return nil
            }
        }
    }

    public var kind: Kind
    /// 1 ... 65535.
    public var packetIdentifier: UInt16
    /// Success before MQTT 5.0, and where the packet omits it.
    public var reasonCode: MQTTReasonCode
    /// The properties behind their length, checked; empty before MQTT 5.0.
    public var properties: Range<Int>

    /// Decodes the packet that `frame` found in `bytes`.
    public static func decode(
        _ frame: MQTTFrame, in bytes: Span<UInt8>, version: MQTTVersion
    ) throws(MQTTError) -> MQTTAcknowledgement {
        guard let kind = Kind(frame.type) else { preconditionFailure("\(frame.type) is no acknowledgement") }
        var cursor = FieldCursor(frame, in: bytes)
        let packetIdentifier = try cursor.packetIdentifier(bytes)
        var decoded = MQTTAcknowledgement(
            kind: kind, packetIdentifier: packetIdentifier, reasonCode: .success, properties: frame.end..<frame.end)
        // MQTT 5.0 3.4.2.1: without reason code it is success; 3.4.2.2.1: without property length there are none.
        guard version == .v5, !cursor.isAtEnd else {
            try cursor.finish()
            return decoded
        }
        decoded.reasonCode = try cursor.reasonCode(bytes, of: frame.type)
        if !cursor.isAtEnd {
            decoded.properties = try cursor.propertiesRange(bytes)
            var walker = PropertyWalker(decoded.properties, in: bytes, of: kind.owner)
            try walker.checkAll(bytes)
        }
        try cursor.finish()
        return decoded
    }

    /// The properties as values; `bytes` is the span that the packet was decoded from. Allocates.
    public func decodeProperties(in bytes: Span<UInt8>) throws(MQTTError) -> MQTTProperties {
        try MQTTProperties.decode(properties, in: bytes, of: kind.owner)
    }

    /// Appends the packet in its shortest form: without reason code where that is success or `version` has none.
    public static func encode(
        _ kind: Kind, packetIdentifier: UInt16, reasonCode: MQTTReasonCode = .success, version: MQTTVersion,
        into buffer: inout ByteBuffer
    ) {
        precondition(packetIdentifier != 0, "packet identifier 0")
        let start = UInt32(kind.packetType.firstByte) << 24 | UInt32(packetIdentifier)
        if reasonCode == .success || version != .v5 {
            buffer.append(bigEndian: start | 2 << 16)
        } else {
            precondition(reasonCode.isAllowed(in: kind.packetType), "\(reasonCode) in \(kind)")
            buffer.append(bigEndian: start | 3 << 16)
            buffer.append(reasonCode.rawValue)
        }
    }

    /// Appends the packet of MQTT 5.0 with properties.
    public static func encode(
        _ kind: Kind, packetIdentifier: UInt16, reasonCode: MQTTReasonCode, properties: MQTTProperties,
        into buffer: inout ByteBuffer
    ) {
        precondition(reasonCode.isAllowed(in: kind.packetType), "\(reasonCode) in \(kind)")
        buffer.appendPacket(kind.packetType) { body in
            body.append(packetIdentifier: packetIdentifier)
            body.append(reasonCode.rawValue)
            properties.encode(into: &body, of: kind.owner)
        }
    }
}
