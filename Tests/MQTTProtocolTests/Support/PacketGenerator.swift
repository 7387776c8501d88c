import MQTTProtocol

/// Makes valid packets of one version, of every kind and with every field in use at times.
struct PacketGenerator {
    var random: SeededGenerator
    let version: MQTTVersion

    init(seed: UInt64, version: MQTTVersion) {
        random = SeededGenerator(seed: seed)
        self.version = version
    }

    mutating func packet() -> AnyPacket {
        switch random.number(0...(version == .v5 ? 14 : 13)) {
        case 0, 1: .connect(connect())
        case 2: .connack(connack())
        case 3, 4, 5: .publish(publish())
        case 6, 7: .acknowledgement(acknowledgement())
        case 8: .subscribe(subscribe())
        case 9: .suback(suback())
        case 10: .unsubscribe(unsubscribe())
        case 11: .unsuback(unsuback())
        case 12: random.once(in: 2) ? .pingreq : .pingresp
        case 13: .disconnect(disconnect())
        default: .auth(auth())
        }
    }

    // MARK: - Packets

    private mutating func connect() -> MQTTConnect {
        let userName = random.once(in: 2) ? text() : nil
        let mayHavePassword = version == .v5 || userName != nil
        return MQTTConnect(
            version: version, clientIdentifier: text(), cleanStart: random.once(in: 2),
            keepAliveSeconds: UInt16(random.number(0...0xFFFF)), will: random.once(in: 3) ? will() : nil,
            userName: userName, password: mayHavePassword && random.once(in: 2) ? random.bytes(0...30) : nil,
            properties: properties(.connect))
    }

    private mutating func will() -> MQTTWill {
        MQTTWill(
            topic: topicName(), payload: random.bytes(0...300), qos: random.pick(MQTTQoS.allCases),
            retain: random.once(in: 2), properties: properties(.will))
    }

    private mutating func connack() -> MQTTConnack {
        let answer: MQTTConnack.Answer =
            version == .v5
            ? .reasonCode(reasonCode(.connack)) : .returnCode(random.pick(MQTTConnectReturnCode.allCases))
        let sessionPresent = version != .v3_1 && answer.isAccepted && random.once(in: 2)
        return MQTTConnack(answer: answer, sessionPresent: sessionPresent, properties: properties(.connack))
    }

    private mutating func publish() -> AnyPacket.Publish {
        let qos = random.pick(MQTTQoS.allCases)
        let properties = properties(.publish)
        let topic = properties.topicAlias != nil && random.once(in: 2) ? "" : topicName()
        return AnyPacket.Publish(
            topic: Array(topic.utf8), payload: random.bytes(0...(random.once(in: 20) ? 70_000 : 200)), qos: qos,
            packetIdentifier: qos == .atMostOnce ? 0 : packetIdentifier(), retain: random.once(in: 2),
            dup: qos != .atMostOnce && random.once(in: 4), properties: properties)
    }

    private mutating func acknowledgement() -> AnyPacket.Acknowledgement {
        let kind = random.pick(MQTTAcknowledgement.Kind.allCases)
        let owner: MQTTPropertyOwner =
            switch kind {
            case .puback: .puback
            case .pubrec: .pubrec
            case .pubrel: .pubrel
            case .pubcomp: .pubcomp
            }
        return AnyPacket.Acknowledgement(
            kind: kind, packetIdentifier: packetIdentifier(),
            reasonCode: version == .v5 ? reasonCode(kind.packetType) : .success, properties: properties(owner))
    }

    private mutating func subscribe() -> MQTTSubscribe {
        MQTTSubscribe(
            packetIdentifier: packetIdentifier(),
            subscriptions: (0..<random.number(1...5)).map { _ in subscription() }, properties: properties(.subscribe))
    }

    private mutating func subscription() -> MQTTSubscription {
        var subscription = MQTTSubscription(topicFilter: topicFilter(), qos: random.pick(MQTTQoS.allCases))
        guard version == .v5 else { return subscription }
        subscription.noLocal = random.once(in: 2)
        subscription.retainAsPublished = random.once(in: 2)
        subscription.retainHandling = random.pick(MQTTRetainHandling.allCases)
        if !subscription.noLocal, random.once(in: 3) { subscription.topicFilter = "$share/s/" + topicFilter() }
        return subscription
    }

    private mutating func suback() -> MQTTSuback {
        let before5: [MQTTReasonCode] = [.grantedQoS0, .grantedQoS1, .grantedQoS2, .unspecifiedError]
        return MQTTSuback(
            packetIdentifier: packetIdentifier(),
            reasonCodes: (0..<random.number(1...5)).map { _ in
                version == .v5 ? reasonCode(.suback) : random.pick(before5)
            }, properties: properties(.suback))
    }

    private mutating func unsubscribe() -> MQTTUnsubscribe {
        MQTTUnsubscribe(
            packetIdentifier: packetIdentifier(), topicFilters: (0..<random.number(1...5)).map { _ in topicFilter() },
            properties: properties(.unsubscribe))
    }

    private mutating func unsuback() -> MQTTUnsuback {
        MQTTUnsuback(
            packetIdentifier: packetIdentifier(),
            reasonCodes: version == .v5 ? (0..<random.number(1...5)).map { _ in reasonCode(.unsuback) } : [],
            properties: properties(.unsuback))
    }

    private mutating func disconnect() -> MQTTDisconnect {
        guard version == .v5 else { return MQTTDisconnect() }
        return MQTTDisconnect(reasonCode: reasonCode(.disconnect), properties: properties(.disconnect))
    }

    private mutating func auth() -> MQTTAuth {
        var auth = MQTTAuth(reasonCode: reasonCode(.auth), properties: properties(.auth))
        if auth.reasonCode != .success { auth.properties.authenticationMethod = text() }
        return auth
    }

    // MARK: - Fields

    private mutating func packetIdentifier() -> UInt16 { UInt16(random.number(1...0xFFFF)) }

    private mutating func reasonCode(_ type: MQTTPacketType) -> MQTTReasonCode {
        random.pick(MQTTReasonCode.allCases.filter { $0.isAllowed(in: type) })
    }

    mutating func text() -> String {
        let alphabet = [
            "a", "Z", "0", "/", " ", "-", "é", "ß", "\u{7FF}", "€", "語", "\u{FEFF}", "😀", "\u{10FFFF}",
            "\u{1}",
        ]
        return (0..<random.number(0...24)).map { _ in random.pick(alphabet) }.joined()
    }

    private mutating func topicName() -> String {
        random.once(in: 2) ? "v1/devices/me/telemetry" : "t" + text()
    }

    private mutating func topicFilter() -> String {
        random.pick(["#", "+", "+/b", "a/+/c", "a/#", "/", "+/+/#", "v1/devices/me/attributes", "f" + text()])
    }

    /// Properties for `owner`; none at times, and none before MQTT 5.0.
    mutating func properties(_ owner: MQTTPropertyOwner) -> MQTTProperties {
        var properties = MQTTProperties()
        guard version == .v5, random.once(in: 2) else { return properties }
        properties.userProperties = (0..<random.number(0...3)).map { _ in
            MQTTUserProperty(name: text(), value: text())
        }
        switch owner {
        case .connect: fillConnect(&properties)
        case .will: fillMessage(&properties, isWill: true)
        case .connack: fillConnack(&properties)
        case .publish: fillMessage(&properties, isWill: false)
        case .puback, .pubrec, .pubrel, .pubcomp, .suback, .unsuback: properties.reasonString = maybe { $0.text() }
        case .subscribe: if random.once(in: 2) { properties.subscriptionIdentifiers = [subscriptionIdentifier()] }
        case .unsubscribe: break
        case .disconnect:
            properties.sessionExpiryInterval = maybe { $0.number() }
            properties.serverReference = maybe { $0.text() }
            properties.reasonString = maybe { $0.text() }
        case .auth:
            fillAuthentication(&properties)
            properties.reasonString = maybe { $0.text() }
        }
        return properties
    }

    private mutating func fillConnect(_ properties: inout MQTTProperties) {
        fillAuthentication(&properties)
        fillLimits(&properties)
        properties.requestProblemInformation = maybe { $0.random.once(in: 2) }
        properties.requestResponseInformation = maybe { $0.random.once(in: 2) }
    }

    private mutating func fillConnack(_ properties: inout MQTTProperties) {
        fillAuthentication(&properties)
        fillLimits(&properties)
        properties.assignedClientIdentifier = maybe { $0.text() }
        properties.serverKeepAlive = maybe { UInt16(truncatingIfNeeded: $0.number()) }
        properties.responseInformation = maybe { $0.text() }
        properties.serverReference = maybe { $0.text() }
        properties.reasonString = maybe { $0.text() }
        properties.maximumQoS = maybe { $0.random.once(in: 2) ? .atMostOnce : .atLeastOnce }
        properties.retainAvailable = maybe { $0.random.once(in: 2) }
        properties.wildcardSubscriptionAvailable = maybe { $0.random.once(in: 2) }
        properties.subscriptionIdentifierAvailable = maybe { $0.random.once(in: 2) }
        properties.sharedSubscriptionAvailable = maybe { $0.random.once(in: 2) }
    }

    private mutating func fillLimits(_ properties: inout MQTTProperties) {
        properties.sessionExpiryInterval = maybe { $0.number() }
        properties.receiveMaximum = maybe { UInt16($0.random.number(1...0xFFFF)) }
        properties.topicAliasMaximum = maybe { UInt16(truncatingIfNeeded: $0.number()) }
        properties.maximumPacketSize = maybe { UInt32($0.random.number(1...0xFFFF_FFFF)) }
    }

    private mutating func fillMessage(_ properties: inout MQTTProperties, isWill: Bool) {
        properties.payloadFormatIndicator = maybe { UInt8($0.random.number(0...1)) }
        properties.messageExpiryInterval = maybe { $0.number() }
        properties.contentType = maybe { $0.text() }
        properties.responseTopic = maybe { $0.topicName() }
        properties.correlationData = maybe { $0.random.bytes(0...40) }
        if isWill {
            properties.willDelayInterval = maybe { $0.number() }
        } else {
            properties.topicAlias = maybe { UInt16($0.random.number(1...0xFFFF)) }
            properties.subscriptionIdentifiers = (0..<random.number(0...3)).map { _ in subscriptionIdentifier() }
        }
    }

    private mutating func fillAuthentication(_ properties: inout MQTTProperties) {
        properties.authenticationMethod = maybe { $0.text() }
        guard properties.authenticationMethod != nil else { return }
        properties.authenticationData = maybe { $0.random.bytes(0...40) }
    }

    private mutating func subscriptionIdentifier() -> UInt32 {
        UInt32(random.pick([1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455]))
    }

    private mutating func number() -> UInt32 { UInt32(random.number(0...0xFFFF_FFFF)) }

    private mutating func maybe<Value>(_ make: (inout PacketGenerator) -> Value) -> Value? {
        random.once(in: 2) ? make(&self) : nil
    }
}
