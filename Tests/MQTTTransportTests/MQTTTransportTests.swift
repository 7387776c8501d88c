import MQTTProtocol
import Messages
import Model
import Testing

@testable import MQTTTransport

@Suite struct PendingAcknowledgementsTests {
    private func finished(_ pending: inout PendingAcknowledgements) -> [UInt16] {
        var taken: [UInt16] = []
        while let next = pending.popFinished() { taken.append(next.packetIdentifier) }
        return taken
    }

    @Test func answersLeaveInTheOrderOfArrival() {
        var pending = PendingAcknowledgements()
        let first = pending.append(10)
        let second = pending.append(20)
        pending.appendFinished(30, .topicNameInvalid)
        pending.finish(second)
        #expect(finished(&pending).isEmpty)
        pending.finish(first)
        #expect(finished(&pending) == [10, 20, 30])
        #expect(pending.count == 0)
    }

    @Test func numbersStayRightOverManyPackets() {
        var pending = PendingAcknowledgements()
        var waiting: [UInt32] = []
        var expected: UInt16 = 1
        for round in 1...10_000 {
            waiting.append(pending.append(UInt16(truncatingIfNeeded: round)))
            if waiting.count > 700 {
                for number in waiting.reversed() { pending.finish(number) }
                waiting = []
                for identifier in finished(&pending) {
                    #expect(identifier == expected)
                    expected &+= 1
                }
            }
        }
    }

    @Test func theReasonTravelsWithThePacket() {
        var pending = PendingAcknowledgements()
        let number = pending.append(1)
        pending.finish(number, .payloadFormatInvalid)
        #expect(pending.popFinished()?.reasonCode == .payloadFormatInvalid)
    }
}

@Suite struct UplinkTopicTests {
    private func classify(_ topic: String, _ classifier: UplinkTopicClassifier = .standard) -> UplinkTopic {
        Array(topic.utf8).withUnsafeBytes { classifier.classify($0) }
    }

    @Test(arguments: [
        ("v1/devices/me/telemetry", UplinkTopic.telemetry(.profile)),
        ("v1/devices/me/attributes", .attributes(.profile)),
        ("v2/t", .telemetry(.profile)), ("v2/t/j", .telemetry(.json)), ("v2/t/p", .telemetry(.protobuf)),
        ("v2/a", .attributes(.profile)), ("v2/a/j", .attributes(.json)), ("v2/a/p", .attributes(.protobuf)),
        ("v1/devices/me/attributes/request/1", .attributesRequest(.long, id: 33)),
        ("v2/a/req/j/7", .attributesRequest(.shortJSON, id: 11)),
        ("v1/devices/me/rpc/response/1", .rpcResponse(.long, id: 27)), ("v2/r/res/1", .rpcResponse(.short, id: 9)),
        ("v1/devices/me/rpc/request/1", .rpcRequest(.long, id: 26)),
        ("v2/r/req/p/1", .rpcRequest(.shortProtobuf, id: 11)),
        ("v1/devices/me/claim", .claim), ("v2/fw/request/1/chunk/0", .firmwareChunk),
        ("v2/sw/request/1/chunk/0", .softwareChunk), ("v2/fw/request/x/chunk/0", .unknown),
        ("v2/fw/request/1/chunk/", .unknown), ("v1/gateway/telemetry", .gateway),
        ("wrong/topic", .unknown), ("v1/devices/me/telemetry/x", .unknown), ("v2/tt", .unknown), ("", .unknown),
    ])
    func standardTopics(_ topic: String, _ expected: UplinkTopic) {
        #expect(classify(topic) == expected)
    }

    private func classifier(telemetry: String, attributes: String = "") -> UplinkTopicClassifier {
        var mqtt = MQTTProfileConfiguration()
        mqtt.telemetryTopicFilter = telemetry
        if !attributes.isEmpty { mqtt.attributesTopicFilter = attributes }
        return UplinkTopicClassifier(
            DeviceProfileInfo(id: DeviceProfileID(.zero), transportType: .mqtt, mqtt: mqtt))
    }

    @Test func aCustomFilterReplacesTheDefaultTopic() {
        let custom = classifier(telemetry: "data/+/up")
        #expect(classify("data/7/up", custom) == .telemetry(.profile))
        #expect(classify("data//up", custom) == .unknown)
        #expect(classify("data/7/8/up", custom) == .unknown)
        #expect(classify("v1/devices/me/telemetry", custom) == .unknown)
        #expect(classify("v2/t", custom) == .telemetry(.profile))
    }

    @Test func attributesAreComparedBeforeTelemetry() {
        let custom = classifier(telemetry: "#")
        #expect(classify("v1/devices/me/attributes", custom) == .attributes(.profile))
        #expect(classify("v1/devices/me/rpc/request/1", custom) == .telemetry(.profile))
        #expect(classify("v1/gateway/telemetry", custom) == .gateway)
    }

    @Test func aHashAtTheEndMatchesTheParentAndAllBelow() {
        let custom = classifier(telemetry: "plant/#")
        #expect(classify("plant", custom) == .telemetry(.profile))
        #expect(classify("plant/1/2", custom) == .telemetry(.profile))
        #expect(classify("plants", custom) == .unknown)
    }
}

@Suite struct ConnectRefusalTests {
    private func connect(_ id: String, user: String? = nil, password: [UInt8]? = nil) -> MQTTConnect {
        MQTTConnect(version: .v5, clientIdentifier: id, userName: user, password: password)
    }

    @Test func codesDependOnWhatWasPresented() {
        #expect(ConnectRefusal.wrongCredentials(connect("c", user: "wrong")).reasonCode == .badUserNameOrPassword)
        #expect(ConnectRefusal.wrongCredentials(connect("c", user: "wrong")).returnCode == .notAuthorized)
        #expect(ConnectRefusal.wrongCredentials(connect("c")).reasonCode == .clientIdentifierNotValid)
        #expect(ConnectRefusal.wrongCredentials(connect("c")).returnCode == .identifierRejected)
        #expect(ConnectRefusal.wrongCredentials(connect("")).reasonCode == .notAuthorized)
        #expect(ConnectRefusal.wrongCredentials(connect("")).returnCode == .notAuthorized)
        #expect(ConnectRefusal.unavailable.disconnect == .serverBusy)
    }
}

@Suite struct DownlinkFiltersTests {
    @Test func onlyLiteralFiltersAreKnown() {
        #expect(DownlinkFilter.named("v1/devices/me/rpc/request/+", profileFilter: "")?.kind == .rpcRequest)
        #expect(DownlinkFilter.named("my/attributes", profileFilter: "my/attributes")?.kind == .attributes)
        for filter in ["#", "v1/devices/me/#", "v1/devices/me/rpc/request/5", "$share/a/v1/devices/me/attributes"] {
            #expect(DownlinkFilter.named(filter, profileFilter: "v1/devices/me/attributes") == nil)
        }
        #expect(DownlinkFilter.granted(.exactlyOnce) == .atLeastOnce)
    }
}

@Suite struct DownlinkWindowTests {
    @Test func identifiersWrapAndSkipThoseInFlight() {
        var window = DownlinkWindow<Int>(receiveMaximum: 70_000)
        #expect(window.admit(1) == 1)
        for expected in 2...65_535 as ClosedRange<UInt16> {
            #expect(window.admit(nil) == expected)
            _ = window.acknowledge(expected)
        }
        // 1 still waits for its PUBACK.
        #expect(window.admit(nil) == 2)
        #expect(window.acknowledge(1) == .some(1))
        #expect(window.acknowledge(1) == nil)
    }

    @Test func whatWaitsLeavesInOrder() {
        var window = DownlinkWindow<Int>(receiveMaximum: 1)
        let first = window.admit(nil)
        #expect(window.admit(nil) == nil)
        for number in 1...3 { window.wait(.init(topic: [], payload: [UInt8(number)], tracked: number)) }
        #expect(window.next() == nil)
        #expect(window.count == 4 && window.waitingBytes == 3)
        _ = window.acknowledge(first ?? 0)
        #expect(window.next()?.0.tracked == 1)
        #expect(window.next() == nil)
        #expect(window.tracked.sorted() == [1, 2, 3])
    }
}
