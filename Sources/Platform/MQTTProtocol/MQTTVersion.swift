/// The versions of MQTT that are spoken; the raw value is the protocol level in CONNECT.
public enum MQTTVersion: UInt8, Sendable, CaseIterable {
    /// MQTT V3.1, protocol name `MQIsdp`.
    case v3_1 = 3
    /// MQTT 3.1.1, protocol name `MQTT`.
    case v3_1_1 = 4
    /// MQTT 5.0, protocol name `MQTT`.
    case v5 = 5
}

/// Which side of a connection sent a packet.
public enum MQTTSender: Sendable {
    case client
    case server
}

/// The promise of delivery of one message (MQTT 5.0 4.3).
public enum MQTTQoS: UInt8, Sendable, CaseIterable, Comparable {
    case atMostOnce = 0
    case atLeastOnce = 1
    case exactlyOnce = 2

    @inlinable
    public static func < (left: MQTTQoS, right: MQTTQoS) -> Bool { left.rawValue < right.rawValue }
}
