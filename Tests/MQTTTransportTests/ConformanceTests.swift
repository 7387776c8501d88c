import Bytes
import MQTTProtocol
import Messages
import TestSupport
import Testing

@testable import MQTTTransport

/// Sessions as they may come, in all versions of the protocol, and packets as they must not.
@Suite struct ConformanceTests {
    // MARK: - Generated sessions

    @Test(arguments: [MQTTVersion.v3_1, .v3_1_1, .v5], 1...12 as ClosedRange<UInt64>)
    func generatedSessionsAreAnsweredInFullAndInOrder(_ version: MQTTVersion, _ seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        let session = GeneratedSession(version, &random)
        let pieces = session.pieces(of: 1...300, &random)
        try await Harness.run { harness in
            let client = try harness.connected(version)
            for piece in pieces { client.send(piece) }
            try await session.verify(client, harness)
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
