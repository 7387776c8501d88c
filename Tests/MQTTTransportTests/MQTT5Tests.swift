import Bytes
import MQTTProtocol
import Messages
import Telemetry
import TestSupport
import Testing

@testable import MQTTTransport

/// The properties of MQTT 5: what clients may say, and what the device API makes of it (`device-api.md` 2.4, 2.5, 2.10).
@Suite struct MQTT5Tests {
    private var everything: MQTTProperties {
        var properties = MQTTProperties()
        properties.sessionExpiryInterval = .max
        properties.requestResponseInformation = true
        properties.requestProblemInformation = true
        properties.topicAliasMaximum = 10
        properties.receiveMaximum = 5
        properties.maximumPacketSize = 10_000
        properties.userProperties = [.init(name: "a", value: "b"), .init(name: "a", value: "c")]
        return properties
    }

    /// CONNECT; returns the body of the CONNACK.
    private func connect(
        _ client: TestClient, clientID: String = "c", cleanStart: Bool = true, _ properties: MQTTProperties
    ) throws -> [UInt8] {
        let connect = MQTTConnect(
            version: .v5, clientIdentifier: clientID, cleanStart: cleanStart, keepAliveSeconds: 5, userName: "tok-1",
            properties: properties)
        client.send { connect.encode(into: &$0) }
        return try client.expect(.connack).body
    }

    private func publish(_ client: TestClient, _ topic: String, _ payload: String, _ properties: MQTTProperties) {
        let (topic, payload) = (Array(topic.utf8), Array(payload.utf8))
        client.send {
            MQTTPublish.encode(
                topic: topic.span, payload: payload.span, qos: .atLeastOnce, packetIdentifier: 1,
                properties: properties, into: &$0)
        }
    }

    @Test func theAnswerToConnectHasNoProperties() async throws {
        try await Harness.run { harness in
            // Neither an assigned client identifier nor a keep-alive of the server's.
            for clientID in ["", "c"] {
                let client = try TestClient(port: harness.port, version: .v5)
                let body = try connect(client, clientID: clientID, everything)
                #expect(body == [0, 0, 0])
                try client.ping()
            }
        }
    }

    @Test func propertiesOfUplinksAreReadAndMeanNothing() async throws {
        try await Harness.run { harness in
            let client = try TestClient(port: harness.port, version: .v5)
            _ = try connect(client, everything)
            var properties = MQTTProperties()
            properties.payloadFormatIndicator = 1
            properties.messageExpiryInterval = 0
            properties.contentType = "application/json"
            properties.responseTopic = "my/answers"
            properties.correlationData = [1, 2, 3]
            properties.userProperties = [.init(name: "n", value: "v")]
            publish(client, "v1/devices/me/telemetry", #"{"a":1}"#, properties)
            try client.expectPuback(1, 0)
            #expect(harness.queue.received.map(\.points) == [["a": "1"]])
            // A call is answered on the topic of the device API, which carries its number.
            publish(client, "v1/devices/me/rpc/request/8", #"{"method":"m"}"#, properties)
            try client.expectPuback(1, 0)
            let session = try await harness.lastSession()
            harness.notify(.rpcResponse(session.sessionID, ToServerRPCResponse(requestID: 8, payload: "{}")))
            let packet = try client.expect(.publish)
            let topic = Array("v1/devices/me/rpc/response/8".utf8)
            // Topic, identifier, no properties, payload.
            #expect(packet.body == [0, UInt8(topic.count)] + topic + [0, 1, 0] + Array("{}".utf8))
        }
    }

    @Test func aTopicAliasIsNoTopic() async throws {
        try await Harness.run { harness in
            let client = try TestClient(port: harness.port, version: .v5)
            _ = try connect(client, everything)
            var properties = MQTTProperties()
            properties.topicAlias = 1
            publish(client, "v1/devices/me/telemetry", #"{"a":1}"#, properties)
            try client.expectPuback(1, 0)
            publish(client, "", #"{"a":2}"#, properties)
            try client.expectPuback(1, 0x90)
            #expect(harness.queue.received.count == 1)
        }
    }

    @Test func subscriptionsWithIdentifiersAndOptionsAreGrantedAndMessagesCarryNone() async throws {
        try await Harness.run { harness in
            let client = try TestClient(port: harness.port, version: .v5)
            _ = try connect(client, everything)
            var properties = MQTTProperties()
            properties.subscriptionIdentifiers = [7]
            properties.userProperties = [.init(name: "n", value: "v")]
            let subscribe = MQTTSubscribe(
                packetIdentifier: 3,
                subscriptions: [
                    MQTTSubscription(
                        topicFilter: "v1/devices/me/attributes", qos: .exactlyOnce, noLocal: true,
                        retainAsPublished: true,
                        retainHandling: .doNotSend)
                ], properties: properties)
            client.send { subscribe.encode(version: .v5, into: &$0) }
            #expect(try client.expect(.suback).body == [0, 3, 0, 1])
            let session = try await harness.lastSession()
            let entry = AttributeEntry(key: "s", value: .long(1), timestamp: 0)
            harness.notify(.attributesUpdate(session.sessionID, AttributesUpdate(updated: [entry])))
            let packet = try client.expect(.publish)
            let topic = Array("v1/devices/me/attributes".utf8)
            #expect(packet.flags == 2)
            #expect(packet.body == [0, UInt8(topic.count)] + topic + [0, 1, 0] + Array(#"{"s":1}"#.utf8))
        }
    }

    @Test func nothingOfASessionSurvivesItsConnection() async throws {
        try await Harness.run { harness in
            let first = try TestClient(port: harness.port, version: .v5)
            _ = try connect(first, everything)
            _ = try first.subscribe("v1/devices/me/attributes")
            first.close()
            _ = try await harness.core.next("the end of the session") {
                if case .sessionClosed = $0 { true } else { nil }
            }
            let second = try TestClient(port: harness.port, version: .v5)
            // Session Present says the opposite of the flag, as existing clients know it.
            #expect(try connect(second, cleanStart: false, everything) == [1, 0, 0])
            let session = try await harness.lastSession()
            let entry = AttributeEntry(key: "s", value: .long(1), timestamp: 0)
            harness.notify(.attributesUpdate(session.sessionID, AttributesUpdate(updated: [entry])))
            for _ in 0..<3 { try second.ping() }
            #expect(try second.unsubscribe("v1/devices/me/attributes") == [0x11])
        }
    }

    @Test func disconnectIsEchoedWhateverItSays() async throws {
        try await Harness.run { harness in
            for body in [[], [0x00], [0x04], [0x00, 5, 0x11, 0, 0, 0, 9]] as [[UInt8]] {
                let client = try harness.connected(.v5)
                client.send([0xE0, UInt8(body.count)] + body)
                try client.expectDisconnect(0)
            }
        }
    }

    @Test func authIsIgnored() async throws {
        try await Harness.run { harness in
            let client = try harness.connected(.v5)
            client.send([0xF0, 0])
            try client.ping()
        }
    }
}
