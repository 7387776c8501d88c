/// A user property: a name and a value, both any text. Names may repeat, and order counts.
public struct MQTTUserProperty: Equatable, Sendable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// The properties of a packet (MQTT 5.0 2.2.2). What is nil or empty is absent on the wire.
///
/// A property that does not belong to the packet it is encoded in, or whose value is outside its range, is a mistake of
/// the program and stops it.
public struct MQTTProperties: Equatable, Sendable {
    /// 0: unspecified bytes, 1: UTF-8.
    public var payloadFormatIndicator: UInt8?
    /// Seconds.
    public var messageExpiryInterval: UInt32?
    public var contentType: String?
    public var responseTopic: String?
    public var correlationData: [UInt8]?
    /// 1 ... 268 435 455 each; several in a PUBLISH of a server, at most one in a SUBSCRIBE.
    public var subscriptionIdentifiers: [UInt32] = []
    /// Seconds; 0xFFFFFFFF does not expire.
    public var sessionExpiryInterval: UInt32?
    public var assignedClientIdentifier: String?
    /// Seconds.
    public var serverKeepAlive: UInt16?
    public var authenticationMethod: String?
    public var authenticationData: [UInt8]?
    public var requestProblemInformation: Bool?
    /// Seconds.
    public var willDelayInterval: UInt32?
    public var requestResponseInformation: Bool?
    public var responseInformation: String?
    public var serverReference: String?
    public var reasonString: String?
    /// 1 or more.
    public var receiveMaximum: UInt16?
    public var topicAliasMaximum: UInt16?
    /// 1 or more.
    public var topicAlias: UInt16?
    /// At most once or at least once.
    public var maximumQoS: MQTTQoS?
    public var retainAvailable: Bool?
    public var userProperties: [MQTTUserProperty] = []
    /// Bytes of a whole packet, 1 or more.
    public var maximumPacketSize: UInt32?
    public var wildcardSubscriptionAvailable: Bool?
    public var subscriptionIdentifierAvailable: Bool?
    public var sharedSubscriptionAvailable: Bool?

    public init() {}
}
