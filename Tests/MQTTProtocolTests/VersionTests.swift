import Bytes
import MQTTProtocol
import Testing

/// Where the versions differ.
@Suite struct VersionTests {
    private func decode(_ notation: String, _ version: MQTTVersion) throws(MQTTError) -> AnyPacket? {
        try AnyPacket.decode(wire(notation).span, version)?.packet
    }

    /// MQTT V3.1 3.1: "the Remaining Length field takes precedence over the User Name flag".
    @Test func version31AllowsFlaggedCredentialsToBeMissing() throws {
        let expected = MQTTConnect(version: .v3_1, clientIdentifier: "c")
        #expect(try decode("10 0F 0006 'MQIsdp' 03 C2 0000 0001 'c'", .v3_1_1) == .connect(expected))
        var withUser = expected
        withUser.userName = "u"
        #expect(try decode("10 12 0006 'MQIsdp' 03 C2 0000 0001 'c' 0001 'u'", .v3_1_1) == .connect(withUser))
    }

    @Test func version31GivesUnusedFlagsNoMeaning() throws {
        #expect(
            try decode("10 0F 0006 'MQIsdp' 03 3B 0000 0001 'c'", .v3_1)
                == .connect(MQTTConnect(version: .v3_1, clientIdentifier: "c")))
        #expect(try decode("20 02 FF 00", .v3_1) == .connack(MQTTConnack(answer: .returnCode(.accepted))))
        #expect(
            try decode("82 06 0001 0001 'a' F1", .v3_1)
                == .subscribe(
                    MQTTSubscribe(
                        packetIdentifier: 1, subscriptions: [MQTTSubscription(topicFilter: "a", qos: .atLeastOnce)])))
    }

    @Test func version31IgnoresDUPWithoutAcknowledgement() throws {
        let publish = AnyPacket.Publish(topic: [0x61], payload: [], qos: .atMostOnce, packetIdentifier: 0, retain: true)
        #expect(try decode("39 03 0001 'a'", .v3_1) == .publish(publish))
        #expect(throws: MQTTError.dupWithoutAcknowledgement) { try decode("39 03 0001 'a'", .v5) }
    }

    @Test func version31RepeatsPacketsWithDUP() throws {
        #expect(try decode("6A 02 0001", .v3_1) != nil)
        #expect(throws: MQTTError.invalidFixedHeaderFlags) { try decode("6A 02 0001", .v3_1_1) }
    }

    @Test func theConnectDecidesItsVersionWhateverTheDecoderWasSetTo() throws {
        for version in MQTTVersion.allCases {
            guard case .connect(let connect)? = try decode("10 0D 0004 'MQTT' 05 02 0000 00 0000", version) else {
                Issue.record("no CONNECT")
                continue
            }
            #expect(connect.version == .v5)
        }
    }

    @Test func anUnsupportedLevelIsReportedBeforeTheRestIsLookedAt() {
        #expect(throws: MQTTError.unsupportedProtocolLevel) { try decode("10 07 0004 'MQTT' 09", .v3_1_1) }
    }

    @Test func aSharedSubscriptionIsAnOrdinaryFilterBeforeVersion5() throws {
        #expect(try decode("82 0D 0001 0008 '$share/g' 00", .v3_1_1) != nil)
    }

    @Test func versionsBefore5GetTheFailuresTheyKnow() {
        var buffer = ByteBuffer()
        MQTTSuback(packetIdentifier: 1, reasonCodes: [.topicFilterInvalid, .grantedQoS1])
            .encode(version: .v3_1_1, into: &buffer)
        MQTTUnsuback(packetIdentifier: 2, reasonCodes: [.noSubscriptionExisted])
            .encode(version: .v3_1_1, into: &buffer)
        MQTTAcknowledgement.encode(
            .puback, packetIdentifier: 3, reasonCode: .topicNameInvalid, version: .v3_1_1, into: &buffer)
        #expect(buffer.copy() == wire("90 04 0001 80 01  B0 02 0002  40 02 0003"))
    }

    @Test func aServerMaySendSubscriptionIdentifiersAndAClientMayNot() throws {
        let bytes = wire("0001 'a' 04 0B 01 0B 02").framed(0x30)
        let decoded = try #require(try AnyPacket.decode(bytes.span, .v5, from: .server))
        guard case .publish(let publish) = decoded.packet else { return #expect(Bool(false), "no PUBLISH") }
        #expect(publish.properties.subscriptionIdentifiers == [1, 2])
        #expect(throws: MQTTError.subscriptionIdentifierFromClient) {
            try AnyPacket.decode(bytes.span, .v5, from: .client)
        }
    }

    @Test func anAcknowledgementMayEndBehindItsReasonCodeOrBehindItsEmptyProperties() throws {
        let expected = AnyPacket.acknowledgement(AnyPacket.Acknowledgement(kind: .puback, packetIdentifier: 1))
        for notation in ["40 02 0001", "40 03 0001 00", "40 04 0001 00 00"] {
            #expect(try decode(notation, .v5) == expected)
        }
        for notation in ["E0 00", "E0 01 00", "E0 02 00 00"] {
            #expect(try decode(notation, .v5) == .disconnect(MQTTDisconnect()))
        }
    }
}
