import Bytes
import MQTTProtocol
import Testing

@Suite struct ErrorTests {
    @Test func everyErrorHasAReasonCodeThatADisconnectMayCarryUnlessNoAnswerIsUnderstood() {
        for error in MQTTError.allCases {
            #expect(error.reasonCode.isFailure, "\(error)")
            #expect(error.reasonCode.isAllowed(in: .disconnect) == !error.isUnsupportedProtocol, "\(error)")
        }
    }

    @Test(arguments: [
        (MQTTError.truncated, MQTTReasonCode.malformedPacket), (.packetIdentifierZero, .malformedPacket),
        (.wildcardInTopicName, .malformedPacket), (.invalidFixedHeaderFlags, .malformedPacket),
        (.duplicateProperty, .protocolError), (.emptySubscription, .protocolError),
        (.packetTooLarge, .packetTooLarge), (.topicAliasZero, .topicAliasInvalid),
        (.unsupportedProtocolLevel, .unsupportedProtocolVersion),
    ])
    func errorsMapToReasonCodes(_ error: MQTTError, _ code: MQTTReasonCode) {
        #expect(error.reasonCode == code)
    }

    /// How many codes MQTT 5.0 table 2-6 lists for each packet. DISCONNECT has two more here, which servers repeat behind
    /// a CONNACK that refuses.
    @Test(arguments: [
        (MQTTPacketType.connack, 22), (.puback, 9), (.pubrec, 9), (.pubrel, 2), (.pubcomp, 2), (.suback, 12),
        (.unsuback, 7), (.disconnect, 32), (.auth, 3), (.connect, 0), (.publish, 0), (.pingreq, 0),
    ])
    func everyPacketHasItsReasonCodes(_ type: MQTTPacketType, _ count: Int) {
        #expect(MQTTReasonCode.allCases.count { $0.isAllowed(in: type) } == count)
    }

    @Test func reasonCodesAreTheOnesOfTheSpecification() {
        let codes: [UInt8] =
            [0x00, 0x01, 0x02, 0x04, 0x10, 0x11, 0x18, 0x19] + Array(0x80...0xA2)
        #expect(MQTTReasonCode.allCases.map(\.rawValue) == codes)
    }

    @Test func aPacketThatCannotBeIsNotEncoded() async {
        await #expect(processExitsWith: .failure) {
            var buffer = ByteBuffer()
            MQTTAcknowledgement.encode(.puback, packetIdentifier: 0, version: .v5, into: &buffer)
        }
        await #expect(processExitsWith: .failure) {
            var buffer = ByteBuffer()
            let nothing: [UInt8] = []
            MQTTPublish.encode(
                topic: nothing.span, payload: nothing.span, qos: .atMostOnce, version: .v3_1_1, into: &buffer)
        }
        await #expect(processExitsWith: .failure) {
            var buffer = ByteBuffer()
            var puback = MQTTProperties()
            puback.topicAlias = 1
            MQTTAcknowledgement.encode(
                .puback, packetIdentifier: 1, reasonCode: .success, properties: puback, into: &buffer)
        }
    }
}
