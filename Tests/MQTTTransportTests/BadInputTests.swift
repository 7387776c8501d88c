import MQTTProtocol
import Messages
import Model
import TestSupport
import Testing
import TransportCore

@testable import MQTTTransport

/// Every topic with what no well-behaved device sends there (`device-api.md` 2.6, 2.9, 3.6).
@Suite struct BadInputTests {
    /// What a topic answers on MQTT 5: a PUBACK, or the reason of the end.
    private enum Answer: Equatable, CustomStringConvertible {
        case puback(UInt8)
        case disconnect(UInt8)

        var description: String {
            switch self {
            case .puback(let code): "PUBACK \(String(code, radix: 16))"
            case .disconnect(let code): "DISCONNECT \(String(code, radix: 16))"
            }
        }
    }

    private static let payloads: [(name: String, bytes: [UInt8])] = [
        ("nothing", []), ("NUL", [0, 0, 0]), ("no text", [0xFF, 0xFE, 0x80]), ("no JSON", Array("{".utf8)),
        ("a number", Array("42".utf8)), ("a text", Array(#""x""#.utf8)), ("null", Array("null".utf8)),
        ("an empty list", Array("[]".utf8)), ("a list of numbers", Array("[1,2]".utf8)),
        ("two values", Array("{} {}".utf8)), ("a deep list", Array(String(repeating: "[", count: 5_000).utf8)),
        ("a long text", Array((#"""# + String(repeating: "x", count: 60_000) + #"""#).utf8)),
    ]

    /// Topics, and the payloads that are not answered with an invalid payload (0x99).
    private static let topics: [(topic: String, others: [String: Answer])] = {
        let ok = Answer.puback(0)
        let anything = Dictionary(uniqueKeysWithValues: payloads.map { ($0.name, ok) })
        let unknown = anything.mapValues { _ in Answer.puback(0x90) }
        let noSize = Dictionary(
            uniqueKeysWithValues: payloads.map { payload in
                // No size, one that is a number, and no package in either case.
                let isSize = payload.name == "nothing" || payload.name == "a number"
                return (payload.name, Answer.disconnect(isSize ? 0x83 : 0x8B))
            })
        return [
            ("v1/devices/me/telemetry", ["an empty list": ok]), ("v2/t", ["an empty list": ok]),
            ("v2/t/j", ["an empty list": ok]), ("v2/t/p", [:]),
            ("v1/devices/me/attributes", [:]), ("v2/a", [:]), ("v2/a/j", [:]), ("v2/a/p", [:]),
            ("v1/devices/me/attributes/request/1", [:]), ("v2/a/req/1", [:]), ("v2/a/req/j/1", [:]),
            ("v1/devices/me/rpc/response/1", anything), ("v2/r/res/1", anything), ("v2/r/res/j/1", anything),
            ("v1/devices/me/rpc/request/1", [:]), ("v2/r/req/1", [:]), ("v2/r/req/j/1", [:]),
            ("v1/devices/me/claim", ["nothing": ok]),
            ("v2/fw/request/1/chunk/0", noSize), ("v2/sw/request/1/chunk/0", noSize),
            // What looks like a topic and is none.
            ("v1/devices/me/telemetry/", unknown), ("v1/devices/me", unknown), ("/", unknown), ("$SYS/uptime", unknown),
            ("v2/fw/request//chunk/0", unknown), ("v2/fw/request/1/chunk/-1", unknown),
            ("v2/fw/request/x/chunk/0", unknown), ("v2/fw/request/1/chunk/0/0", unknown),
            ("v1/gateway/telemetry", unknown), ("/provision/request", unknown),
            (String(repeating: "long/", count: 1_000), unknown),
        ]
    }()

    /// The answer to one PUBLISH; after the end of a connection there is a new one.
    private func answer(
        _ client: inout TestClient, _ harness: Harness, _ topic: String, _ payload: [UInt8]
    ) throws -> Answer {
        let identifier = client.publish(topic, payload)
        guard var packet = try client.receive() else { throw TestClient.Failure(description: "closed in silence") }
        // The error of a package comes first.
        if packet.type == .publish { packet = try client.expect(.disconnect) }
        if packet.type == .puback {
            guard Array(packet.body.prefix(2)) == [UInt8(identifier >> 8), UInt8(identifier & 0xFF)] else {
                throw TestClient.Failure(description: "a PUBACK for another packet")
            }
            return .puback(packet.body.count > 2 ? packet.body[2] : 0)
        }
        client = try harness.connected(.v5)
        return .disconnect(packet.body.first ?? 0)
    }

    @Test func everyTopicAnswersEveryBadPayloadAsItShould() async throws {
        try await Harness.run { harness in
            let witness = try harness.connected(.v5, token: "tok-witness")
            var client = try harness.connected(.v5)
            for (topic, others) in Self.topics {
                for payload in Self.payloads {
                    let expected = others[payload.name] ?? .puback(0x99)
                    let received = try answer(&client, harness, topic, payload.bytes)
                    #expect(received == expected, "\(topic.prefix(60)): \(payload.name)")
                }
            }
            try witness.expectPuback(witness.publish("v1/devices/me/telemetry", #"{"a":1}"#), 0)
            #expect(harness.queue.received.count == 1)
        }
    }

    @Test func onMQTT3BadPayloadsAreAnsweredByTheEnd() async throws {
        try await Harness.run { harness in
            for topic in [
                "v1/devices/me/telemetry", "v1/devices/me/attributes/request/1", "v1/devices/me/rpc/request/1",
            ] {
                for payload in [[], Array("{".utf8), [0xFF]] as [[UInt8]] {
                    let client = try harness.connected(.v3_1_1)
                    client.publish(topic, payload)
                    try client.expectDisconnect(0)
                }
            }
        }
    }

    @Test func requestIDsThatAreNoNumbersAreInvalidInEveryFamily() async throws {
        try await Harness.run { harness in
            let ids = ["", "abc", "1.5", "99999999999", "-99999999999", " 1", "1 ", "1/2", "0x1", "１", "--1"]
            let prefixes = [
                "v1/devices/me/attributes/request/", "v2/a/req/j/", "v1/devices/me/rpc/response/", "v2/r/res/j/",
            ]
            let client = try harness.connected(.v5)
            for prefix in prefixes {
                for id in ids + [String(repeating: "1", count: 1_000)] {
                    let code = try client.puback(client.publish(prefix + id, "{}"))
                    #expect(code == 0x99, "\(prefix)\(id.prefix(20))")
                }
            }
            for prefix in ["v1/devices/me/rpc/request/", "v2/r/req/j/"] {
                for id in ids {
                    let client = try harness.connected(.v5)
                    client.publish(prefix + id, #"{"method":"m"}"#)
                    try client.expectDisconnect(0x8B)
                }
            }
            let told = harness.core.received.contains {
                switch $0 {
                case .attributesRequest, .rpcResponse: true
                default: false
                }
            }
            #expect(!told)
            #expect(harness.queue.sent.isEmpty)
        }
    }

    @Test func badPayloadsOfGatewaysAreAnsweredForEveryTopic() async throws {
        try await Harness.run(prepare: { _, _, api in api.configure { $0.isGateway = true } }) { harness in
            var client = try harness.connected(.v5)
            for topic in GatewayTopic.allCases {
                for payload in Self.payloads {
                    // What is JSON has another form; it is answered, and the connection ends.
                    let isJSON = !["nothing", "NUL", "no text", "no JSON", "two values", "a deep list"].contains(
                        payload.name)
                    let received = try answer(&client, harness, topic.rawValue, payload.bytes)
                    #expect(received == .puback(isJSON ? 0x83 : 0x99), "\(topic.rawValue): \(payload.name)")
                    if isJSON {
                        try client.expectDisconnect(0x83)
                        client = try harness.connected(.v5)
                    }
                }
            }
        }
    }

    // MARK: - Activity (`device-api.md` 6.1)

    @Test func invalidPayloadsAndStrayAcknowledgementsAreNoActivity() async throws {
        try await Harness.run { _, shared in
            shared.sessionReportPeriod = .milliseconds(200)
            shared.sessionInactivityTimeout = .milliseconds(1_500)
        } _: { harness in
            let client = try harness.connected(.v5)
            // It ends although it is never silent.
            let packet = try await eventually("the end of the session") { () -> TestClient.Packet? in
                client.send([0x40, 2, 0, 9])
                client.publish("v1/devices/me/telemetry", "no JSON")
                guard let packet = try client.receive() else { throw TestClient.Failure(description: "no reason") }
                guard packet.type == .puback else { return packet }
                #expect(packet.body[2] == 0x99)
                return nil
            }
            #expect(packet.type == .disconnect && packet.body.first == 0x83)
        }
    }

    @Test func anUnknownTopicIsActivity() async throws {
        try await Harness.run { _, shared in
            shared.sessionReportPeriod = .milliseconds(100)
        } _: { harness in
            func reports() -> [Int64] {
                harness.core.received.compactMap { if case .activity(_, let time, _, _) = $0 { time } else { nil } }
            }
            let client = try harness.connected(.v5)
            try await eventually("the first report") { !reports().isEmpty }
            let first = reports().count
            try await eventually("another report") {
                try client.expectPuback(client.publish("nobody/knows", "x"), 0x90)
                return reports().count > first
            }
        }
    }

    // MARK: - Changes of profiles

    @Test func changesOfDevicesAndProfilesReachEverySessionWhenTheyComeInABurst() async throws {
        try await Harness.run { harness in
            let client = try harness.connected(.v5)
            let session = try await harness.lastSession()
            var profile = session.profile
            profile.transportType = .mqtt
            for number in 0...50 {
                profile.mqtt.telemetryTopicFilter = "data/\(number)"
                harness.notify(.deviceProfileUpdated(profile))
            }
            try await eventually("the last topic") {
                (try? client.puback(client.publish("data/50", #"{"a":1}"#))) == 0
            }
            try client.expectPuback(client.publish("v1/devices/me/telemetry", #"{"a":1}"#), 0x90)
        }
    }
}
