/// The identifiers of MQTT 5.0 2.2.2.2, with their types and the packets they belong in.
enum PropertyIdentifier: UInt8, CaseIterable {
    case payloadFormatIndicator = 0x01
    case messageExpiryInterval = 0x02
    case contentType = 0x03
    case responseTopic = 0x08
    case correlationData = 0x09
    case subscriptionIdentifier = 0x0B
    case sessionExpiryInterval = 0x11
    case assignedClientIdentifier = 0x12
    case serverKeepAlive = 0x13
    case authenticationMethod = 0x15
    case authenticationData = 0x16
    case requestProblemInformation = 0x17
    case willDelayInterval = 0x18
    case requestResponseInformation = 0x19
    case responseInformation = 0x1A
    case serverReference = 0x1C
    case reasonString = 0x1F
    case receiveMaximum = 0x21
    case topicAliasMaximum = 0x22
    case topicAlias = 0x23
    case maximumQoS = 0x24
    case retainAvailable = 0x25
    case userProperty = 0x26
    case maximumPacketSize = 0x27
    case wildcardSubscriptionAvailable = 0x28
    case subscriptionIdentifierAvailable = 0x29
    case sharedSubscriptionAvailable = 0x2A

    enum Kind {
        /// A byte that is 0 or 1, as every byte among the properties is.
        case flag
        case twoByteInteger
        case fourByteInteger
        case variableByteInteger
        case text
        case topicName
        case binary
        case textPair
    }

    var kind: Kind {
        switch self {
        case .payloadFormatIndicator, .requestProblemInformation, .requestResponseInformation, .maximumQoS,
            .retainAvailable, .wildcardSubscriptionAvailable, .subscriptionIdentifierAvailable,
            .sharedSubscriptionAvailable:
            .flag
        case .serverKeepAlive, .receiveMaximum, .topicAliasMaximum, .topicAlias: .twoByteInteger
        case .messageExpiryInterval, .sessionExpiryInterval, .willDelayInterval, .maximumPacketSize: .fourByteInteger
        case .subscriptionIdentifier: .variableByteInteger
        case .contentType, .assignedClientIdentifier, .authenticationMethod, .responseInformation, .serverReference,
            .reasonString:
            .text
        case .responseTopic: .topicName
        case .correlationData, .authenticationData: .binary
        case .userProperty: .textPair
        }
    }

    /// Whether the number 0 is outside the property's range.
    var forbidsZero: Bool {
        switch self {
        case .receiveMaximum, .maximumPacketSize, .subscriptionIdentifier: true
        default: false
        }
    }
}

/// A set of property identifiers, one bit each.
struct PropertySet: Equatable {
    private var bits: UInt64 = 0

    init() {}

    init(_ identifiers: PropertyIdentifier...) {
        for identifier in identifiers { insert(identifier) }
    }

    func contains(_ identifier: PropertyIdentifier) -> Bool { bits & (1 << UInt64(identifier.rawValue)) != 0 }
    func isSubset(of other: PropertySet) -> Bool { bits & ~other.bits == 0 }
    mutating func insert(_ identifier: PropertyIdentifier) { bits |= 1 << UInt64(identifier.rawValue) }
}

/// What properties can belong to: a packet, or the will inside a CONNECT.
public enum MQTTPropertyOwner: Sendable, CaseIterable {
    case connect
    case will
    case connack
    case publish
    case puback
    case pubrec
    case pubrel
    case pubcomp
    case subscribe
    case suback
    case unsubscribe
    case unsuback
    case disconnect
    case auth

    /// The properties that may be there (MQTT 5.0, table 2-4).
    var allowed: PropertySet {
        switch self {
        case .connect: Self.connectProperties
        case .will: Self.willProperties
        case .connack: Self.connackProperties
        case .publish: Self.publishProperties
        case .puback, .pubrec, .pubrel, .pubcomp, .suback, .unsuback: Self.answerProperties
        case .subscribe: Self.subscribeProperties
        case .unsubscribe: Self.unsubscribeProperties
        case .disconnect: Self.disconnectProperties
        case .auth: Self.authProperties
        }
    }

    private static let connectProperties = PropertySet(
        .sessionExpiryInterval, .authenticationMethod, .authenticationData, .requestProblemInformation,
        .requestResponseInformation, .receiveMaximum, .topicAliasMaximum, .userProperty, .maximumPacketSize)
    private static let willProperties = PropertySet(
        .payloadFormatIndicator, .messageExpiryInterval, .contentType, .responseTopic, .correlationData,
        .willDelayInterval, .userProperty)
    private static let connackProperties = PropertySet(
        .sessionExpiryInterval, .assignedClientIdentifier, .serverKeepAlive, .authenticationMethod, .authenticationData,
        .responseInformation, .serverReference, .reasonString, .receiveMaximum, .topicAliasMaximum, .maximumQoS,
        .retainAvailable, .userProperty, .maximumPacketSize, .wildcardSubscriptionAvailable,
        .subscriptionIdentifierAvailable, .sharedSubscriptionAvailable)
    private static let publishProperties = PropertySet(
        .payloadFormatIndicator, .messageExpiryInterval, .contentType, .responseTopic, .correlationData,
        .subscriptionIdentifier, .topicAlias, .userProperty)
    private static let answerProperties = PropertySet(.reasonString, .userProperty)
    private static let subscribeProperties = PropertySet(.subscriptionIdentifier, .userProperty)
    private static let unsubscribeProperties = PropertySet(.userProperty)
    private static let disconnectProperties = PropertySet(
        .sessionExpiryInterval, .serverReference, .reasonString, .userProperty)
    private static let authProperties = PropertySet(
        .authenticationMethod, .authenticationData, .reasonString, .userProperty)
}
