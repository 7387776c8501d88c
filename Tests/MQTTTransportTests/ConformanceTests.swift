import Bytes
import MQTTProtocol
import Messages
import TestSupport
import Testing

@testable import MQTTTransport

/// Sessions as they may come, in all versions of the protocol, and packets as they must not.
@Suite struct ConformanceTests {
    // MARK: - Generated sessions

    /// What a generated session must be answered, and what it must have left behind.
    private struct Expectation {
        var pubacks: [[UInt8]] = []
        var others: [TestClient.Packet] = []
        var stored = 0
    }

    private static let filters: [(String, isKnown: Bool)] = [
        ("v1/devices/me/attributes", true), ("v2/a/j", true), ("v1/devices/me/rpc/request/+", true), ("#", false),
        ("v1/devices/me/rpc/request/5", false), ("v2/fw/response/+/chunk/+", true), ("some/topic", false),
    ]

    private static let uplinks: [(topic: String, payload: String, isStored: Bool, reason: UInt8)] = [
        ("v1/devices/me/telemetry", #"{"a":1}"#, true, 0), ("v2/t", #"{"ts":1,"values":{"a":1.5}}"#, true, 0),
        ("v2/t/j", "{}", true, 0), ("v1/devices/me/attributes", #"{"k":"v"}"#, true, 0),
        ("v2/a", #"{"k":null}"#, true, 0),
        ("v1/devices/me/telemetry", "[]", false, 0), ("nobody/knows", "x", false, 0x90),
        ("v1/devices/me/attributes/request/1", "{}", false, 0), ("v1/devices/me/rpc/response/7", "text", false, 0),
        ("v1/gateway/telemetry", "{}", false, 0x90),
    ]

    /// Appends one random packet and what is expected for it.
    private func step(
        _ random: inout SeededRandom, _ version: MQTTVersion, _ identifier: UInt16, _ buffer: inout ByteBuffer,
        _ expected: inout Expectation, _ subscribed: inout Set<String>
    ) {
        let id = [UInt8(identifier >> 8), UInt8(identifier & 0xFF)]
        switch Int.random(in: 0..<10, using: &random) {
        case 0:
            MQTTPing.encodeRequest(into: &buffer)
            expected.others.append(.init(type: .pingresp, flags: 0, body: []))
        case 1:
            let chosen = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                Self.filters[Int.random(in: 0..<Self.filters.count, using: &random)]
            }
            let qos = MQTTQoS(rawValue: UInt8.random(in: 0...2, using: &random)) ?? .atMostOnce
            let packet = MQTTSubscribe(
                packetIdentifier: identifier,
                subscriptions: chosen.map { MQTTSubscription(topicFilter: $0.0, qos: qos) })
            packet.encode(version: version, into: &buffer)
            let codes = chosen.map { $0.isKnown ? min(qos.rawValue, 1) : version == .v5 ? 0x8F : 0x80 }
            for filter in chosen where filter.isKnown { subscribed.insert(filter.0) }
            expected.others.append(.init(type: .suback, flags: 0, body: id + (version == .v5 ? [0] : []) + codes))
        case 2:
            let filter = Self.filters[Int.random(in: 0..<Self.filters.count, using: &random)].0
            let packet = MQTTUnsubscribe(packetIdentifier: identifier, topicFilters: [filter])
            packet.encode(version: version, into: &buffer)
            let code: UInt8 = subscribed.remove(filter) == nil ? 0x11 : 0
            expected.others.append(.init(type: .unsuback, flags: 0, body: id + (version == .v5 ? [0, code] : [])))
        default:
            let uplink = Self.uplinks[Int.random(in: 0..<Self.uplinks.count, using: &random)]
            let qos = MQTTQoS(rawValue: UInt8.random(in: 0...2, using: &random)) ?? .atMostOnce
            let (topic, payload) = (Array(uplink.topic.utf8), Array(uplink.payload.utf8))
            MQTTPublish.encode(
                topic: topic.span, payload: payload.span, qos: qos,
                packetIdentifier: qos == .atMostOnce ? 0 : identifier,
                dup: qos != .atMostOnce && Bool.random(using: &random), version: version, into: &buffer)
            if uplink.isStored { expected.stored += 1 }
            guard qos != .atMostOnce else { return }
            expected.pubacks.append(id + (version == .v5 && uplink.reason != 0 ? [uplink.reason, 0] : []))
        }
    }

    @Test(arguments: [MQTTVersion.v3_1, .v3_1_1, .v5], 1...12 as ClosedRange<UInt64>)
    func generatedSessionsAreAnsweredInFullAndInOrder(_ version: MQTTVersion, _ seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        var bytes = ByteBuffer()
        var expected = Expectation()
        var subscribed: Set<String> = []
        for number in 1...200 as ClosedRange<UInt16> {
            step(&random, version, number &* 311 | 1, &bytes, &expected, &subscribed)
        }
        MQTTPing.encodeRequest(into: &bytes)
        expected.others.append(.init(type: .pingresp, flags: 0, body: []))
        let stream = bytes.copy()
        let lengths = (0..<stream.count).map { _ in Int.random(in: 1...300, using: &random) }
        let wanted = expected
        try await Harness.run { harness in
            let client = try harness.connected(version)
            var (start, piece) = (0, 0)
            while start < stream.count {
                let end = min(stream.count, start + lengths[piece])
                client.send(Array(stream[start..<end]))
                (start, piece) = (end, piece + 1)
            }
            var pubacks: [[UInt8]] = []
            var others: [TestClient.Packet] = []
            while pubacks.count < wanted.pubacks.count || others.count < wanted.others.count {
                guard let packet = try client.receive() else { throw TestClient.Failure(description: "closed") }
                if packet.type == .puback { pubacks.append(packet.body) } else { others.append(packet) }
            }
            #expect(pubacks == wanted.pubacks)
            #expect(others == wanted.others)
            try await eventually("everything is stored") { harness.queue.received.count == wanted.stored }
            try client.ping()
        }
    }

    // MARK: - Malformed packets

    /// Packets that no client may send on an open connection, by type. In MQTT 5 they are told what was wrong.
    private static let malformed: [(name: String, bytes: [UInt8], versions: [MQTTVersion])] = {
        let all: [MQTTVersion] = [.v3_1, .v3_1_1, .v5]
        let newer: [MQTTVersion] = [.v3_1_1, .v5]
        let topic: [UInt8] = [0, 3, 0x61, 0x2F, 0x62]
        return [
            ("type 0", [0x00, 0x00], all), ("type 15", [0xF0, 0x00], [.v3_1, .v3_1_1]),
            ("AUTH with flags", [0xF1, 0x00], [.v5]),
            ("CONNECT again", [0x10, 0x00], all), ("CONNECT with flags", [0x12, 0x00], newer),
            ("CONNACK", [0x20, 0x02, 0, 0], all), ("SUBACK", [0x90, 0x03, 0, 1, 0], all),
            ("UNSUBACK", [0xB0, 0x02, 0, 1], all), ("PINGRESP", [0xD0, 0x00], all),
            ("PUBLISH with QoS 3", [0x36, 0x07] + topic + [0, 1], all),
            ("PUBLISH with packet identifier 0", [0x32, 0x07] + topic + [0, 0], [.v3_1, .v3_1_1]),
            ("PUBLISH without topic", [0x30, 0x02, 0, 0], all), ("PUBLISH cut off", [0x30, 0x03, 0, 9, 0x61], all),
            ("PUBLISH to a wildcard", [0x30, 0x05, 0, 3, 0x61, 0x2F, 0x2B], [.v3_1, .v3_1_1]),
            ("PUBLISH to NUL", [0x30, 0x03, 0, 1, 0], [.v3_1, .v3_1_1]),
            ("PUBLISH to a topic that is no text", [0x30, 0x03, 0, 1, 0xFF], [.v3_1, .v3_1_1]),
            ("PUBLISH with an unknown property", [0x30, 0x08] + topic + [2, 0x7F, 0], [.v5]),
            ("PUBACK with flags", [0x42, 0x02, 0, 1], all), ("PUBACK without identifier", [0x40, 0x00], all),
            ("PUBACK with identifier 0", [0x40, 0x02, 0, 0], all),
            ("PUBACK with an unknown reason", [0x40, 0x03, 0, 1, 0x7F], [.v5]),
            ("PUBREC cut off", [0x50, 0x01, 0], all), ("PUBREL without flags", [0x60, 0x02, 0, 1], all),
            ("PUBCOMP with flags", [0x71, 0x02, 0, 1], all),
            ("SUBSCRIBE without flags", [0x80, 0x06, 0, 1, 0, 1, 0x61, 0], all),
            ("SUBSCRIBE without filter", [0x82, 0x02, 0, 1], all),
            ("SUBSCRIBE with QoS 3", [0x82, 0x06, 0, 1, 0, 1, 0x61, 3], [.v3_1_1]),
            ("SUBSCRIBE with identifier 0", [0x82, 0x06, 0, 0, 0, 1, 0x61, 0], [.v3_1, .v3_1_1]),
            ("SUBSCRIBE to a misplaced wildcard", [0x82, 0x07, 0, 1, 0, 2, 0x61, 0x23, 0], [.v3_1_1]),
            ("UNSUBSCRIBE without filter", [0xA2, 0x02, 0, 1], all),
            ("UNSUBSCRIBE without flags", [0xA0, 0x05, 0, 1, 0, 1, 0x61], all),
            ("PINGREQ with a body", [0xC0, 0x01, 0], all), ("PINGREQ with flags", [0xC1, 0x00], all),
            ("DISCONNECT with flags", [0xE1, 0x00], all),
            ("DISCONNECT with a body", [0xE0, 0x01, 0], [.v3_1, .v3_1_1]),
            ("DISCONNECT with an unknown reason", [0xE0, 0x01, 0x7F], [.v5]),
            ("a length without end", [0x30, 0xFF, 0xFF, 0xFF, 0xFF], all),
            ("a length above the limit", [0x30, 0xFF, 0xFF, 0x7F], all),
        ]
    }()

    @Test(arguments: [MQTTVersion.v3_1, .v3_1_1, .v5])
    func malformedPacketsOfEveryTypeCloseTheirConnectionOnly(_ version: MQTTVersion) async throws {
        try await Harness.run { harness in
            let witness = try harness.connected(version, token: "tok-witness")
            for row in Self.malformed where row.versions.contains(version) {
                let client = try harness.connected(version)
                client.send(row.bytes)
                guard let packet = try client.receive() else {
                    #expect(version != .v5, "\(row.name): closed without a word")
                    continue
                }
                let reason = packet.body.first ?? 0
                #expect(version == .v5 && packet.type == .disconnect, "\(row.name): \(packet)")
                #expect([0x81, 0x82].contains(reason), "\(row.name): reason \(reason)")
                let rest = try client.receive()
                #expect(rest == nil, "\(row.name): \(String(describing: rest))")
            }
            try witness.ping()
            try witness.expectPuback(witness.publish("v1/devices/me/telemetry", #"{"a":1}"#), 0)
        }
    }

    @Test(arguments: [MQTTVersion.v3_1, .v3_1_1, .v5])
    func whatIsCutOffAnywhereHarmsNobody(_ version: MQTTVersion) async throws {
        var bytes = ByteBuffer()
        let connect = MQTTConnect(version: version, clientIdentifier: "c", userName: "tok-1")
        connect.encode(into: &bytes)
        let (topic, payload) = (Array("v1/devices/me/telemetry".utf8), Array(#"{"a":1}"#.utf8))
        MQTTPublish.encode(
            topic: topic.span, payload: payload.span, qos: .atLeastOnce, packetIdentifier: 1, version: version,
            into: &bytes)
        let stream = bytes.copy()
        try await Harness.run { harness in
            for end in 0..<stream.count {
                let client = try TestClient(port: harness.port, version: version)
                client.send(Array(stream[..<end]))
                client.close()
            }
            let client = try TestClient(port: harness.port, version: version)
            client.send(stream)
            _ = try client.expect(.connack)
            try client.expectPuback(1, 0)
            #expect(harness.queue.received.count == 1)
        }
    }
}
