import MQTTProtocol
import Messages
import Model
import Reactor
import Telemetry
import TestSupport
import Testing
import TransportCore

@testable import MQTTTransport

/// The gateway API on a real connection (`device-api.md` 3).
@Suite struct GatewayTests {
    private func withGateway(
        _ version: MQTTVersion = .v5,
        _ configure: (inout MQTTTransportConfiguration, inout TransportConfiguration) -> Void = { _, _ in },
        _ body: (Harness, TestClient) async throws -> Void
    ) async throws {
        try await Harness.run(
            configure,
            prepare: { _, _, api in
                api.configure { $0.isGateway = true }
            }
        ) { harness in
            try await body(harness, try harness.connected(version))
        }
    }

    private func sessions(_ harness: Harness) -> [SessionInfo] {
        harness.core.received.compactMap {
            if case .sessionOpened(let info) = $0, info.gateway != nil { info } else { nil }
        }
    }

    @Test func connectOpensASessionThatIsSubscribedToEverything() async throws {
        try await withGateway { harness, client in
            try client.expectPuback(client.publish("v1/gateway/connect", #"{"device":"A","type":"t"}"#), 0)
            try client.expectPuback(client.publish("v1/gateway/connect", #"{"device":"A"}"#), 0)
            #expect(harness.api.gatewayQuestions == ["A"])
            let session = try #require(sessions(harness).first)
            let gateway = try #require(
                harness.core.received.lazy.compactMap {
                    if case .sessionOpened(let info) = $0, info.gateway == nil { info } else { nil }
                }.first)
            #expect(
                session.gateway?.sessionID == gateway.sessionID && session.gateway?.deviceID == gateway.device.deviceID)
            var subscriptions = 0
            for message in harness.core.received {
                switch message {
                case .subscribeToAttributes(let info, true), .subscribeToRPC(let info, true):
                    if info.sessionID == session.sessionID { subscriptions += 1 }
                default: continue
                }
            }
            #expect(subscriptions == 2)
            try client.expectPuback(client.publish("v1/gateway/disconnect", #"{"device":"A"}"#), 0)
            try client.expectPuback(client.publish("v1/gateway/disconnect", #"{"device":"nobody"}"#), 0)
            let closed = harness.core.received.contains {
                if case .sessionClosed(let info) = $0 { info.sessionID == session.sessionID } else { false }
            }
            #expect(closed)
        }
    }

    @Test(arguments: [MQTTVersion.v3_1_1, .v5])
    func telemetryOfUnknownDevicesConnectsThemAndIsAnsweredOnce(_ version: MQTTVersion) async throws {
        try await withGateway(version) { harness, client in
            let identifier = client.publish(
                "v1/gateway/telemetry", #"{"A":[{"a":1},{"ts":5,"values":{"b":2}}],"B":[{"c":"x"}],"C":5}"#)
            try client.expectPuback(identifier, 0)
            #expect(Set(harness.api.gatewayQuestions) == ["A", "B"])
            let entries = harness.queue.received
            #expect(entries.count == 3 && entries.allSatisfy { $0.gateway != nil })
            #expect(entries.filter { $0.device == "A" }.map(\.points) == [["a": "1"], ["b": "2"]])
            try client.ping()
        }
    }

    @Test func attributesAndClaimsOfSeveralDevices() async throws {
        try await withGateway { harness, client in
            try client.expectPuback(client.publish("v1/gateway/attributes", #"{"A":{"k":1},"B":{"k":"x"},"C":[]}"#), 0)
            #expect(harness.queue.received.map(\.kind) == [.attributes, .attributes])
            let claim = #"{"A":{"secretKey":"s","durationMs":60000},"B":{}}"#
            try client.expectPuback(client.publish("v1/gateway/claim", claim), 0)
            let secrets = harness.core.received.compactMap {
                if case .claim(_, let secret, _) = $0 { secret } else { nil }
            }
            #expect(secrets.sorted() == ["", "s"])
        }
    }

    @Test(arguments: [
        ("v1/gateway/telemetry", #"{"A":{"a":1}}"#), ("v1/gateway/telemetry", "[]"), ("v1/gateway/telemetry", "{}"),
        ("v1/gateway/attributes", #"{"A":5}"#), ("v1/gateway/connect", #"{"type":"t"}"#),
        ("v1/gateway/connect", #"{"device":""}"#), ("v1/gateway/disconnect", #"{"device":" "}"#),
        ("v1/gateway/connect", #"{"device":5}"#), ("v1/gateway/rpc", #"{"device":"A","data":{}}"#),
        ("v1/gateway/attributes/request", #"{"id":1,"device":"A","client":true}"#),
        ("v1/gateway/attributes/request", #"{"id":1,"device":"A","key":"k"}"#),
        ("v1/gateway/attributes/request", #"{"id":"x","device":"A","client":true,"key":"k"}"#),
        ("v1/gateway/claim", #"{"A":"s"}"#),
    ])
    func structuralErrorsAreAnsweredAndClose(_ topic: String, _ payload: String) async throws {
        try await withGateway { _, client in
            try client.expectPuback(client.publish(topic, payload), 0x83)
            try client.expectDisconnect(0x83)
        }
        try await withGateway(.v3_1_1) { _, client in
            try client.expectPuback(client.publish(topic, payload), 0)
            try client.expectDisconnect(0)
        }
    }

    @Test(arguments: [
        ("v1/gateway/telemetry", "nonsense"), ("v1/gateway/connect", ""), ("v1/gateway/telemetry", #"{"A":[5]}"#),
        ("v1/gateway/telemetry", #"{"A":[{"a":1,"metadata":{"connector":"c"}}]}"#),
        ("v1/gateway/telemetry", #"{"A":[{"ts":"x","values":{}}]}"#), ("v1/gateway/claim", #"{"A":{"secretKey":[]}}"#),
    ])
    func invalidPayloadsAreAnsweredOn5AndCloseOn3(_ topic: String, _ payload: String) async throws {
        try await withGateway { _, client in
            try client.expectPuback(client.publish(topic, payload), 0x99)
            try client.ping()
        }
        try await withGateway(.v3_1_1) { _, client in
            client.publish(topic, payload)
            try client.expectDisconnect(0)
        }
    }

    @Test func devicesThatCannotBeHadAreReportedAndTheConnectionStays() async throws {
        try await withGateway { harness, client in
            harness.api.configure { $0.refused = ["L": .limitReached, "F": .failed] }
            try client.expectPuback(client.publish("v1/gateway/telemetry", #"{"L":[{"a":1}]}"#), 0x97)
            try client.expectPuback(client.publish("v1/gateway/telemetry", #"{"F":[{"a":1}]}"#), 0x80)
            let request = #"{"id":1,"device":"F","client":true,"key":"k"}"#
            try client.expectPuback(client.publish("v1/gateway/attributes/request", request), 0x83)
            #expect(harness.queue.received.isEmpty)
            try client.ping()
        }
    }

    @Test func aPlainDeviceHasNoGatewayTopics() async throws {
        try await Harness.run { harness in
            let client = try harness.connected(.v5)
            try client.expectPuback(client.publish("v1/gateway/telemetry", #"{"A":[{"a":1}]}"#), 0x90)
            #expect(harness.api.gatewayQuestions.isEmpty)
            try client.ping()
        }
    }

    @Test func otherTopicsOfTheFamilyAreUnknown() async throws {
        try await withGateway { _, client in
            try client.expectPuback(client.publish("v1/gateway/nothing", "{}"), 0x90)
            try client.expectPuback(client.publish("v1/gatewayx", "{}"), 0x90)
        }
    }

    // MARK: - Downlinks

    @Test func attributeRequestsAreAnsweredForTheirDevice() async throws {
        try await withGateway { harness, client in
            let payload = #"{"id":4,"device":"A","client":true,"keys":["k1","k2"]}"#
            try client.expectPuback(client.publish("v1/gateway/attributes/request", payload), 0)
            let (session, request) = try await harness.core.next("the request") {
                if case .attributesRequest(let session, let request) = $0 { (session, request) } else { nil }
            }
            #expect(request.clientKeys == ["k1", "k2"] && request.sharedKeys == nil)
            let entry = AttributeEntry(key: "k1", value: .long(1), timestamp: 0)
            for (response, expected) in [
                (AttributesResponse(requestID: 4, client: [entry]), #"{"id":4,"device":"A","values":{"k1":1}}"#),
                (AttributesResponse(requestID: 4), #"{"id":4,"device":"A"}"#),
                (
                    AttributesResponse(requestID: 4, client: [entry], isMultiple: false),
                    #"{"id":4,"device":"A","value":1}"#
                ),
                (AttributesResponse(requestID: 4, isMultiple: false), #"{"id":4,"device":"A"}"#),
            ] {
                harness.notify(.attributesResponse(session.sessionID, response))
                let message = try client.message()
                #expect(message.topic == "v1/gateway/attributes/response" && message.payload == expected)
            }
        }
    }

    @Test func updatesAndCallsNameTheirDeviceAndNeedNoSubscription() async throws {
        try await withGateway { harness, client in
            try client.expectPuback(client.publish("v1/gateway/connect", #"{"device":"A"}"#), 0)
            let session = try #require(sessions(harness).first)
            harness.notify(.attributesUpdate(session.sessionID, AttributesUpdate(deleted: ["s"])))
            let update = try client.message()
            #expect(update.topic == "v1/gateway/attributes" && update.qos == 1)
            #expect(update.payload == #"{"device":"A","data":{"deleted":["s"]}}"#)
            let call = ToDeviceRPCRequest(
                requestID: 7, method: "m", params: "[1]", expirationTime: .max, rpcID: .random(), isOneWay: false,
                isPersisted: true)
            harness.notify(.rpcRequest(session.sessionID, call))
            let message = try client.message()
            #expect(message.topic == "v1/gateway/rpc")
            #expect(message.payload == #"{"device":"A","data":{"id":7,"method":"m","params":[1]}}"#)
            let status = try await harness.core.next("sent") {
                if case .rpcStatus(_, _, _, let status) = $0 { status } else { nil }
            }
            #expect(status == .sent)
            let answer = #"{"device":"A","id":7,"data":{"success":true}}"#
            try client.expectPuback(client.publish("v1/gateway/rpc", answer), 0)
            let response = try await harness.core.next("the answer") {
                if case .rpcResponse(let info, let response) = $0, info.sessionID == session.sessionID {
                    response
                } else {
                    nil
                }
            }
            #expect(response == ToDeviceRPCResponse(requestID: 7, payload: #"{"success":true}"#))
        }
    }

    @Test func aClosedDeviceLeavesInSilenceAndComesBackWithItsNextMessage() async throws {
        try await withGateway { harness, client in
            try client.expectPuback(client.publish("v1/gateway/connect", #"{"device":"A"}"#), 0)
            let session = try #require(sessions(harness).first)
            harness.notify(.closeSession(session.sessionID, .deviceDeleted))
            await harness.loop.perform {}
            try client.expectPuback(client.publish("v1/gateway/telemetry", #"{"A":[{"a":1}]}"#), 0)
            #expect(harness.api.gatewayQuestions == ["A", "A"])
        }
    }

    @Test func closingTheGatewayClosesItsDevices() async throws {
        try await withGateway { harness, client in
            for name in ["A", "B", "C"] {
                try client.expectPuback(client.publish("v1/gateway/connect", #"{"device":"\#(name)"}"#), 0)
            }
            client.close()
            try await eventually("all sessions are closed") {
                harness.core.received.count { if case .sessionClosed = $0 { true } else { false } } == 4
            }
        }
    }

    @Test func aSilentDeviceLeavesTheGateway() async throws {
        try await withGateway(.v3_1_1) { _, shared in
            shared.sessionInactivityTimeout = .milliseconds(1500)
            shared.sessionReportPeriod = .milliseconds(200)
        } _: { harness, client in
            try client.expectPuback(client.publish("v1/gateway/connect", #"{"device":"A"}"#), 0)
            try await eventually("the device left") {
                try client.ping()
                return harness.core.received.contains {
                    if case .sessionClosed(let info) = $0 { info.gateway != nil } else { false }
                }
            }
            try client.ping()
        }
    }

    @Test func latenciesOfConnectorsBecomeTelemetryOfTheGateway() async throws {
        try await withGateway(.v5) { mqtt, _ in
            mqtt.gatewayMetricsInterval = .milliseconds(20)
        } _: { harness, client in
            let record = #"{"A":[{"a":1,"metadata":{"connector":"modbus","receivedTs":1,"publishedTs":3}}]}"#
            try client.expectPuback(client.publish("v1/gateway/telemetry", record), 0)
            let report = try await eventually("a report") { harness.queue.received.first { $0.gateway == nil } }
            #expect(report.points["gatewayMetrics"]?.hasPrefix(#"{"modbus":{"avgGwLatency":2,"#) == true)
            #expect(harness.queue.received.first { $0.gateway != nil }?.points == ["a": "1"])
        }
    }

    @Test func tenThousandDevicesBehindOneConnection() async throws {
        try await withGateway(.v3_1_1) { harness, client in
            let count = 10_000
            for first in stride(from: 0, to: count, by: 500) {
                let names = (first..<(first + 500)).map { #""d\#($0)":[{"v":\#($0)}]"# }
                let identifier = client.publish("v1/gateway/telemetry", "{\(names.joined(separator: ","))}")
                try client.expectPuback(identifier, 0)
            }
            #expect(harness.queue.received.count == count)
            #expect(Set(harness.queue.received.map(\.device)).count == count)
            try client.ping()
        }
    }
}
