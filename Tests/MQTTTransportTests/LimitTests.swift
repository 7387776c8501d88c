import MQTTProtocol
import Messages
import Model
import Reactor
import TestSupport
import Testing
import TransportCore

@testable import MQTTTransport

/// Rate limits of the tenant profile, and addresses that are blocked (`device-api.md` 6.3, 6.5).
@Suite struct LimitTests {
    private func withLimits(
        isGateway: Bool = false, _ change: (inout TransportLimits) -> Void, _ body: (Harness) async throws -> Void
    ) async throws {
        var limits = TransportLimits(profileID: TenantProfileID(.random()))
        change(&limits)
        let script = limits
        try await Harness.run(prepare: { _, _, api in
            api.configure {
                $0.limits = script
                $0.isGateway = isGateway
            }
        }) { try await body($0) }
    }

    @Test(arguments: [MQTTVersion.v3_1_1, .v5])
    func telemetryAboveTheLimitClosesWithoutPuback(_ version: MQTTVersion) async throws {
        try await withLimits {
            $0.device.telemetryMessages = "1:600"
        } _: { harness in
            let client = try harness.connected(version)
            try client.expectPuback(client.publish("v1/devices/me/telemetry", #"{"a":1}"#), 0)
            client.publish("v1/devices/me/telemetry", #"{"a":2}"#)
            try client.expectDisconnect(0x83)
            #expect(harness.queue.received.count == 1)
        }
    }

    @Test func dataPointsAreCountedAndAttributesAreTelemetry() async throws {
        try await withLimits {
            $0.tenant.telemetryDataPoints = "5:600"
        } _: { harness in
            let client = try harness.connected()
            try client.expectPuback(client.publish("v1/devices/me/telemetry", #"[{"a":1,"b":2},{}]"#), 0)
            try client.expectPuback(client.publish("v1/devices/me/attributes", #"{"a":1,"b":2,"c":3}"#), 0)
            client.publish("v1/devices/me/attributes", #"{"a":1}"#)
            try client.expectDisconnect(0)
        }
    }

    @Test(arguments: [MQTTVersion.v3_1_1, .v5])
    func anotherConnectionOfTheDeviceIsRefused(_ version: MQTTVersion) async throws {
        try await withLimits {
            $0.tenant.messages = "1:600"
        } _: { harness in
            _ = try harness.connected(version)
            let other = try TestClient(port: harness.port, version: version)
            let connect = MQTTConnect(version: version, clientIdentifier: "c", userName: "tok-1")
            other.send { connect.encode(into: &$0) }
            let connack = try other.expect(.connack)
            #expect(connack.body[1] == (version == .v5 ? 0x9F : 3))
            try other.expectDisconnect(0x96)
        }
    }

    @Test func aSubscriptionAboveTheLimitCloses() async throws {
        try await withLimits {
            $0.device.messages = "2:600"
        } _: { harness in
            let client = try harness.connected(.v5)
            let granted = try client.subscribe("v1/devices/me/attributes")
            #expect(granted == [1])
            let subscribe = MQTTSubscribe(
                packetIdentifier: 1,
                subscriptions: [MQTTSubscription(topicFilter: "v1/devices/me/rpc/request/+", qos: .atLeastOnce)])
            client.send { subscribe.encode(version: .v5, into: &$0) }
            try client.expectDisconnect(0x83)
        }
    }

    @Test func aChangeOfTheProfileCountsAtOnce() async throws {
        try await Harness.run { harness in
            let client = try harness.connected()
            try client.expectPuback(client.publish("v1/devices/me/telemetry", #"{"a":1}"#), 0)
            var limits = TransportLimits(profileID: TenantProfileID(.random()))
            limits.device.telemetryMessages = "1:600"
            harness.notify(.tenantUpdated(harness.api.tenant, limits))
            await harness.loop.perform {}
            try client.expectPuback(client.publish("v1/devices/me/telemetry", #"{"a":1}"#), 0)
            client.publish("v1/devices/me/telemetry", #"{"a":2}"#)
            try client.expectDisconnect(0)
        }
    }

    @Test func trafficThroughAGatewayHasALimitOfItsOwn() async throws {
        try await withLimits(isGateway: true) {
            $0.gateway.telemetryMessages = "2:600"
            $0.gatewayDevice.telemetryMessages = "1:600"
            $0.device.telemetryMessages = "1:600"
        } _: { harness in
            let client = try harness.connected(.v5)
            try client.expectPuback(client.publish("v1/devices/me/telemetry", #"{"own":1}"#), 0)
            try client.expectPuback(client.publish("v1/gateway/telemetry", #"{"A":[{"a":1},{"a":2}]}"#), 0)
            let identifier = client.publish("v1/gateway/telemetry", #"{"A":[{"a":1}]}"#)
            try client.expectMessage {
                $0.topic == "v1/gateway/disconnect" && $0.payload == #"{"device":"A","reason":150}"#
            }
            try client.expectPuback(identifier, 0x97)
            try client.expectDisconnect(0x83)
        }
    }

    @Test func devicesMayAskForTheirLimits() async throws {
        try await withLimits(isGateway: true) {
            $0.gatewayDevice.messages = "20:1,600:60"
            $0.gateway.telemetryDataPoints = "9:1"
        } _: { harness in
            let client = try harness.connected()
            try client.expectPuback(
                client.publish("v1/devices/me/rpc/request/3", #"{"method":"getSessionLimits","params":{}}"#), 0)
            let own = #""rateLimits":{"messages":"20:1,600:60","telemetryMessages":null,"telemetryDataPoints":null}"#
            let behind =
                #""gatewayRateLimits":{"messages":null,"telemetryMessages":null,"telemetryDataPoints":"9:1"}"#
            try client.expectMessage {
                $0.topic == "v1/devices/me/rpc/response/3"
                    && $0.payload == #"{"maxPayloadSize":65536,"maxInflightMessages":100,\#(own),\#(behind)}"#
            }
            #expect(harness.queue.sent.isEmpty)
        }
    }

    @Test func aTenantWithoutTransportIsRefused() async throws {
        try await withLimits {
            $0.isTransportEnabled = false
        } _: { harness in
            #expect(throws: TestClient.Failure.self) { try harness.connected(.v5) }
        }
    }

    // MARK: - Addresses

    @Test func wrongCredentialsBlockTheAddress() async throws {
        try await Harness.run { mqtt, _ in
            mqtt.maximumRefusalsPerAddress = 3
        } _: { harness in
            func attempt(_ name: String) throws -> UInt8? {
                let client = try TestClient(port: harness.port)
                let connect = MQTTConnect(version: .v3_1_1, clientIdentifier: "c", userName: name)
                client.send { connect.encode(into: &$0) }
                return try client.receive()?.body[1]
            }
            // A success forgets what was before.
            for (name, code) in [("x", 5), ("x", 5), ("tok-1", 0), ("x", 5), ("x", 5), ("x", 5)] as [(String, UInt8)] {
                let received = try attempt(name)
                #expect(received == code)
            }
            let blocked = try attempt("tok-1")
            #expect(blocked == nil)
        }
    }

    @Test func aBlockEndsAfterItsTimeAndOneMoreFailureBlocksAgain() throws {
        let blocker = AddressBlocker(maximumFailures: 2, blockTime: .seconds(10))
        let address = try #require(AddressBlocker.Address([192, 0, 2, 1]))
        func at(_ second: UInt64) -> MonotonicTime { MonotonicTime(nanoseconds: second * 1_000_000_000) }
        blocker.noteFailure(address, now: at(1))
        #expect(!blocker.isBlocked(address, now: at(1)))
        blocker.noteFailure(address, now: at(2))
        #expect(blocker.isBlocked(address, now: at(11)))
        #expect(!blocker.isBlocked(address, now: at(13)))
        blocker.noteFailure(address, now: at(14))
        #expect(blocker.isBlocked(address, now: at(15)))
        blocker.noteSuccess(address)
        #expect(!blocker.isBlocked(address, now: at(15)))
        let other = try #require(AddressBlocker.Address([192, 0, 2, 2]))
        #expect(!blocker.isBlocked(other, now: at(15)))
    }

    @Test func theHeaderOfAProxyTellsTheAddress() async throws {
        try await Harness.run { mqtt, _ in
            mqtt.expectsProxyHeader = true
            mqtt.maximumRefusalsPerAddress = 1
        } _: { harness in
            func attempt(_ header: [UInt8], _ name: String) throws -> UInt8? {
                let client = try TestClient(port: harness.port)
                let connect = MQTTConnect(version: .v3_1_1, clientIdentifier: "c", userName: name)
                client.send(header)
                client.send { connect.encode(into: &$0) }
                return try client.receive()?.body[1]
            }
            let first = Array("PROXY TCP4 192.0.2.1 198.51.100.1 5000 1883\r\n".utf8)
            let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
            let second = signature + [0x21, 0x11, 0, 12, 192, 0, 2, 2, 198, 51, 100, 1, 0x13, 0x88, 0x07, 0x5B]
            let answers = try [
                attempt(first, "x"), attempt(first, "tok-1"), attempt(second, "tok-1"),
                // A proxy that looks whether we are up, and no proxy at all.
                attempt(signature + [0x20, 0, 0, 0], "tok-1"), attempt([], "tok-1"),
                attempt(Array("PROXY UNKNOWN\r\n".utf8), "tok-1"),
            ]
            #expect(answers == [5, nil, 0, nil, nil, nil])
        }
    }
}
