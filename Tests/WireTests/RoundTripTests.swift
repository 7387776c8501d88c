import CMessages
import Messages
import Model
import Telemetry
import TestSupport
import Testing
import Wire

/// Everything that a value holds, as text.
func described(_ value: some Any) -> String {
    var text = ""
    dump(value, to: &text)
    return text
}

/// What protobuf-c makes of bytes that it has unpacked.
func repacked(_ bytes: [UInt8], _ descriptor: String) -> [UInt8]? {
    func packed<M>(
        _ unpack: (UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?) -> UnsafeMutablePointer<M>?
    ) -> [UInt8]? {
        guard let message = unpack(nil, bytes.count, bytes) else { return nil }
        return message.withMemoryRebound(to: ProtobufCMessage.self, capacity: 1) { base in
            defer { protobuf_c_message_free_unpacked(base, nil) }
            var out = [UInt8](repeating: 0, count: protobuf_c_message_get_packed_size(base))
            return protobuf_c_message_pack(base, &out) == out.count ? out : nil
        }
    }
    switch descriptor {
    case "ToRuleEngineMsg": return packed(needletail__to_rule_engine_msg__unpack)
    case "ToCoreMsg": return packed(needletail__to_core_msg__unpack)
    case "ToCoreNotificationMsg": return packed(needletail__to_core_notification_msg__unpack)
    case "ToTransportMsg": return packed(needletail__to_transport_msg__unpack)
    case "TransportApiRequestMsg": return packed(needletail__transport_api_request_msg__unpack)
    case "TransportApiResponseMsg": return packed(needletail__transport_api_response_msg__unpack)
    default: return nil
    }
}

@Suite struct RoundTripTests {
    private static let rounds = 2000

    @Test func coreMessagesComeBackAsTheyWere() throws {
        var samples = Samples(SeededRandom(seed: 1))
        var encoder = WireEncoder()
        let decoder = WireDecoder()
        for _ in 0..<Self.rounds {
            let message = samples.coreMessage()
            encoder.encode(message)
            let back = try encoder.withBytes { bytes throws(WireError) in try decoder.coreMessage(bytes) }
            try #require(described(back) == described(message))
            try #require(repacked(encoder.bytes, "ToCoreMsg") == encoder.bytes)
        }
    }

    @Test func transportNotificationsComeBackAsTheyWere() throws {
        var samples = Samples(SeededRandom(seed: 2))
        var encoder = WireEncoder()
        let decoder = WireDecoder()
        for _ in 0..<Self.rounds {
            let message = samples.transportNotification()
            encoder.encode(message)
            let back = try encoder.withBytes { bytes throws(WireError) in try decoder.transportNotification(bytes) }
            try #require(described(back) == described(message))
            try #require(repacked(encoder.bytes, "ToTransportMsg") == encoder.bytes)
        }
    }

    @Test func coreNotificationsComeBackAsTheyWere() throws {
        var samples = Samples(SeededRandom(seed: 3))
        var encoder = WireEncoder()
        let decoder = WireDecoder()
        for _ in 0..<Self.rounds {
            let message = samples.coreNotification()
            encoder.encode(message)
            let back = try encoder.withBytes { bytes throws(WireError) in try decoder.coreNotification(bytes) }
            try #require(described(back) == described(message))
            try #require(repacked(encoder.bytes, "ToCoreNotificationMsg") == encoder.bytes)
        }
    }

    @Test func ruleMessagesComeBackAsTheyWere() throws {
        var samples = Samples(SeededRandom(seed: 4))
        var encoder = WireEncoder()
        let decoder = WireDecoder()
        for _ in 0..<Self.rounds {
            var message = samples.ruleMessage()
            for _ in 0..<samples.int(0...2) { message.labels.append(samples.text()) }
            if message.labels.count == 1 { message.calculatedFields = [message.id, message.tenantID.uuid] }
            encoder.encode(message)
            let back = try encoder.withBytes { bytes throws(WireError) in
                try decoder.ruleMessage(bytes, into: UplinkBatch())
            }
            try #require(described(back) == described(message))
            try #require(Self.stack(of: back) == Self.stack(of: message))
            try #require(back.calculatedFields == message.calculatedFields)
            try #require(repacked(encoder.bytes, "ToRuleEngineMsg") == encoder.bytes)
        }
    }

    private static func stack(of message: RuleMessage) -> [String] {
        message.callers?.entries.map { "\($0.chain) \($0.node)" } ?? []
    }

    @Test func uplinksBecomeTheMessagesThatTheyAreInOneProcess() throws {
        var samples = Samples(SeededRandom(seed: 5))
        var encoder = WireEncoder()
        let decoder = WireDecoder()
        for _ in 0..<Self.rounds {
            let batch = samples.uplinks()
            let received = UplinkBatch()
            for index in batch.messages.indices {
                let id = samples.uuid()
                encoder.encode(uplink: batch, index: index, id: id)
                let back = try encoder.withBytes { bytes throws(WireError) in
                    try decoder.ruleMessage(bytes, into: received)
                }
                let expected = RuleMessage(uplink: batch, index: index, id: id)
                try #require(repacked(encoder.bytes, "ToRuleEngineMsg") == encoder.bytes)
                try #require(back.id == id && back.timestamp == expected.timestamp && back.type == expected.type)
                try #require(back.originator == expected.originator && back.tenantID == expected.tenantID)
                try #require(back.customerID == expected.customerID && back.ruleChainID == expected.ruleChainID)
                try #require(back.metadata.dictionary == expected.metadata.dictionary)
                try #require(back.metadataTimestamp == expected.metadataTimestamp)
                try #require(Self.entries(of: back) == Self.entries(of: expected))
                // The same message, encoded as a message.
                let asUplink = encoder.bytes
                encoder.encode(expected)
                try #require(asUplink.count == encoder.bytes.count)
            }
        }
    }

    private static func entries(of message: RuleMessage) -> [String] {
        switch message.payload {
        case .text(let text): text.isEmpty ? [] : [text]
        case .points(let batch, let first, let count):
            batch.arena.entries(in: Int(first)..<Int(first + count)).map { "\($0.key)=\($0.value)" }
        }
    }

    @Test(arguments: [
        TransportQuestion.validate(.accessToken("A1_TEST_TOKEN")),
        .validate(.mqttBasic(clientID: "c", userName: nil, password: "p")),
        .validate(.x509(hash: "00ff")),
        .validateOrCreate(certificateChain: "-----BEGIN CERTIFICATE-----"),
        .getOrCreateDevice(gateway: DeviceID(.null), name: "child", type: ""),
        .provision(
            ProvisionRequest(
                deviceName: "d", credentialsType: .mqttBasic, provisionDeviceKey: "k", provisionDeviceSecret: "s",
                clientID: "c", isGateway: true)),
        .otaPackage(device: DeviceID(.null), tenant: TenantID(.null), kind: .software),
        .otaPackageData(OTAPackageID(.null), offset: 0, length: 4096),
        .transportLimits(TenantID(.null)), .queues,
    ])
    func questionComesBackAsItWas(_ question: TransportQuestion) throws {
        var encoder = WireEncoder()
        encoder.encode(question)
        let back = try encoder.withBytes { bytes throws(WireError) in try WireDecoder().question(bytes) }
        #expect(described(back) == described(question))
        #expect(repacked(encoder.bytes, "TransportApiRequestMsg") == encoder.bytes)
    }

    @Test func answersComeBackAsTheyWere() throws {
        var samples = Samples(SeededRandom(seed: 6))
        let package = OTAPackageInfo(
            id: OTAPackageID(.null), kind: .firmware, title: "t", version: "1", contentType: "a/b", fileName: "f",
            size: 1 << 40)
        let answers: [TransportAnswer] = [
            .credentials(.refused), .credentials(.accepted(samples.device(), samples.profile())),
            .gatewayDevice(.found(samples.device(), samples.profile())), .gatewayDevice(.limitReached),
            .gatewayDevice(.failed), .provision(.success(.accessToken, value: "T")), .provision(.notFound),
            .provision(.failure), .otaPackage(.found(package)), .otaPackage(.notFound), .otaPackageData([1, 0, 255]),
            .otaPackageData([]), .transportLimits(samples.limits()), .failure("why"),
            .queues([
                QueueRoute(name: "Main", topic: "tb_rule_engine.main", partitions: 10),
                QueueRoute(name: "Own", topic: "t", partitions: 3, isolatedTenant: TenantID(.random())),
                QueueRoute(name: "All", topic: "a", partitions: 2, duplicates: true),
            ]),
        ]
        var encoder = WireEncoder()
        for answer in answers {
            encoder.encode(answer)
            let back = try encoder.withBytes { bytes throws(WireError) in try WireDecoder().answer(bytes) }
            #expect(described(back) == described(answer))
            #expect(repacked(encoder.bytes, "TransportApiResponseMsg") == encoder.bytes)
        }
    }

    @Test(arguments: [
        TransportAnswer.credentials(.unavailable), .provision(.unavailable), .otaPackage(.unavailable),
        .otaPackageData(nil), .transportLimits(nil), .failure(""),
    ])
    func whatCouldNotBeAnsweredTravelsAsAFailure(_ answer: TransportAnswer) throws {
        var encoder = WireEncoder()
        encoder.encode(answer)
        let back = try encoder.withBytes { bytes throws(WireError) in try WireDecoder().answer(bytes) }
        guard case .failure(let text) = back else {
            Issue.record("\(back) is no failure")
            return
        }
        #expect(!text.isEmpty)
    }
}
