import MQTTProtocol
import Messages
import Model
import Telemetry
import TestSupport
import Testing
import TransportCore

@testable import MQTTTransport

/// Protobuf fields by hand, so that numbers and types are those of the reference and not of our schema.
private enum Field {
    static func varint(_ number: Int, _ value: Int64) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(number << 3)]
        var rest = UInt64(bitPattern: value)
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    static func bytes(_ number: Int, _ value: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(number << 3 | 2)]
        if value.count >= 0x80 { bytes.append(UInt8(value.count & 0x7F) | 0x80) }
        bytes.append(value.count >= 0x80 ? UInt8(value.count >> 7) : UInt8(value.count))
        return bytes + value
    }

    static func text(_ number: Int, _ value: String) -> [UInt8] { bytes(number, Array(value.utf8)) }

    static func double(_ number: Int, _ value: Double) -> [UInt8] {
        [UInt8(number << 3 | 1)] + (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }

    /// A `KeyValueProto`.
    static func pair(_ key: String, _ type: Int64, _ value: [UInt8]) -> [UInt8] {
        text(1, key) + (type == 0 ? [] : varint(2, type)) + value
    }
}

/// Gateways whose profile says protobuf (`device-api.md` 2.11, 10.2).
@Suite struct GatewayProtobufTests {
    private func withGateway(
        _ version: MQTTVersion = .v5, _ body: (Harness, TestClient) async throws -> Void
    ) async throws {
        var mqtt = MQTTProfileConfiguration()
        mqtt.usesProtobuf = true
        mqtt.protobuf = ProtobufSchemas()
        let profile = DeviceProfileInfo(id: DeviceProfileID(.random()), transportType: .mqtt, mqtt: mqtt)
        try await Harness.run(prepare: { _, _, api in
            api.configure {
                $0.profile = profile
                $0.isGateway = true
            }
        }) { harness in
            try await body(harness, try harness.connected(version))
        }
    }

    /// `GatewayTelemetryMsg` of one device with one list of values.
    private func telemetry(_ device: String, _ timestamp: Int64, _ pairs: [[UInt8]]) -> [UInt8] {
        let list = Field.varint(1, timestamp) + pairs.flatMap { Field.bytes(2, $0) }
        return Field.bytes(1, Field.text(1, device) + Field.bytes(3, Field.bytes(1, list)))
    }

    /// `GatewayAttributesMsg` of one device.
    private func attributes(_ device: String, _ pairs: [[UInt8]], isShared: Bool = false) -> [UInt8] {
        let message = pairs.flatMap { Field.bytes(1, $0) } + (isShared ? Field.varint(2, 1) : [])
        return Field.bytes(1, Field.text(1, device) + Field.bytes(2, message))
    }

    private func childSession(_ harness: Harness, _ name: String) async throws -> SessionInfo {
        try await harness.core.next("the session of \(name)") {
            if case .sessionOpened(let info) = $0, info.device.name == name { info } else { nil }
        }
    }

    @Test func telemetryKeepsTheTypesOfItsSender() async throws {
        try await withGateway { harness, client in
            let pairs = [
                Field.pair("b", 0, Field.varint(3, 1)), Field.pair("l", 1, Field.varint(4, -5)),
                Field.pair("d", 2, Field.double(5, 42)), Field.pair("s", 3, Field.text(6, "42")),
                Field.pair("j", 4, Field.text(7, #"{ "x": [1] }"#)), Field.pair("l", 1, Field.varint(4, 7)),
            ]
            let payload = telemetry("D1", 9, pairs) + telemetry("D2", 0, [Field.pair("e", 2, Field.double(5, 1e300))])
            try client.expectPuback(client.publish("v1/gateway/telemetry", payload), 0)
            try await eventually("both records") { harness.queue.received.count == 2 }
            let received = harness.queue.received.sorted { $0.device < $1.device }
            #expect(
                received[0].values == [
                    "b": .boolean(true), "l": .long(7), "d": .double(42), "s": .string("42"), "j": .json(#"{"x":[1]}"#),
                ])
            #expect(received[0].timestamp == 9)
            #expect(received[1].values == ["e": .double(1e300)])
            #expect(received[1].timestamp > 1_500_000_000_000)
        }
    }

    @Test func sharedAttributesGoToTheChainWithTheirScope() async throws {
        try await withGateway { harness, client in
            try client.expectPuback(
                client.publish("v1/gateway/attributes", attributes("D1", [Field.pair("k", 3, Field.text(6, "v"))])), 0)
            #expect(harness.queue.received.map(\.kind) == [.attributes])
            #expect(harness.queue.sent.isEmpty)
            let shared = attributes("D1", [Field.pair("n", 1, Field.varint(4, 5))], isShared: true)
            try client.expectPuback(client.publish("v1/gateway/attributes", shared), 0)
            let message = try #require(harness.queue.sent.first)
            #expect(message.metadata["scope"] == "SHARED_SCOPE")
            #expect(message.metadata["deviceName"] == "D1")
            #expect(message.metadata["notifyDevice"] == "false")
            guard case .text(let text) = message.payload else {
                Issue.record("\(message.payload)")
                return
            }
            #expect(text == #"{"n":5}"#)
            #expect(harness.queue.received.count == 1)
        }
    }

    @Test func requestsClaimsAndAnswersAreRead() async throws {
        try await withGateway { harness, client in
            try client.expectPuback(
                client.publish("v1/gateway/connect", Field.text(1, "D1") + Field.text(2, "pump")), 0)
            let request = Field.varint(1, 4) + Field.text(2, "D1") + Field.varint(3, 1) + Field.text(4, "a")
            try client.expectPuback(client.publish("v1/gateway/attributes/request", request), 0)
            let asked = try await harness.core.next("the request") {
                if case .attributesRequest(_, let request) = $0 { request } else { nil }
            }
            #expect(asked.requestID == 4 && asked.clientKeys == ["a"] && asked.sharedKeys == nil)
            let claim = Field.bytes(
                1, Field.text(1, "D1") + Field.bytes(2, Field.text(1, "secret") + Field.varint(2, 500)))
            try client.expectPuback(client.publish("v1/gateway/claim", claim), 0)
            let claimed = try await harness.core.next("the claim") {
                if case .claim(_, let secret, let duration) = $0 { "\(secret) \(duration)" } else { nil }
            }
            #expect(claimed == "secret 500")
            let answer = Field.text(1, "D1") + Field.varint(2, 7) + Field.text(3, #"{"ok":true}"#)
            try client.expectPuback(client.publish("v1/gateway/rpc", answer), 0)
            let response = try await harness.core.next("the answer") {
                if case .rpcResponse(_, let response) = $0 { response } else { nil }
            }
            #expect(response.requestID == 7 && response.payload == #"{"ok":true}"#)
            try client.expectPuback(client.publish("v1/gateway/disconnect", Field.text(1, "D1")), 0)
        }
    }

    @Test func downlinksNameTheirDevice() async throws {
        try await withGateway { harness, client in
            try client.expectPuback(client.publish("v1/gateway/connect", Field.text(1, "D1")), 0)
            let session = try await childSession(harness, "D1")
            let entry = AttributeEntry(key: "a", value: .long(5), timestamp: 9)
            // TsKvProto { ts 9, kv { key "a", type LONG_V, long_v 5 } }
            let pair = Field.varint(1, 9) + Field.bytes(2, Field.pair("a", 1, Field.varint(4, 5)))
            harness.notify(.attributesUpdate(session.sessionID, AttributesUpdate(updated: [entry])))
            var message = try client.message()
            #expect(message.topic == "v1/gateway/attributes")
            #expect(message.bytes == Field.text(1, "D1") + Field.bytes(2, Field.bytes(1, pair)))
            client.acknowledge(message)
            harness.notify(
                .attributesResponse(
                    session.sessionID, AttributesResponse(requestID: 3, client: [entry], isMultiple: false)))
            message = try client.message()
            #expect(message.topic == "v1/gateway/attributes/response")
            #expect(
                message.bytes == Field.text(1, "D1") + Field.bytes(2, Field.varint(1, 3) + Field.bytes(2, pair)))
            client.acknowledge(message)
            harness.notify(
                .rpcRequest(
                    session.sessionID,
                    ToDeviceRPCRequest(
                        requestID: 1, method: "m", params: "{}", expirationTime: 8,
                        rpcID: UUID128(high: 2, low: 3), isOneWay: true)))
            message = try client.message()
            #expect(message.topic == "v1/gateway/rpc")
            let call =
                Field.varint(1, 1) + Field.text(2, "m") + Field.text(3, "{}") + Field.varint(4, 8) + Field.varint(5, 2)
                + Field.varint(6, 3) + Field.varint(7, 1)
            #expect(message.bytes == Field.text(1, "D1") + Field.bytes(2, call))
        }
    }

    @Test func whatIsWrongIsAnsweredAsInJSON() async throws {
        // No message, JSON, a device whose values are wrong: an invalid payload.
        let long = Field.pair("k", 1, Field.varint(4, 5))
        let invalid: [(String, [UInt8])] = [
            ("v1/gateway/telemetry", [0xFF]), ("v1/gateway/telemetry", Array(#"{"D1":[{"a":1}]}"#.utf8)),
            ("v1/gateway/telemetry", telemetry("D1", 1, [])),
            ("v1/gateway/telemetry", Field.bytes(1, Field.text(1, "D1"))),
            ("v1/gateway/telemetry", telemetry("D1", 1, [Field.pair("", 1, Field.varint(4, 5))])),
            ("v1/gateway/telemetry", telemetry("D1", 1, [Field.pair("k", 9, Field.varint(4, 5))])),
            ("v1/gateway/telemetry", telemetry("D1", 1, [Field.pair("k", 4, Field.text(7, "{"))])),
            ("v1/gateway/telemetry", telemetry("D1", 1, [Field.pair("k", 2, Field.double(5, .nan))])),
            ("v1/gateway/attributes", attributes("D1", [])),
        ]
        try await withGateway { _, client in
            for (topic, payload) in invalid { try client.expectPuback(client.publish(topic, payload), 0x99) }
        }
        // Nobody is named: a structural error.
        let structural: [(String, [UInt8])] = [
            ("v1/gateway/telemetry", []), ("v1/gateway/telemetry", telemetry("", 1, [long])),
            ("v1/gateway/attributes", []), ("v1/gateway/claim", []), ("v1/gateway/connect", []),
            ("v1/gateway/disconnect", Field.text(1, "  ")), ("v1/gateway/rpc", Field.varint(2, 1)),
            ("v1/gateway/attributes/request", Field.varint(1, 1) + Field.text(2, "D1")),
        ]
        for (topic, payload) in structural {
            try await withGateway { _, client in
                try client.expectPuback(client.publish(topic, payload), 0x83)
                try client.expectDisconnect(0x83)
            }
        }
        // MQTT 3 hears of an invalid payload by the end of the connection.
        try await withGateway(.v3_1_1) { _, client in
            client.publish("v1/gateway/telemetry", [0xFF])
            try client.expectDisconnect(0)
        }
    }
}
