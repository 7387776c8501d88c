/// The reason codes of MQTT 5.0 (2.4). Codes from 0x80 on tell of a failure.
public enum MQTTReasonCode: UInt8, Sendable, CaseIterable {
    /// Also *normal disconnection* and *granted QoS 0*.
    case success = 0x00
    case grantedQoS1 = 0x01
    case grantedQoS2 = 0x02
    case disconnectWithWillMessage = 0x04
    case noMatchingSubscribers = 0x10
    case noSubscriptionExisted = 0x11
    case continueAuthentication = 0x18
    case reauthenticate = 0x19
    case unspecifiedError = 0x80
    case malformedPacket = 0x81
    case protocolError = 0x82
    case implementationSpecificError = 0x83
    case unsupportedProtocolVersion = 0x84
    case clientIdentifierNotValid = 0x85
    case badUserNameOrPassword = 0x86
    case notAuthorized = 0x87
    case serverUnavailable = 0x88
    case serverBusy = 0x89
    case banned = 0x8A
    case serverShuttingDown = 0x8B
    case badAuthenticationMethod = 0x8C
    case keepAliveTimeout = 0x8D
    case sessionTakenOver = 0x8E
    case topicFilterInvalid = 0x8F
    case topicNameInvalid = 0x90
    case packetIdentifierInUse = 0x91
    case packetIdentifierNotFound = 0x92
    case receiveMaximumExceeded = 0x93
    case topicAliasInvalid = 0x94
    case packetTooLarge = 0x95
    case messageRateTooHigh = 0x96
    case quotaExceeded = 0x97
    case administrativeAction = 0x98
    case payloadFormatInvalid = 0x99
    case retainNotSupported = 0x9A
    case qosNotSupported = 0x9B
    case useAnotherServer = 0x9C
    case serverMoved = 0x9D
    case sharedSubscriptionsNotSupported = 0x9E
    case connectionRateExceeded = 0x9F
    case maximumConnectTime = 0xA0
    case subscriptionIdentifiersNotSupported = 0xA1
    case wildcardSubscriptionsNotSupported = 0xA2

    public static var normalDisconnection: MQTTReasonCode { .success }
    public static var grantedQoS0: MQTTReasonCode { .success }

    @inlinable public var isFailure: Bool { rawValue >= 0x80 }

    /// The code that grants `qos` in a SUBACK of any version.
    public static func granted(_ qos: MQTTQoS) -> MQTTReasonCode {
        switch qos {
        case .atMostOnce: .grantedQoS0
        case .atLeastOnce: .grantedQoS1
        case .exactlyOnce: .grantedQoS2
        }
    }

    /// Whether MQTT 5.0 lists the code for packets of `type`, sent by either side.
    public func isAllowed(in type: MQTTPacketType) -> Bool {
        switch self {
        case .success:
            switch type {
            case .connack, .puback, .pubrec, .pubrel, .pubcomp, .suback, .unsuback, .disconnect, .auth: true
            case .connect, .publish, .subscribe, .unsubscribe, .pingreq, .pingresp: false
            }
        case .grantedQoS1, .grantedQoS2: type == .suback
        case .disconnectWithWillMessage: type == .disconnect
        case .noMatchingSubscribers: type == .puback || type == .pubrec
        case .noSubscriptionExisted: type == .unsuback
        case .continueAuthentication, .reauthenticate: type == .auth
        case .unspecifiedError, .implementationSpecificError, .notAuthorized:
            type == .connack || type == .disconnect || answersMessageOrSubscription(type)
        case .malformedPacket, .protocolError, .serverBusy, .badAuthenticationMethod, .packetTooLarge,
            .retainNotSupported, .qosNotSupported, .useAnotherServer, .serverMoved, .connectionRateExceeded:
            type == .connack || type == .disconnect
        case .unsupportedProtocolVersion, .clientIdentifierNotValid, .badUserNameOrPassword, .serverUnavailable,
            .banned:
            type == .connack || (type == .disconnect && isSentAfterRefusal)
        case .serverShuttingDown, .keepAliveTimeout, .sessionTakenOver, .receiveMaximumExceeded, .topicAliasInvalid,
            .messageRateTooHigh, .administrativeAction, .maximumConnectTime:
            type == .disconnect
        case .topicFilterInvalid: type == .suback || type == .unsuback || type == .disconnect
        case .topicNameInvalid, .payloadFormatInvalid:
            type == .connack || type == .puback || type == .pubrec || type == .disconnect
        case .packetIdentifierInUse: answersMessageOrSubscription(type)
        case .packetIdentifierNotFound: type == .pubrel || type == .pubcomp
        case .quotaExceeded: type == .connack || type == .disconnect || answersMessage(type) || type == .suback
        case .sharedSubscriptionsNotSupported, .subscriptionIdentifiersNotSupported,
            .wildcardSubscriptionsNotSupported:
            type == .suback || type == .disconnect
        }
    }

    /// Codes that MQTT 5.0 lists for CONNACK only, but that a server may repeat in the DISCONNECT behind a CONNACK that
    /// refuses, where existing clients look for them (device-api.md 2.3).
    private var isSentAfterRefusal: Bool { self == .clientIdentifierNotValid || self == .badUserNameOrPassword }

    private func answersMessage(_ type: MQTTPacketType) -> Bool { type == .puback || type == .pubrec }

    private func answersMessageOrSubscription(_ type: MQTTPacketType) -> Bool {
        answersMessage(type) || type == .suback || type == .unsuback
    }
}
