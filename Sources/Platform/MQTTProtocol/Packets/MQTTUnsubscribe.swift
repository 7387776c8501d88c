public import Bytes

/// An UNSUBSCRIBE (MQTT 5.0 3.10).
public struct MQTTUnsubscribe: Equatable, Sendable {
    /// 1 ... 65535.
    public var packetIdentifier: UInt16
    /// At least one.
    public var topicFilters: [String]
    /// MQTT 5.0 only.
    public var properties: MQTTProperties

    public init(packetIdentifier: UInt16, topicFilters: [String], properties: MQTTProperties = MQTTProperties()) {
        self.packetIdentifier = packetIdentifier
        self.topicFilters = topicFilters
        self.properties = properties
    }

    /// Decodes the UNSUBSCRIBE that `frame` found in `bytes`.
    public static func decode(
        _ frame: MQTTFrame, in bytes: Span<UInt8>, version: MQTTVersion
    ) throws(MQTTError) -> MQTTUnsubscribe {
        precondition(frame.type == .unsubscribe, "\(frame.type) is no UNSUBSCRIBE")
        var cursor = FieldCursor(frame, in: bytes)
        var unsubscribe = MQTTUnsubscribe(packetIdentifier: try cursor.packetIdentifier(bytes), topicFilters: [])
        if version == .v5 { unsubscribe.properties = try cursor.properties(bytes, of: .unsubscribe) }
        while !cursor.isAtEnd {
            unsubscribe.topicFilters.append(bytes.string(try cursor.topicFilterRange(bytes, version)))
        }
        guard !unsubscribe.topicFilters.isEmpty else { throw .emptySubscription }
        return unsubscribe
    }

    /// Appends the packet.
    public func encode(version: MQTTVersion, into buffer: inout ByteBuffer) {
        precondition(!topicFilters.isEmpty, "an UNSUBSCRIBE without topic filter")
        precondition(version == .v5 || properties.isEmpty, "properties in \(version)")
        buffer.appendPacket(.unsubscribe) { body in
            body.append(packetIdentifier: packetIdentifier)
            if version == .v5 { properties.encode(into: &body, of: .unsubscribe) }
            for filter in topicFilters { body.append(field: filter) }
        }
    }
}

/// An UNSUBACK (MQTT 5.0 3.11): in MQTT 5.0 one code for each topic filter of the UNSUBSCRIBE, in its order.
public struct MQTTUnsuback: Equatable, Sendable {
    /// 1 ... 65535.
    public var packetIdentifier: UInt16
    /// At least one in MQTT 5.0, none before.
    public var reasonCodes: [MQTTReasonCode]
    /// MQTT 5.0 only.
    public var properties: MQTTProperties

    public init(
        packetIdentifier: UInt16, reasonCodes: [MQTTReasonCode] = [], properties: MQTTProperties = MQTTProperties()
    ) {
        self.packetIdentifier = packetIdentifier
        self.reasonCodes = reasonCodes
        self.properties = properties
    }

    /// Decodes the UNSUBACK that `frame` found in `bytes`.
    public static func decode(
        _ frame: MQTTFrame, in bytes: Span<UInt8>, version: MQTTVersion
    ) throws(MQTTError) -> MQTTUnsuback {
        precondition(frame.type == .unsuback, "\(frame.type) is no UNSUBACK")
        var cursor = FieldCursor(frame, in: bytes)
        var unsuback = MQTTUnsuback(packetIdentifier: try cursor.packetIdentifier(bytes))
        guard version == .v5 else {
            try cursor.finish()
            return unsuback
        }
        unsuback.properties = try cursor.properties(bytes, of: .unsuback)
        while !cursor.isAtEnd {
            unsuback.reasonCodes.append(try cursor.reasonCode(bytes, of: .unsuback))
        }
        guard !unsuback.reasonCodes.isEmpty else { throw .emptySubscription }
        return unsuback
    }

    /// Appends the packet; before MQTT 5.0 without the reason codes.
    public func encode(version: MQTTVersion, into buffer: inout ByteBuffer) {
        precondition(version != .v5 || !reasonCodes.isEmpty, "an UNSUBACK without reason code")
        precondition(version == .v5 || properties.isEmpty, "properties in \(version)")
        buffer.appendPacket(.unsuback) { body in
            body.append(packetIdentifier: packetIdentifier)
            guard version == .v5 else { return }
            properties.encode(into: &body, of: .unsuback)
            for code in reasonCodes {
                precondition(code.isAllowed(in: .unsuback), "\(code) in UNSUBACK")
                body.append(code.rawValue)
            }
        }
    }
}
