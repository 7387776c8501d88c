import MQTTProtocol
import Messages
import Model
import Telemetry
import TestSupport
import Testing
import TransportCore

@testable import MQTTTransport

/// Devices whose profile says protobuf (`device-api.md` 2.11, 10).
@Suite struct ProtobufDeviceTests {
    private func withProfile(
        _ change: (inout MQTTProfileConfiguration) -> Void = { _ in },
        _ body: (Harness, TestClient) async throws -> Void
    ) async throws {
        var mqtt = MQTTProfileConfiguration()
        mqtt.usesProtobuf = true
        mqtt.protobuf = ProtobufSchemas(
            telemetry: #"syntax = "proto3"; message T { int32 temperature = 1; optional string unit_name = 2; }"#,
            attributes: #"syntax = "proto3"; message A { string serial = 1; }"#)
        change(&mqtt)
        let profile = DeviceProfileInfo(id: DeviceProfileID(.random()), transportType: .mqtt, mqtt: mqtt)
        try await Harness.run(prepare: { _, _, api in
            api.configure { $0.profile = profile }
        }) { harness in
            try await body(harness, try harness.connected(.v5))
        }
    }

    @Test func telemetryAndAttributesAreReadByTheirSchema() async throws {
        try await withProfile { harness, client in
            let reading: [UInt8] = [0x08, 21, 0x12, 1, UInt8(ascii: "C")]
            try client.expectPuback(client.publish("v1/devices/me/telemetry", reading), 0)
            try client.expectPuback(client.publish("v2/t/p", reading), 0)
            try client.expectPuback(client.publish("v1/devices/me/attributes", [0x0A, 1, UInt8(ascii: "s")]), 0)
            let points = harness.queue.received.map(\.points)
            #expect(
                points == [
                    ["temperature": "21", "unitName": "C"], ["temperature": "21", "unitName": "C"], ["serial": "s"],
                ])
            try client.expectPuback(client.publish("v2/t/j", #"{"a":1}"#), 0)
            try client.expectPuback(client.publish("v1/devices/me/telemetry", #"{"a":1}"#), 0x99)
        }
    }

    @Test func withCompatibilityJSONIsReadAsWell() async throws {
        try await withProfile {
            $0.acceptsJSONBesideProtobuf = true
        } _: { harness, client in
            try client.expectPuback(client.publish("v1/devices/me/telemetry", [0x08, 21]), 0)
            try client.expectPuback(client.publish("v1/devices/me/telemetry", #"{"a":1}"#), 0)
            try client.expectPuback(client.publish("v2/t/p", #"{"a":1}"#), 0x99)
            #expect(harness.queue.received.map(\.points) == [["temperature": "21"], ["a": "1"]])
        }
    }

    @Test func attributeRequestsAndUpdatesAreProtobuf() async throws {
        try await withProfile { harness, client in
            // clientKeys "a"
            try client.expectPuback(
                client.publish("v1/devices/me/attributes/request/3", [0x0A, 1, UInt8(ascii: "a")]), 0)
            let (session, request) = try await harness.core.next("the request") {
                if case .attributesRequest(let session, let request) = $0 { (session, request) } else { nil }
            }
            #expect(request.clientKeys == ["a"] && request.sharedKeys == nil)
            let entry = AttributeEntry(key: "a", value: .long(5), timestamp: 9)
            let response = AttributesResponse(requestID: 3, client: [entry], isMultiple: false)
            harness.notify(.attributesResponse(session.sessionID, response))
            // requestId 3, one client attribute: ts 9, kv { key "a", type LONG_V, long_v 5 }
            let expected: [UInt8] = [0x08, 3, 0x12, 11, 0x08, 9, 0x12, 7, 0x0A, 1, 0x61, 0x10, 1, 0x20, 5]
            try client.expectMessage { $0.bytes == expected }
            let granted = try client.subscribe("v2/a/j")
            #expect(granted == [1])
            harness.notify(.attributesUpdate(session.sessionID, AttributesUpdate(deleted: ["x"])))
            try client.expectMessage { $0.payload == #"{"deleted":["x"]}"# }
            _ = try client.subscribe("v1/devices/me/attributes")
            harness.notify(.attributesUpdate(session.sessionID, AttributesUpdate(deleted: ["x"])))
            try client.expectMessage { $0.bytes == [0x12, 1, UInt8(ascii: "x")] }
        }
    }

    @Test func callsFollowTheSchemasOfTheProfile() async throws {
        let request = #"""
            syntax = "proto3";
            message Params { int32 pin = 1; }
            message Call { string method = 1; int32 requestId = 2; Params params = 3; }
            """#
        try await withProfile {
            $0.protobuf?.rpcRequest = request
        } _: { harness, client in
            let granted = try client.subscribe("v1/devices/me/rpc/request/+")
            #expect(granted == [1])
            let session = try await harness.lastSession()
            func call(_ params: String) -> ToDeviceRPCRequest {
                ToDeviceRPCRequest(
                    requestID: 4, method: "m", params: params, expirationTime: .max / 2, rpcID: .random(),
                    isOneWay: false)
            }
            harness.notify(.rpcRequest(session.sessionID, call(#"{"pin":7,"other":1}"#)))
            try client.expectMessage { $0.bytes == [0x0A, 1, UInt8(ascii: "m"), 0x10, 4, 0x1A, 2, 0x08, 7] }
            // The default schema of answers: payload "ok"
            try client.expectPuback(client.publish("v1/devices/me/rpc/response/4", [0x0A, 2, 0x6F, 0x6B]), 0)
            let answer = try await harness.core.next("the answer") {
                if case .rpcResponse(_, let response) = $0 { response.payload } else { nil }
            }
            #expect(answer == #"{"payload":"ok"}"#)
            harness.notify(.rpcRequest(session.sessionID, call(#"{"pin":"text"}"#)))
            let error = try await harness.core.next("an error") {
                if case .rpcResponse(_, let response) = $0 { response.error } else { nil }
            }
            #expect(error == "the request does not fit the schema of the device profile")
        }
    }

    @Test func aJSONProfileHasFixedMessagesInProtobufOnly() async throws {
        try await Harness.run { harness in
            let client = try harness.connected(.v5)
            try client.expectPuback(client.publish("v2/t/p", [0x08, 21]), 0x99)
            try client.expectPuback(client.publish("v2/r/res/p/1", [0x0A, 1, 0x61]), 0x99)
            try client.expectPuback(client.publish("v2/a/req/p/1", [0x0A, 1, UInt8(ascii: "a")]), 0)
            // method "m", params "[1]"
            let call: [UInt8] = [0x0A, 1, UInt8(ascii: "m"), 0x12, 3] + Array("[1]".utf8)
            try client.expectPuback(client.publish("v2/r/req/p/5", call), 0)
            #expect(harness.queue.sent.first?.payload.text == #"{"method":"m","params":[1]}"#)
        }
    }

    @Test func provisioningIsAnsweredInItsEncoding() async throws {
        try await Harness.run { harness in
            harness.api.configure {
                $0.provision = { request in
                    request.provisionDeviceKey == "k" && request.provisionDeviceSecret == "s"
                        && request.deviceName == "d"
                        ? .success(.accessToken, value: "T") : .notFound
                }
            }
            let client = try TestClient(port: harness.port, version: .v5)
            try client.connect(userName: "provision")
            let request: [UInt8] = [0x0A, 1, UInt8(ascii: "d"), 0x1A, 6, 0x0A, 1, 0x6B, 0x12, 1, 0x73]
            try client.expectPuback(client.publish("/provision/request", request), 0)
            try client.expectMessage { $0.bytes == [0x08, 1, 0x1A, 1, UInt8(ascii: "T")] }
        }
    }
}
