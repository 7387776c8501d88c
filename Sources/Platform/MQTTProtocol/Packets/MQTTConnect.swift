/// The message that a server publishes when the client is gone (MQTT 5.0 3.1.2.5).
public struct MQTTWill: Equatable, Sendable {
    public var topic: String
    public var payload: [UInt8]
    public var qos: MQTTQoS
    public var retain: Bool
    /// MQTT 5.0 only.
    public var properties: MQTTProperties

    public init(
        topic: String, payload: [UInt8], qos: MQTTQoS = .atMostOnce, retain: Bool = false,
        properties: MQTTProperties = MQTTProperties()
    ) {
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain
        self.properties = properties
    }
}

/// A CONNECT (MQTT 5.0 3.1). Which client identifiers are good is for the server to say.
public struct MQTTConnect: Equatable, Sendable {
    public var version: MQTTVersion
    public var clientIdentifier: String
    /// *Clean session* before MQTT 5.0.
    public var cleanStart: Bool
    /// 0: none.
    public var keepAliveSeconds: UInt16
    public var will: MQTTWill?
    public var userName: String?
    public var password: [UInt8]?
    /// MQTT 5.0 only.
    public var properties: MQTTProperties

    public init(
        version: MQTTVersion, clientIdentifier: String, cleanStart: Bool = true, keepAliveSeconds: UInt16 = 0,
        will: MQTTWill? = nil, userName: String? = nil, password: [UInt8]? = nil,
        properties: MQTTProperties = MQTTProperties()
    ) {
        self.version = version
        self.clientIdentifier = clientIdentifier
        self.cleanStart = cleanStart
        self.keepAliveSeconds = keepAliveSeconds
        self.will = will
        self.userName = userName
        self.password = password
        self.properties = properties
    }
}

/// The flags byte of a CONNECT (MQTT 5.0 3.1.2.3).
struct ConnectFlags {
    static let reserved: UInt8 = 0x01
    static let cleanStart: UInt8 = 0x02
    static let will: UInt8 = 0x04
    static let willRetain: UInt8 = 0x20
    static let password: UInt8 = 0x40
    static let userName: UInt8 = 0x80
    static let willBits: UInt8 = 0x38

    var bits: UInt8

    func contains(_ flag: UInt8) -> Bool { bits & flag != 0 }
    var willQoSBits: UInt8 { bits >> 3 & 0b11 }

    /// MQTT V3.1 gives the reserved bit, and the will bits without a will, no meaning.
    func check(_ version: MQTTVersion) throws(MQTTError) {
        if version != .v3_1 {
            guard !contains(Self.reserved) else { throw .reservedConnectFlag }
            guard contains(Self.will) || bits & Self.willBits == 0 else { throw .willFlagsWithoutWill }
        }
        if version != .v5 {
            guard contains(Self.userName) || !contains(Self.password) else { throw .passwordWithoutUserName }
        }
    }
}
