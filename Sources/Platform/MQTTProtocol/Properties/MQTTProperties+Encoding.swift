internal import Bytes

extension MQTTProperties {
    public var isEmpty: Bool { self == MQTTProperties() }

    /// Appends the property length and the properties, in the order of their identifiers.
    func encode(into buffer: inout ByteBuffer, of owner: MQTTPropertyOwner) {
        var writer = PropertyWriter()
        encodeMessageProperties(&writer)
        encodeSessionProperties(&writer)
        encodeAnswerProperties(&writer)
        encodeLimits(&writer)
        precondition(writer.written.isSubset(of: owner.allowed), "properties that do not belong in \(owner)")
        precondition(subscriptionIdentifiers.count <= 1 || owner == .publish, "subscription identifiers in \(owner)")
        buffer.append(variableByteInteger: writer.content.count)
        writer.content.withUnsafeBytes { buffer.append($0) }
    }

    private func encodeMessageProperties(_ writer: inout PropertyWriter) {
        writer.write(.payloadFormatIndicator, flag: payloadFormatIndicator)
        writer.write(.messageExpiryInterval, messageExpiryInterval)
        writer.write(.contentType, contentType)
        writer.write(.responseTopic, responseTopic)
        writer.write(.correlationData, correlationData)
        for identifier in subscriptionIdentifiers { writer.write(subscriptionIdentifier: identifier) }
    }

    private func encodeSessionProperties(_ writer: inout PropertyWriter) {
        writer.write(.sessionExpiryInterval, sessionExpiryInterval)
        writer.write(.assignedClientIdentifier, assignedClientIdentifier)
        writer.write(.serverKeepAlive, serverKeepAlive)
        writer.write(.authenticationMethod, authenticationMethod)
        writer.write(.authenticationData, authenticationData)
        writer.write(.requestProblemInformation, flag: requestProblemInformation.map { $0 ? 1 : 0 })
        writer.write(.willDelayInterval, willDelayInterval)
        writer.write(.requestResponseInformation, flag: requestResponseInformation.map { $0 ? 1 : 0 })
    }

    private func encodeAnswerProperties(_ writer: inout PropertyWriter) {
        writer.write(.responseInformation, responseInformation)
        writer.write(.serverReference, serverReference)
        writer.write(.reasonString, reasonString)
    }

    private func encodeLimits(_ writer: inout PropertyWriter) {
        writer.write(.receiveMaximum, receiveMaximum)
        writer.write(.topicAliasMaximum, topicAliasMaximum)
        writer.write(.topicAlias, topicAlias)
        writer.write(.maximumQoS, flag: maximumQoS?.rawValue)
        writer.write(.retainAvailable, flag: retainAvailable.map { $0 ? 1 : 0 })
        for property in userProperties { writer.write(property) }
        writer.write(.maximumPacketSize, maximumPacketSize)
        writer.write(.wildcardSubscriptionAvailable, flag: wildcardSubscriptionAvailable.map { $0 ? 1 : 0 })
        writer.write(.subscriptionIdentifierAvailable, flag: subscriptionIdentifierAvailable.map { $0 ? 1 : 0 })
        writer.write(.sharedSubscriptionAvailable, flag: sharedSubscriptionAvailable.map { $0 ? 1 : 0 })
    }
}

/// Collects encoded properties and notes which were written.
private struct PropertyWriter: ~Copyable {
    var content = ByteBuffer()
    var written = PropertySet()

    mutating func write(_ identifier: PropertyIdentifier, flag: UInt8?) {
        guard let flag else { return }
        precondition(flag <= 1, "\(identifier) is \(flag)")
        begin(identifier)
        content.append(flag)
    }

    mutating func write<Number: FixedWidthInteger>(_ identifier: PropertyIdentifier, _ number: Number?) {
        guard let number else { return }
        precondition(number != 0 || !(identifier.forbidsZero || identifier == .topicAlias), "\(identifier) is 0")
        begin(identifier)
        content.append(bigEndian: number)
    }

    mutating func write(_ identifier: PropertyIdentifier, _ text: String?) {
        guard let text else { return }
        begin(identifier)
        content.append(field: text)
    }

    mutating func write(_ identifier: PropertyIdentifier, _ bytes: [UInt8]?) {
        guard let bytes else { return }
        begin(identifier)
        content.append(field: bytes)
    }

    mutating func write(subscriptionIdentifier: UInt32) {
        precondition(subscriptionIdentifier != 0, "subscription identifier 0")
        begin(.subscriptionIdentifier)
        content.append(variableByteInteger: Int(subscriptionIdentifier))
    }

    mutating func write(_ property: MQTTUserProperty) {
        begin(.userProperty)
        content.append(field: property.name)
        content.append(field: property.value)
    }

    private mutating func begin(_ identifier: PropertyIdentifier) {
        written.insert(identifier)
        content.append(identifier.rawValue)
    }
}
