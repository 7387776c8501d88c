import Bytes
import MQTTProtocol
import TestSupport
import Testing

/// A random session of a device: packets, and what each must be answered.
struct GeneratedSession: Sendable {
    /// What a generated session must be answered, and what it must have left behind.
    private struct Expectation: Sendable {
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
    private static func step(
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
                filters[Int.random(in: 0..<filters.count, using: &random)]
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
            let filter = filters[Int.random(in: 0..<filters.count, using: &random)].0
            let packet = MQTTUnsubscribe(packetIdentifier: identifier, topicFilters: [filter])
            packet.encode(version: version, into: &buffer)
            let code: UInt8 = subscribed.remove(filter) == nil ? 0x11 : 0
            expected.others.append(.init(type: .unsuback, flags: 0, body: id + (version == .v5 ? [0, code] : [])))
        default:
            let uplink = uplinks[Int.random(in: 0..<uplinks.count, using: &random)]
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

    private let expected: Expectation
    let stream: [UInt8]

    init(_ version: MQTTVersion, _ random: inout SeededRandom) {
        var bytes = ByteBuffer()
        var expected = Expectation()
        var subscribed: Set<String> = []
        for number in 1...200 as ClosedRange<UInt16> {
            Self.step(&random, version, number &* 311 | 1, &bytes, &expected, &subscribed)
        }
        MQTTPing.encodeRequest(into: &bytes)
        expected.others.append(.init(type: .pingresp, flags: 0, body: []))
        stream = bytes.copy()
        self.expected = expected
    }

    /// The stream in pieces of random lengths.
    func pieces(of lengths: ClosedRange<Int>, _ random: inout SeededRandom) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        while start < stream.count {
            let end = min(stream.count, start + Int.random(in: lengths, using: &random))
            pieces.append(Array(stream[start..<end]))
            start = end
        }
        return pieces
    }

    /// Everything was answered in order, and stored.
    func verify(_ client: TestClient, _ harness: Harness) async throws {
        var pubacks: [[UInt8]] = []
        var others: [TestClient.Packet] = []
        while pubacks.count < expected.pubacks.count || others.count < expected.others.count {
            guard let packet = try client.receive() else { throw TestClient.Failure(description: "closed") }
            if packet.type == .puback { pubacks.append(packet.body) } else { others.append(packet) }
        }
        #expect(pubacks == expected.pubacks)
        #expect(others == expected.others)
        let stored = expected.stored
        try await eventually("everything is stored") { harness.queue.received.count == stored }
        try client.ping()
    }
}
