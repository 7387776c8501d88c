public import Bytes

/// A SUBACK (MQTT 5.0 3.9): one code for each topic filter of the SUBSCRIBE, in its order.
public struct MQTTSuback: Equatable, Sendable {
    /// 1 ... 65535.
    public var packetIdentifier: UInt16
    /// At least one. Before MQTT 5.0 the granted QoS or, for any failure, ``MQTTReasonCode/unspecifiedError``.
    public var reasonCodes: [MQTTReasonCode]
    /// MQTT 5.0 only.
    public var properties: MQTTProperties

    public init(
        packetIdentifier: UInt16, reasonCodes: [MQTTReasonCode], properties: MQTTProperties = MQTTProperties()
    ) {
        self.packetIdentifier = packetIdentifier
        self.reasonCodes = reasonCodes
        self.properties = properties
    }

    /// Decodes the SUBACK that `frame` found in `bytes`.
    public static func decode(
        _ frame: MQTTFrame, in bytes: Span<UInt8>, version: MQTTVersion
    ) throws(MQTTError) -> MQTTSuback {
        precondition(frame.type == .suback, "\(frame.type) is no SUBACK")
        var cursor = FieldCursor(frame, in: bytes)
        var suback = MQTTSuback(packetIdentifier: try cursor.packetIdentifier(bytes), reasonCodes: [])
        if version == .v5 { suback.properties = try cursor.properties(bytes, of: .suback) }
        while !cursor.isAtEnd {
            let code = try cursor.reasonCode(bytes, of: .suback)
            guard version == .v5 || Self.isKnownBefore5(code) else { throw .invalidReasonCode }
            suback.reasonCodes.append(code)
        }
        guard !suback.reasonCodes.isEmpty else { throw .emptySubscription }
        return suback
    }

    private static func isKnownBefore5(_ code: MQTTReasonCode) -> Bool {
        code == .unspecifiedError || code.rawValue <= MQTTReasonCode.grantedQoS2.rawValue
    }

    /// Appends the packet; before MQTT 5.0 every failure becomes 0x80.
    public func encode(version: MQTTVersion, into buffer: inout ByteBuffer) {
        precondition(!reasonCodes.isEmpty, "a SUBACK without reason code")
        precondition(version == .v5 || properties.isEmpty, "properties in \(version)")
        buffer.appendPacket(.suback) { body in
            body.append(packetIdentifier: packetIdentifier)
            if version == .v5 { properties.encode(into: &body, of: .suback) }
            for code in reasonCodes {
                precondition(code.isAllowed(in: .suback), "\(code) in SUBACK")
                body.append(version != .v5 && code.isFailure ? MQTTReasonCode.unspecifiedError.rawValue : code.rawValue)
            }
        }
    }
}
