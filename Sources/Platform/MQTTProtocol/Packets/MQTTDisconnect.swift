public import Bytes

/// A DISCONNECT (MQTT 5.0 3.14). Before MQTT 5.0 it has no content and only clients send it.
public struct MQTTDisconnect: Equatable, Sendable {
    /// *Normal disconnection* before MQTT 5.0, and where the packet omits it.
    public var reasonCode: MQTTReasonCode
    /// MQTT 5.0 only.
    public var properties: MQTTProperties

    public init(reasonCode: MQTTReasonCode = .normalDisconnection, properties: MQTTProperties = MQTTProperties()) {
        self.reasonCode = reasonCode
        self.properties = properties
    }

    /// Decodes the DISCONNECT that `frame` found in `bytes`.
    public static func decode(
        _ frame: MQTTFrame, in bytes: Span<UInt8>, version: MQTTVersion
    ) throws(MQTTError) -> MQTTDisconnect {
        precondition(frame.type == .disconnect, "\(frame.type) is no DISCONNECT")
        var cursor = FieldCursor(frame, in: bytes)
        var disconnect = MQTTDisconnect()
        // MQTT 5.0 3.14.2.1: without reason code it is normal; 3.14.2.2.1: without property length there are none.
        if version == .v5, !cursor.isAtEnd {
            disconnect.reasonCode = try cursor.reasonCode(bytes, of: .disconnect)
            if !cursor.isAtEnd { disconnect.properties = try cursor.properties(bytes, of: .disconnect) }
        }
        try cursor.finish()
        return disconnect
    }

    /// Appends the packet in its shortest form. Reason and properties before MQTT 5.0 stop the program.
    public func encode(version: MQTTVersion, into buffer: inout ByteBuffer) {
        precondition(reasonCode.isAllowed(in: .disconnect), "\(reasonCode) in DISCONNECT")
        precondition(version == .v5 || self == MQTTDisconnect(), "\(reasonCode) in \(version)")
        buffer.appendPacket(.disconnect) { body in
            if properties.isEmpty {
                if reasonCode != .normalDisconnection { body.append(reasonCode.rawValue) }
            } else {
                body.append(reasonCode.rawValue)
                properties.encode(into: &body, of: .disconnect)
            }
        }
    }
}
