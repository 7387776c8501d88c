import MQTTProtocol
import Messages
import TestSupport
import Testing
import TransportCore

@testable import MQTTTransport

/// Connections that only register a device (`device-api.md` 8.1, 8.2).
@Suite struct ProvisioningTests {
    private let request = #"{"deviceName":"d","provisionDeviceKey":"k","provisionDeviceSecret":"s"}"#

    private func connected(_ harness: Harness, _ version: MQTTVersion) throws -> TestClient {
        let client = try TestClient(port: harness.port, version: version)
        try client.connect(userName: "provision")
        return client
    }

    @Test(arguments: [MQTTVersion.v3_1_1, .v5])
    func theAnswerComesWithoutSubscription(_ version: MQTTVersion) async throws {
        try await Harness.run { harness in
            harness.api.configure {
                $0.provision = { request in
                    request.provisionDeviceSecret == "s" ? .success(.accessToken, value: "T") : .notFound
                }
            }
            let client = try connected(harness, version)
            #expect(try client.puback(client.publish("/provision/request", request)) == 0)
            let answer = try client.message()
            #expect(answer.topic == "/provision/response" && answer.qos == 1)
            #expect(
                answer.payload == #"{"credentialsValue":"T","credentialsType":"ACCESS_TOKEN","status":"SUCCESS"}"#)
            try client.ping()
        }
    }

    @Test func onlyTheResponseTopicMayBeSubscribed() async throws {
        try await Harness.run { harness in
            let client = try connected(harness, .v5)
            #expect(try client.subscribe("/provision/response", "v1/devices/me/attributes") == [1, 0x8F])
        }
    }

    @Test(arguments: [MQTTVersion.v3_1_1, .v5])
    func anotherTopicEndsTheConnection(_ version: MQTTVersion) async throws {
        try await Harness.run { harness in
            let client = try connected(harness, version)
            let identifier = client.publish("v1/devices/me/telemetry", "{}")
            #expect(try client.puback(identifier) == (version == .v5 ? 0x90 : 0))
            try client.expectDisconnect(0x90)
        }
    }

    @Test(arguments: [
        #"{"provisionDeviceKey":"k"}"#, "[]", "5",
        #"{"provisionDeviceKey":"k","provisionDeviceSecret":"s","credentialsType":"MAGIC"}"#,
        #"{"provisionDeviceKey":"k","provisionDeviceSecret":{}}"#,
    ])
    func aRequestThatMissesSomethingEndsTheConnection(_ payload: String) async throws {
        try await Harness.run { harness in
            let client = try connected(harness, .v5)
            #expect(try client.puback(client.publish("/provision/request", payload)) == 0x83)
            try client.expectDisconnect(0x83)
        }
    }

    @Test func whatIsNoJSONIsInvalid() async throws {
        try await Harness.run { harness in
            let newer = try connected(harness, .v5)
            #expect(try newer.puback(newer.publish("/provision/request", "nonsense")) == 0x99)
            try newer.ping()
            let older = try connected(harness, .v3_1_1)
            older.publish("/provision/request", "nonsense")
            try older.expectDisconnect(0)
        }
    }

    @Test func guessingEndsTheConnection() async throws {
        try await Harness.run { harness in
            let client = try connected(harness, .v5)
            for _ in 0..<3 {
                #expect(try client.puback(client.publish("/provision/request", request)) == 0)
                let answer = try client.message()
                #expect(answer.payload == #"{"errorMsg":"Provision data was not found!","status":"NOT_FOUND"}"#)
            }
            try client.expectDisconnect(0x83)
        }
    }

    @Test func theConnectionEndsSomeTimeAfterTheAnswer() async throws {
        try await Harness.run { mqtt, _ in
            mqtt.provisionLinger = .milliseconds(50)
        } _: { harness in
            harness.api.configure { $0.provision = { _ in .failure } }
            let client = try connected(harness, .v3_1_1)
            #expect(try client.puback(client.publish("/provision/request", request)) == 0)
            #expect(try client.message().payload == #"{"errorMsg":"Failed to provision device!","status":"FAILURE"}"#)
            try client.expectDisconnect(0)
        }
    }
}
