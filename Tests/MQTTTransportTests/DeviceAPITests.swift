import MQTTProtocol
import Messages
import Model
import Reactor
import Telemetry
import TestSupport
import Testing
import TransportCore

@testable import MQTTTransport

/// Requests, answers and notifications of a device on a real connection (`device-api.md` 2.6 to 2.9).
@Suite struct DeviceAPITests {
    @Test(arguments: [MQTTVersion.v3_1, .v3_1_1, .v5])
    func anAttributeRequestIsAnsweredOnItsTopicWithoutSubscription(_ version: MQTTVersion) async throws {
        try await Harness.run { harness in
            let client = try harness.connected(version)
            let identifier = client.publish(
                "v1/devices/me/attributes/request/11", #"{"clientKeys":"a,b","sharedKeys":"s"}"#)
            #expect(try client.puback(identifier) == 0)
            let (session, request) = try await harness.core.next("the request") {
                if case .attributesRequest(let session, let request) = $0 { (session, request) } else { nil }
            }
            #expect(request.clientKeys == ["a", "b"] && request.sharedKeys == ["s"])
            let response = AttributesResponse(
                requestID: request.requestID,
                client: [AttributeEntry(key: "a", value: .long(1), timestamp: 0)],
                shared: [AttributeEntry(key: "s", value: .json("[1]"), timestamp: 0)])
            harness.notify(.attributesResponse(session.sessionID, response))
            let message = try client.message()
            #expect(message.topic == "v1/devices/me/attributes/response/11")
            #expect(message.payload == #"{"client":{"a":1},"shared":{"s":[1]}}"#)
            #expect(message.qos == 1)
        }
    }

    @Test(
        arguments: [
            (#"{}"#, nil, nil), (#"{"clientKeys":"a"}"#, ["a"], nil), (#"{"sharedKeys":"s,t"}"#, nil, ["s", "t"]),
            (#"{"clientKeys":""}"#, [""], nil), (#"{"clientKeys":5}"#, ["5"], nil), (#"{"keys":"s"}"#, nil, nil),
        ] as [(String, [String]?, [String]?)])
    func attributeRequestsNameTheirKeys(_ payload: String, _ client: [String]?, _ shared: [String]?) throws {
        let request = try DeviceRequestJSON.attributesRequest(Array(payload.utf8).span, requestID: 3)
        #expect(request == AttributesRequest(requestID: 3, clientKeys: client, sharedKeys: shared))
    }

    @Test(arguments: ["", "5", "[]", "nonsense", #"{"clientKeys":null}"#, #"{"sharedKeys":["a"]}"#])
    func otherPayloadsAreNoAttributeRequest(_ payload: String) {
        #expect(throws: DevicePayloadError.invalid) {
            try DeviceRequestJSON.attributesRequest(Array(payload.utf8).span, requestID: 3)
        }
    }

    @Test func aBadRequestIDIsAnInvalidPayload() async throws {
        try await Harness.run { harness in
            let client = try harness.connected(.v5)
            for id in ["abc", "", "1.5", "99999999999", " 1", "1/2"] {
                #expect(try client.puback(client.publish("v1/devices/me/attributes/request/\(id)", "{}")) == 0x99)
                #expect(try client.puback(client.publish("v1/devices/me/rpc/response/\(id)", "{}")) == 0x99)
            }
            #expect(try client.puback(client.publish("v1/devices/me/attributes/request/-4", "{}")) == 0)
            let isAsked = harness.core.received.contains { if case .attributesRequest = $0 { true } else { false } }
            #expect(!isAsked)
            client.publish("v1/devices/me/rpc/request/abc", #"{"method":"m"}"#)
            try client.expectDisconnect(0x8B)
        }
    }

    @Test func attributeUpdatesGoToTheFamilySubscribedLast() async throws {
        try await Harness.run { harness in
            let client = try harness.connected()
            #expect(try client.subscribe("v1/devices/me/attributes") == [1])
            #expect(try client.subscribe("v2/a/j", qos: .atMostOnce) == [0])
            let session = try await harness.lastSession()
            harness.notify(
                .attributesUpdate(
                    session.sessionID,
                    AttributesUpdate(updated: [AttributeEntry(key: "s", value: .double(2), timestamp: 0)])))
            let update = try client.message()
            #expect(update.topic == "v2/a/j" && update.payload == #"{"s":2.0}"# && update.qos == 0)
            harness.notify(.attributesUpdate(session.sessionID, AttributesUpdate(deleted: ["s", "t"])))
            #expect(try client.message().payload == #"{"deleted":["s","t"]}"#)
            #expect(try client.unsubscribe("v2/a/j", "v2/a/p", "nonsense") == [])
            harness.notify(.attributesUpdate(session.sessionID, AttributesUpdate(deleted: ["u"])))
            await harness.loop.perform {}
            try client.ping()
            let unsubscribed = try await harness.core.next("unsubscribed") {
                if case .subscribeToAttributes(_, isSubscribed: false) = $0 { true } else { nil }
            }
            #expect(unsubscribed)
        }
    }

    @Test func unsubscribeTellsWhatWasThere() async throws {
        try await Harness.run { harness in
            let client = try harness.connected(.v5)
            #expect(try client.subscribe("v1/devices/me/rpc/request/+", "#", "v1/gateway/rpc") == [1, 0x8F, 1])
            #expect(try client.unsubscribe("v1/devices/me/rpc/request/+", "#", "v2/a") == [0, 0x11, 0x11])
        }
    }

    // MARK: - Calls to the device

    private func call(_ id: Int32, isPersisted: Bool = false, expires: Int64 = .max / 2) -> ToDeviceRPCRequest {
        ToDeviceRPCRequest(
            requestID: id, method: "set", params: #"{"pin":7}"#, expirationTime: expires,
            rpcID: UUID128(high: 1, low: UInt64(id)), isOneWay: false, isPersisted: isPersisted)
    }

    private func statuses(_ core: RecordingCore) -> [RPCStatus] {
        core.received.compactMap { if case .rpcStatus(_, _, _, let status) = $0 { status } else { nil } }
    }

    @Test func aCallIsDeliveredWhenItsPubackComes() async throws {
        try await Harness.run { harness in
            let client = try harness.connected()
            #expect(try client.subscribe("v1/devices/me/rpc/request/+") == [1])
            let session = try await harness.lastSession()
            harness.notify(.rpcRequest(session.sessionID, call(0, isPersisted: true)))
            let message = try client.message()
            #expect(message.topic == "v1/devices/me/rpc/request/0")
            #expect(message.payload == #"{"method":"set","params":{"pin":7}}"#)
            try await eventually("sent") { statuses(harness.core) == [.sent] }
            client.acknowledge(message)
            try await eventually("delivered") { statuses(harness.core) == [.sent, .delivered] }
            #expect(try client.puback(client.publish("v1/devices/me/rpc/response/0", "any text")) == 0)
            let answer = try await harness.core.next("the answer") {
                if case .rpcResponse(_, let response) = $0 { response } else { nil }
            }
            #expect(answer == ToDeviceRPCResponse(requestID: 0, payload: "any text"))
        }
    }

    @Test func withQoS0WrittenIsDelivered() async throws {
        try await Harness.run { harness in
            let client = try harness.connected()
            #expect(try client.subscribe("v2/r/req/+", qos: .atMostOnce) == [0])
            let session = try await harness.lastSession()
            harness.notify(.rpcRequest(session.sessionID, call(5)))
            let message = try client.message()
            #expect(message.topic == "v2/r/req/5" && message.qos == 0)
            try await eventually("delivered") { statuses(harness.core) == [.delivered] }
        }
    }

    @Test func withoutPubackACallTimesOut() async throws {
        try await Harness.run { mqtt, _ in
            mqtt.rpcAcknowledgementTimeout = .milliseconds(20)
        } _: { harness in
            let client = try harness.connected()
            _ = try client.subscribe("v1/devices/me/rpc/request/+")
            let session = try await harness.lastSession()
            harness.notify(.rpcRequest(session.sessionID, call(1)))
            _ = try client.message()
            try await eventually("timed out") { statuses(harness.core) == [.timeout] }
        }
    }

    @Test func aCallWithoutSubscriptionIsNotSent() async throws {
        try await Harness.run { harness in
            let client = try harness.connected()
            let session = try await harness.lastSession()
            harness.notify(.rpcRequest(session.sessionID, call(1)))
            await harness.loop.perform {}
            try client.ping()
            #expect(statuses(harness.core).isEmpty)
        }
    }

    @Test func theReceiveMaximumOfTheClientIsKept() async throws {
        try await Harness.run { harness in
            let client = try TestClient(port: harness.port, version: .v5)
            var properties = MQTTProperties()
            properties.receiveMaximum = 2
            try client.connect(userName: "tok-1", properties: properties)
            _ = try client.subscribe("v1/devices/me/rpc/request/+")
            let session = try await harness.lastSession()
            for id in 0..<5 { harness.notify(.rpcRequest(session.sessionID, call(Int32(id)))) }
            let first = try client.message()
            let second = try client.message()
            try client.ping()
            client.acknowledge(first)
            let third = try client.message()
            #expect(third.topic == "v1/devices/me/rpc/request/2")
            client.acknowledge(second)
            client.acknowledge(third)
            #expect(try client.message().topic == "v1/devices/me/rpc/request/3")
            #expect(try client.message().topic == "v1/devices/me/rpc/request/4")
        }
    }

    @Test func whoNeverAcknowledgesIsClosed() async throws {
        try await Harness.run { mqtt, _ in
            mqtt.maximumUnacknowledgedDownlinks = 10
        } _: { harness in
            let client = try harness.connected(.v5)
            _ = try client.subscribe("v1/devices/me/rpc/request/+")
            let session = try await harness.lastSession()
            for id in 0..<11 { harness.notify(.rpcRequest(session.sessionID, call(Int32(id)))) }
            for _ in 0..<11 { _ = try client.message() }
            try client.expectDisconnect(0x97)
        }
    }

    @Test func aMessageLargerThanTheClientTakesIsNotSent() async throws {
        try await Harness.run { harness in
            let client = try TestClient(port: harness.port, version: .v5)
            var properties = MQTTProperties()
            properties.maximumPacketSize = 50
            try client.connect(userName: "tok-1", properties: properties)
            _ = try client.subscribe("v1/devices/me/rpc/request/+")
            let session = try await harness.lastSession()
            harness.notify(.rpcRequest(session.sessionID, call(1)))
            let error = try await harness.core.next("an error") {
                if case .rpcResponse(_, let response) = $0 { response.error } else { nil }
            }
            #expect(error == "the request is larger than the device takes")
            try client.ping()
        }
    }

    // MARK: - Calls of the device

    @Test func aCallOfTheDeviceBecomesAMessageAndItsAnswerComesBack() async throws {
        try await Harness.run { harness in
            let client = try harness.connected()
            let identifier = client.publish("v2/r/req/j/42", #"{"method":"getTime","params":{"a":1}}"#)
            #expect(try client.puback(identifier) == 0)
            let sent = try #require(harness.queue.sent.first)
            #expect(sent.type == .known(.toServerRPCRequest))
            #expect(sent.payload.text == #"{"method":"getTime","params":{"a":1}}"#)
            let session = try await harness.lastSession()
            #expect(sent.metadata["sessionId"] == session.sessionID.text && sent.metadata["requestId"] == "42")
            harness.notify(.rpcResponse(session.sessionID, ToServerRPCResponse(requestID: 42, payload: #"{"t":1}"#)))
            let answer = try client.message()
            #expect(answer.topic == "v2/r/res/j/42" && answer.payload == #"{"t":1}"#)
            // The second answer is for nobody.
            harness.notify(.rpcResponse(session.sessionID, ToServerRPCResponse(requestID: 42, payload: "again")))
            await harness.loop.perform {}
            try client.ping()
        }
    }

    @Test func aCallThatNobodyAnswersTimesOut() async throws {
        try await Harness.run { mqtt, _ in
            mqtt.clientRPCTimeout = .milliseconds(30)
        } _: { harness in
            let client = try harness.connected()
            #expect(try client.puback(client.publish("v1/devices/me/rpc/request/7", #"{"method":"m"}"#)) == 0)
            let answer = try client.message()
            #expect(answer.topic == "v1/devices/me/rpc/response/7" && answer.payload == #"{"error":"timeout"}"#)
        }
    }

    @Test func aCallWithoutMethodClosesAndNonsenseIsInvalid() async throws {
        try await Harness.run { harness in
            let client = try harness.connected(.v5)
            #expect(try client.puback(client.publish("v1/devices/me/rpc/request/9", "nonsense")) == 0x99)
            client.publish("v1/devices/me/rpc/request/8", #"{"params":{}}"#)
            try client.expectDisconnect(0x8B)
        }
    }

    @Test func claimsReachTheCore() async throws {
        try await Harness.run { harness in
            let client = try harness.connected()
            #expect(try client.puback(client.publish("v1/devices/me/claim", #"{"secretKey":"s","durationMs":5}"#)) == 0)
            #expect(try client.puback(client.publish("v1/devices/me/claim", "")) == 0)
            let claims = harness.core.received.compactMap {
                if case .claim(_, let secret, let duration) = $0 { "\(secret) \(duration)" } else { nil }
            }
            #expect(claims == ["s 5", " 0"])
        }
    }

    @Test func aFullCoreQueueClosesWithoutPuback() async throws {
        try await Harness.run { harness in
            let client = try harness.connected(.v5)
            harness.core.isFull = true
            client.publish("v1/devices/me/attributes/request/1", "{}")
            try client.expectDisconnect(0x83)
        }
    }

    @Test func aServerCallThatTheQueueLosesIsNotAcknowledged() async throws {
        try await Harness.run { harness in
            let client = try harness.connected(.v5)
            harness.queue.loseMessages()
            client.publish("v1/devices/me/rpc/request/1", #"{"method":"m","params":{}}"#)
            try client.expectDisconnect(0x83)
        }
    }

    @Test func activityIsReported() async throws {
        try await Harness.run { _, shared in
            shared.sessionReportPeriod = .milliseconds(200)
        } _: { harness in
            let client = try harness.connected()
            _ = try client.subscribe("v1/devices/me/attributes")
            let (attributes, rpc) = try await harness.core.next("activity") {
                if case .activity(_, _, let attributes, let rpc) = $0 { (attributes, rpc) } else { nil }
            }
            #expect(attributes && !rpc)
        }
    }
}
