import MQTTProtocol
import Testing

/// A packet and its bytes, written by hand from the specification.
struct Sample: Sendable, CustomTestStringConvertible {
    let name: String
    let version: MQTTVersion
    let bytes: [UInt8]
    private let make: @Sendable () -> AnyPacket

    var packet: AnyPacket { make() }
    var testDescription: String { "\(name), \(version)" }

    init(_ name: String, _ version: MQTTVersion, _ bytes: String, _ make: @escaping @Sendable () -> AnyPacket) {
        self.name = name
        self.version = version
        self.bytes = wire(bytes)
        self.make = make
    }
}

let samples: [Sample] = connectSamples + publishSamples + subscriptionSamples + otherSamples

private let connectSamples: [Sample] = [
    Sample("CONNECT", .v3_1, "10 10 0006 'MQIsdp' 03 02 003C 0002 'c1'") {
        .connect(MQTTConnect(version: .v3_1, clientIdentifier: "c1", keepAliveSeconds: 60))
    },
    Sample("CONNECT with token", .v3_1_1, "10 13 0004 'MQTT' 04 82 003C 0000 0005 'token'") {
        .connect(MQTTConnect(version: .v3_1_1, clientIdentifier: "", keepAliveSeconds: 60, userName: "token"))
    },
    Sample(
        "CONNECT with everything", .v3_1_1,
        "10 1F 0004 'MQTT' 04 EC 0000 0002 'id' 0003 'w/t' 0003 'bye' 0001 'u' 0002 00FF"
    ) {
        .connect(
            MQTTConnect(
                version: .v3_1_1, clientIdentifier: "id", cleanStart: false,
                will: MQTTWill(topic: "w/t", payload: Array("bye".utf8), qos: .atLeastOnce, retain: true),
                userName: "u", password: [0x00, 0xFF]))
    },
    Sample("CONNECT with password only", .v5, "10 12 0004 'MQTT' 05 42 000A 00 0000 0003 'pwd'") {
        .connect(
            MQTTConnect(version: .v5, clientIdentifier: "", keepAliveSeconds: 10, password: Array("pwd".utf8)))
    },
    Sample(
        "CONNECT with properties", .v5,
        "10 21 0004 'MQTT' 05 06 0000 08 11 0000000A 21 0005 0001 'c' 05 18 00000003 0001 'w' 0000"
    ) {
        var connect = MQTTConnect(version: .v5, clientIdentifier: "c", will: MQTTWill(topic: "w", payload: []))
        connect.properties.sessionExpiryInterval = 10
        connect.properties.receiveMaximum = 5
        connect.will?.properties.willDelayInterval = 3
        return .connect(connect)
    },
    Sample("CONNACK", .v3_1, "20 02 00 00") { .connack(MQTTConnack(answer: .returnCode(.accepted))) },
    Sample("CONNACK with session", .v3_1_1, "20 02 01 00") {
        .connack(MQTTConnack(answer: .returnCode(.accepted), sessionPresent: true))
    },
    Sample("CONNACK refused", .v3_1_1, "20 02 00 05") { .connack(MQTTConnack(answer: .returnCode(.notAuthorized))) },
    Sample("CONNACK refused", .v5, "20 03 00 86 00") {
        .connack(MQTTConnack(answer: .reasonCode(.badUserNameOrPassword)))
    },
    Sample("CONNACK with properties", .v5, "20 0B 01 00 08 13 003C 22 000A 24 01") {
        var connack = MQTTConnack(answer: .reasonCode(.success), sessionPresent: true)
        connack.properties.serverKeepAlive = 60
        connack.properties.maximumQoS = .atLeastOnce
        connack.properties.topicAliasMaximum = 10
        return .connack(connack)
    },
]

private let publishSamples: [Sample] = [
    Sample("PUBLISH QoS 0", .v3_1_1, "30 07 0003 'a/b' 'hi'") {
        .publish(
            AnyPacket.Publish(
                topic: Array("a/b".utf8), payload: Array("hi".utf8), qos: .atMostOnce, packetIdentifier: 0))
    },
    Sample("PUBLISH QoS 1 repeated, retained, empty", .v3_1_1, "3B 07 0003 'a/b' 000A") {
        .publish(
            AnyPacket.Publish(
                topic: Array("a/b".utf8), payload: [], qos: .atLeastOnce, packetIdentifier: 10, retain: true,
                dup: true))
    },
    Sample("PUBLISH QoS 2", .v5, "34 09 0003 'a/b' FFFF 00 '1'") {
        .publish(
            AnyPacket.Publish(
                topic: Array("a/b".utf8), payload: Array("1".utf8), qos: .exactlyOnce, packetIdentifier: 0xFFFF))
    },
    Sample("PUBLISH with properties", .v5, "30 0E 0001 't' 09 01 01 26 0001 'k' 0001 'v' '1'") {
        var properties = MQTTProperties()
        properties.payloadFormatIndicator = 1
        properties.userProperties = [MQTTUserProperty(name: "k", value: "v")]
        return .publish(
            AnyPacket.Publish(
                topic: Array("t".utf8), payload: Array("1".utf8), qos: .atMostOnce, packetIdentifier: 0,
                properties: properties))
    },
    Sample("PUBLISH by topic alias", .v5, "30 07 0000 03 23 0001 '1'") {
        var properties = MQTTProperties()
        properties.topicAlias = 1
        return .publish(
            AnyPacket.Publish(
                topic: [], payload: Array("1".utf8), qos: .atMostOnce, packetIdentifier: 0, properties: properties))
    },
    Sample("PUBACK", .v3_1_1, "40 02 1234") {
        .acknowledgement(AnyPacket.Acknowledgement(kind: .puback, packetIdentifier: 0x1234))
    },
    Sample("PUBACK short", .v5, "40 02 0001") {
        .acknowledgement(AnyPacket.Acknowledgement(kind: .puback, packetIdentifier: 1))
    },
    Sample("PUBACK with reason", .v5, "40 03 0001 99") {
        .acknowledgement(
            AnyPacket.Acknowledgement(kind: .puback, packetIdentifier: 1, reasonCode: .payloadFormatInvalid))
    },
    Sample("PUBREC with reason string", .v5, "50 09 0001 10 05 1F 0002 'no'") {
        var properties = MQTTProperties()
        properties.reasonString = "no"
        return .acknowledgement(
            AnyPacket.Acknowledgement(
                kind: .pubrec, packetIdentifier: 1, reasonCode: .noMatchingSubscribers, properties: properties))
    },
    Sample("PUBREL", .v3_1_1, "62 02 0001") {
        .acknowledgement(AnyPacket.Acknowledgement(kind: .pubrel, packetIdentifier: 1))
    },
    Sample("PUBCOMP", .v5, "70 03 0001 92") {
        .acknowledgement(
            AnyPacket.Acknowledgement(kind: .pubcomp, packetIdentifier: 1, reasonCode: .packetIdentifierNotFound))
    },
]

private let subscriptionSamples: [Sample] = [
    Sample("SUBSCRIBE", .v3_1_1, "82 0C 000A 0003 'a/b' 01 0001 '#' 02") {
        .subscribe(
            MQTTSubscribe(
                packetIdentifier: 10,
                subscriptions: [
                    MQTTSubscription(topicFilter: "a/b", qos: .atLeastOnce),
                    MQTTSubscription(topicFilter: "#", qos: .exactlyOnce),
                ]))
    },
    Sample("SUBSCRIBE with options", .v5, "82 0A 0001 03 0B 8001 0001 '+' 2D") {
        var subscribe = MQTTSubscribe(
            packetIdentifier: 1,
            subscriptions: [
                MQTTSubscription(
                    topicFilter: "+", qos: .atLeastOnce, noLocal: true, retainAsPublished: true,
                    retainHandling: .doNotSend)
            ])
        subscribe.properties.subscriptionIdentifiers = [128]
        return .subscribe(subscribe)
    },
    Sample("SUBSCRIBE shared", .v5, "82 12 0001 00 000C '$share/g/+/x' 00") {
        .subscribe(
            MQTTSubscribe(
                packetIdentifier: 1, subscriptions: [MQTTSubscription(topicFilter: "$share/g/+/x", qos: .atMostOnce)]))
    },
    Sample("SUBACK", .v3_1_1, "90 04 000A 01 80") {
        .suback(MQTTSuback(packetIdentifier: 10, reasonCodes: [.grantedQoS1, .unspecifiedError]))
    },
    Sample("SUBACK", .v5, "90 05 000A 00 00 8F") {
        .suback(MQTTSuback(packetIdentifier: 10, reasonCodes: [.grantedQoS0, .topicFilterInvalid]))
    },
    Sample("UNSUBSCRIBE", .v3_1_1, "A2 08 0001 0001 'a' 0001 'b'") {
        .unsubscribe(MQTTUnsubscribe(packetIdentifier: 1, topicFilters: ["a", "b"]))
    },
    Sample("UNSUBSCRIBE", .v5, "A2 06 0001 00 0001 'a'") {
        .unsubscribe(MQTTUnsubscribe(packetIdentifier: 1, topicFilters: ["a"]))
    },
    Sample("UNSUBACK", .v3_1_1, "B0 02 0001") { .unsuback(MQTTUnsuback(packetIdentifier: 1)) },
    Sample("UNSUBACK", .v5, "B0 05 0001 00 00 11") {
        .unsuback(MQTTUnsuback(packetIdentifier: 1, reasonCodes: [.success, .noSubscriptionExisted]))
    },
]

private let otherSamples: [Sample] = [
    Sample("PINGREQ", .v3_1_1, "C0 00") { .pingreq },
    Sample("PINGRESP", .v5, "D0 00") { .pingresp },
    Sample("DISCONNECT", .v3_1_1, "E0 00") { .disconnect(MQTTDisconnect()) },
    Sample("DISCONNECT short", .v5, "E0 00") { .disconnect(MQTTDisconnect()) },
    Sample("DISCONNECT with reason", .v5, "E0 01 8E") { .disconnect(MQTTDisconnect(reasonCode: .sessionTakenOver)) },
    Sample("DISCONNECT with properties", .v5, "E0 07 04 05 11 00000000") {
        var disconnect = MQTTDisconnect(reasonCode: .disconnectWithWillMessage)
        disconnect.properties.sessionExpiryInterval = 0
        return .disconnect(disconnect)
    },
    Sample("AUTH short", .v5, "F0 00") { .auth(MQTTAuth()) },
    Sample("AUTH", .v5, "F0 0B 18 09 15 0001 'm' 16 0002 0001") {
        var auth = MQTTAuth(reasonCode: .continueAuthentication)
        auth.properties.authenticationMethod = "m"
        auth.properties.authenticationData = [0, 1]
        return .auth(auth)
    },
]
