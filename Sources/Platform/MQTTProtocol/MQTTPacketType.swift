/// The MQTT control packet types (MQTT 5.0 2.1.2).
public enum MQTTPacketType: UInt8, Sendable, CaseIterable {
    case connect = 1
    case connack = 2
    case publish = 3
    case puback = 4
    case pubrec = 5
    case pubrel = 6
    case pubcomp = 7
    case subscribe = 8
    case suback = 9
    case unsubscribe = 10
    case unsuback = 11
    case pingreq = 12
    case pingresp = 13
    case disconnect = 14
    /// MQTT 5.0 only; reserved before.
    case auth = 15

    /// The first byte of a packet of this type; a PUBLISH adds its own flags (MQTT 5.0 2.1.3).
    @inlinable
    var firstByte: UInt8 {
        switch self {
        case .pubrel, .subscribe, .unsubscribe: rawValue << 4 | 0b0010
        case .connect, .connack, .publish, .puback, .pubrec, .pubcomp, .suback, .unsuback, .pingreq, .pingresp,
            .disconnect, .auth:
            rawValue << 4
        }
    }
}
