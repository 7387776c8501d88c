public import Bytes

/// What a server sends of its retained messages when a subscription is made (MQTT 5.0 3.8.3.1).
public enum MQTTRetainHandling: UInt8, Sendable, CaseIterable {
    case sendAtSubscribe = 0
    case sendAtNewSubscribe = 1
    case doNotSend = 2
}

/// A topic filter with its options.
public struct MQTTSubscription: Equatable, Sendable {
    public var topicFilter: String
    /// The most that is asked for.
    public var qos: MQTTQoS
    /// MQTT 5.0 only, as the ones below.
    public var noLocal: Bool
    public var retainAsPublished: Bool
    public var retainHandling: MQTTRetainHandling

    public init(
        topicFilter: String, qos: MQTTQoS, noLocal: Bool = false, retainAsPublished: Bool = false,
        retainHandling: MQTTRetainHandling = .sendAtSubscribe
    ) {
        self.topicFilter = topicFilter
        self.qos = qos
        self.noLocal = noLocal
        self.retainAsPublished = retainAsPublished
        self.retainHandling = retainHandling
    }

    /// The options byte of MQTT 5.0; before, only its QoS has a place.
    var options: UInt8 {
        qos.rawValue | (noLocal ? 0b100 : 0) | (retainAsPublished ? 0b1000 : 0) | retainHandling.rawValue << 4
    }
}

/// A SUBSCRIBE (MQTT 5.0 3.8).
public struct MQTTSubscribe: Equatable, Sendable {
    /// 1 ... 65535.
    public var packetIdentifier: UInt16
    /// At least one.
    public var subscriptions: [MQTTSubscription]
    /// MQTT 5.0 only.
    public var properties: MQTTProperties

    public init(
        packetIdentifier: UInt16, subscriptions: [MQTTSubscription], properties: MQTTProperties = MQTTProperties()
    ) {
        self.packetIdentifier = packetIdentifier
        self.subscriptions = subscriptions
        self.properties = properties
    }

    /// Decodes the SUBSCRIBE that `frame` found in `bytes`.
    public static func decode(
        _ frame: MQTTFrame, in bytes: Span<UInt8>, version: MQTTVersion
    ) throws(MQTTError) -> MQTTSubscribe {
        precondition(frame.type == .subscribe, "\(frame.type) is no SUBSCRIBE")
        var cursor = FieldCursor(frame, in: bytes)
        var subscribe = MQTTSubscribe(packetIdentifier: try cursor.packetIdentifier(bytes), subscriptions: [])
        if version == .v5 { subscribe.properties = try cursor.properties(bytes, of: .subscribe) }
        while !cursor.isAtEnd {
            subscribe.subscriptions.append(try decodeSubscription(&cursor, bytes, version))
        }
        guard !subscribe.subscriptions.isEmpty else { throw .emptySubscription }
        return subscribe
    }

    private static func decodeSubscription(
        _ cursor: inout FieldCursor, _ bytes: Span<UInt8>, _ version: MQTTVersion
    ) throws(MQTTError) -> MQTTSubscription {
        let filter = try cursor.topicFilterRange(bytes, version)
        var options = try cursor.byte(bytes)
        switch version {
        case .v3_1: options &= 0b11  // The other bits have no meaning (MQTT V3.1 3.8).
        case .v3_1_1: guard options & 0b1111_1100 == 0 else { throw .reservedSubscriptionOptions }
        case .v5: guard options & 0b1100_0000 == 0 else { throw .reservedSubscriptionOptions }
        }
        guard let qos = MQTTQoS(rawValue: options & 0b11) else { throw .invalidQoS }
        guard let retainHandling = MQTTRetainHandling(rawValue: options >> 4) else { throw .invalidRetainHandling }
        let noLocal = options & 0b100 != 0
        guard !noLocal || !TopicFilter.isShared(bytes, in: filter) else { throw .noLocalOnSharedSubscription }
        return MQTTSubscription(
            topicFilter: bytes.string(filter), qos: qos, noLocal: noLocal, retainAsPublished: options & 0b1000 != 0,
            retainHandling: retainHandling)
    }

    /// Appends the packet.
    public func encode(version: MQTTVersion, into buffer: inout ByteBuffer) {
        precondition(!subscriptions.isEmpty, "a SUBSCRIBE without topic filter")
        precondition(version == .v5 || properties.isEmpty, "properties in \(version)")
        buffer.appendPacket(.subscribe) { body in
            body.append(packetIdentifier: packetIdentifier)
            if version == .v5 { properties.encode(into: &body, of: .subscribe) }
            for subscription in subscriptions {
                precondition(version == .v5 || subscription.options <= 2, "options of MQTT 5.0 in \(version)")
                body.append(field: subscription.topicFilter)
                body.append(subscription.options)
            }
        }
    }
}
