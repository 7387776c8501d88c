/// The rule that a packet breaks. The statements named are those of MQTT 5.0 unless said otherwise.
public enum MQTTError: Error, Equatable, Sendable, CaseIterable {
    // MARK: Fixed header

    /// Packet type 0, or 15 before MQTT 5.0 (2.1.2).
    case reservedPacketType
    /// Flags of the fixed header that are not those of the packet type [MQTT-2.1.3-1].
    case invalidFixedHeaderFlags
    /// Both QoS bits set [MQTT-3.3.1-4], [MQTT-3.8.3-4 of 3.1.1], [MQTT-3.1.2-12].
    case invalidQoS
    /// DUP on a PUBLISH of QoS 0 [MQTT-3.3.1-2].
    case dupWithoutAcknowledgement
    /// A fourth byte of a variable byte integer that continues (1.5.5).
    case variableByteIntegerTooLong
    /// More bytes than the value of a variable byte integer needs [MQTT-1.5.5-1].
    case variableByteIntegerNotMinimal
    /// A remaining length above the limit of the receiver [MQTT-3.1.2-24].
    case packetTooLarge

    // MARK: Fields

    /// The packet ends inside a field.
    case truncated
    /// Bytes behind the last field.
    case trailingBytes
    /// Text that is not well-formed UTF-8 [MQTT-1.5.4-1].
    case invalidUTF8
    /// U+0000 in text [MQTT-1.5.4-2].
    case nullCharacter
    /// Packet identifier 0 [MQTT-2.2.1-3].
    case packetIdentifierZero
    /// `+` or `#` in a topic name [MQTT-3.3.2-2].
    case wildcardInTopicName
    /// A topic name without characters [MQTT-4.7.3-1] and without a topic alias (3.3.2.1).
    case emptyTopicName
    /// A topic filter without characters or with a misplaced wildcard [MQTT-4.7.1-1], [MQTT-4.7.1-2].
    case invalidTopicFilter
    /// A shared subscription without share name or filter [MQTT-4.8.2-1], [MQTT-4.8.2-2].
    case invalidSharedSubscription
    /// A reason or return code that the packet does not know [MQTT-3.4.2-1] and the like.
    case invalidReasonCode

    // MARK: CONNECT and CONNACK

    /// A protocol name other than `MQTT` and `MQIsdp` [MQTT-3.1.2-1].
    case unsupportedProtocolName
    /// A level that the protocol name does not have [MQTT-3.1.2-2].
    case unsupportedProtocolLevel
    /// Bit 0 of the CONNECT flags [MQTT-3.1.2-3].
    case reservedConnectFlag
    /// Will QoS or will retain without a will [MQTT-3.1.2-11], [MQTT-3.1.2-13].
    case willFlagsWithoutWill
    /// A password without a user name, before MQTT 5.0 [MQTT-3.1.2-22 of 3.1.1].
    case passwordWithoutUserName
    /// Bits 7 to 1 of the CONNACK flags [MQTT-3.2.2-1].
    case reservedConnackFlags
    /// Session present on a refused connection [MQTT-3.2.2-6].
    case sessionPresentOnRefusal

    // MARK: Subscriptions

    /// A SUBSCRIBE or UNSUBSCRIBE without a topic filter [MQTT-3.8.3-2], [MQTT-3.10.3-2], or an answer without a code.
    case emptySubscription
    /// Reserved bits of the subscription options [MQTT-3.8.3-5].
    case reservedSubscriptionOptions
    /// Retain handling 3 (3.8.3.1).
    case invalidRetainHandling
    /// No local on a shared subscription [MQTT-3.8.3-4].
    case noLocalOnSharedSubscription
    /// A subscription identifier in a PUBLISH of a client [MQTT-3.3.4-6].
    case subscriptionIdentifierFromClient

    // MARK: Properties

    /// A property identifier that is not assigned (2.2.2.2).
    case unknownProperty
    /// A property that does not belong in the packet (2.2.2.2).
    case propertyNotAllowed
    /// A property that is given twice and may not be (2.2.2.2).
    case duplicateProperty
    /// A property value outside its range, such as a receive maximum of 0 (3.1.2.11.3).
    case invalidPropertyValue
    /// Topic alias 0 [MQTT-3.3.2-8].
    case topicAliasZero
    /// Authentication data without a method (3.1.2.11.10), or an AUTH without one (3.15.2.2.2).
    case missingAuthenticationMethod
}

extension MQTTError {
    /// What a DISCONNECT or CONNACK of MQTT 5.0 says about the error (4.13).
    public var reasonCode: MQTTReasonCode {
        switch self {
        case .reservedPacketType, .invalidFixedHeaderFlags, .invalidQoS, .dupWithoutAcknowledgement,
            .variableByteIntegerTooLong, .variableByteIntegerNotMinimal, .truncated, .trailingBytes, .invalidUTF8,
            .nullCharacter, .packetIdentifierZero, .wildcardInTopicName, .invalidTopicFilter,
            .invalidSharedSubscription, .reservedConnectFlag, .willFlagsWithoutWill, .passwordWithoutUserName,
            .reservedConnackFlags, .reservedSubscriptionOptions, .unknownProperty, .propertyNotAllowed:
            .malformedPacket
        case .emptyTopicName, .invalidReasonCode, .sessionPresentOnRefusal, .emptySubscription, .invalidRetainHandling,
            .noLocalOnSharedSubscription, .subscriptionIdentifierFromClient, .duplicateProperty, .invalidPropertyValue,
            .missingAuthenticationMethod:
            .protocolError
        case .unsupportedProtocolName, .unsupportedProtocolLevel: .unsupportedProtocolVersion
        case .packetTooLarge: .packetTooLarge
        case .topicAliasZero: .topicAliasInvalid
        }
    }

    /// Whether the peer speaks no supported version of MQTT, so that it would understand no answer.
    public var isUnsupportedProtocol: Bool { reasonCode == .unsupportedProtocolVersion }
}
