extension MQTTProperties {
    /// Decodes the properties in `range`, the bytes behind the property length.
    public static func decode(
        _ range: Range<Int>, in bytes: Span<UInt8>, of owner: MQTTPropertyOwner
    ) throws(MQTTError) -> MQTTProperties {
        var properties = MQTTProperties()
        var walker = PropertyWalker(range, in: bytes, of: owner)
        while let field = try walker.next(bytes) {
            properties.set(field, bytes)
        }
        return properties
    }

    private mutating func set(_ field: PropertyField, _ bytes: Span<UInt8>) {
        let number = field.number
        switch field.identifier {
        case .payloadFormatIndicator: payloadFormatIndicator = UInt8(number)
        case .messageExpiryInterval: messageExpiryInterval = number
        case .contentType: contentType = bytes.string(field.range)
        case .responseTopic: responseTopic = bytes.string(field.range)
        case .correlationData: correlationData = bytes.array(field.range)
        case .subscriptionIdentifier: subscriptionIdentifiers.append(number)
        case .sessionExpiryInterval: sessionExpiryInterval = number
        case .assignedClientIdentifier: assignedClientIdentifier = bytes.string(field.range)
        case .serverKeepAlive: serverKeepAlive = UInt16(number)
        case .authenticationMethod: authenticationMethod = bytes.string(field.range)
        case .authenticationData: authenticationData = bytes.array(field.range)
        case .requestProblemInformation: requestProblemInformation = number == 1
        case .willDelayInterval: willDelayInterval = number
        case .requestResponseInformation: requestResponseInformation = number == 1
        case .responseInformation: responseInformation = bytes.string(field.range)
        case .serverReference: serverReference = bytes.string(field.range)
        case .reasonString: reasonString = bytes.string(field.range)
        case .receiveMaximum: receiveMaximum = UInt16(number)
        case .topicAliasMaximum: topicAliasMaximum = UInt16(number)
        case .topicAlias: topicAlias = UInt16(number)
        case .maximumQoS: maximumQoS = number == 1 ? .atLeastOnce : .atMostOnce
        case .retainAvailable: retainAvailable = number == 1
        case .userProperty:
            userProperties.append(
                MQTTUserProperty(name: bytes.string(field.range), value: bytes.string(field.valueRange)))
        case .maximumPacketSize: maximumPacketSize = number
        case .wildcardSubscriptionAvailable: wildcardSubscriptionAvailable = number == 1
        case .subscriptionIdentifierAvailable: subscriptionIdentifierAvailable = number == 1
        case .sharedSubscriptionAvailable: sharedSubscriptionAvailable = number == 1
        }
    }
}
