import MQTTProtocol
import Testing

/// Bytes that break one rule.
struct Malformed: Sendable, CustomTestStringConvertible {
    let statement: String
    let version: MQTTVersion
    let bytes: [UInt8]
    let error: MQTTError

    var testDescription: String { "\(statement), \(version): \(error)" }

    /// `body` is what follows the remaining length.
    init(_ statement: String, _ version: MQTTVersion, _ first: UInt8, _ body: String, _ error: MQTTError) {
        self.statement = statement
        self.version = version
        bytes = wire(body).framed(first)
        self.error = error
    }
}

@Suite struct MalformedTests {
    @Test(arguments: connectCases + connackCases + publishCases + answerCases + subscriptionCases + otherCases)
    func isRefusedForTheRuleItBreaks(_ sample: Malformed) {
        #expect(throws: sample.error) {
            try AnyPacket.decode(sample.bytes.span, sample.version, from: .client)
        }
    }
}

private let connectCases: [Malformed] = [
    Malformed("MQTT-3.1.2-1", .v3_1_1, 0x10, "0004 'MQTS' 04 02 0000 0000", .unsupportedProtocolName),
    Malformed("MQTT-3.1.2-1", .v3_1_1, 0x10, "0004 'mqtt' 04 02 0000 0000", .unsupportedProtocolName),
    Malformed("MQTT-3.1.2-1", .v3_1_1, 0x10, "0000 04 02 0000 0000", .unsupportedProtocolName),
    Malformed("MQTT-3.1.2-2", .v3_1_1, 0x10, "0004 'MQTT' 06 02 0000 0000", .unsupportedProtocolLevel),
    Malformed("MQTT-3.1.2-2", .v3_1_1, 0x10, "0004 'MQTT' 03 02 0000 0000", .unsupportedProtocolLevel),
    Malformed("MQTT-3.1.2-2", .v3_1_1, 0x10, "0006 'MQIsdp' 04 02 0000 0000", .unsupportedProtocolLevel),
    Malformed("MQTT-3.1.2-2", .v3_1_1, 0x10, "0004 'MQTT' 84", .unsupportedProtocolLevel),
    Malformed("MQTT-3.1.2-3", .v3_1_1, 0x10, "0004 'MQTT' 04 03 0000 0000", .reservedConnectFlag),
    Malformed("MQTT-3.1.2-3", .v5, 0x10, "0004 'MQTT' 05 03 0000 00 0000", .reservedConnectFlag),
    Malformed("MQTT-3.1.2-11", .v3_1_1, 0x10, "0004 'MQTT' 04 0A 0000 0000", .willFlagsWithoutWill),
    Malformed("MQTT-3.1.2-13", .v5, 0x10, "0004 'MQTT' 05 22 0000 00 0000", .willFlagsWithoutWill),
    Malformed("MQTT-3.1.2-12", .v3_1_1, 0x10, "0004 'MQTT' 04 1E 0000 0000 0001 'w' 0000", .invalidQoS),
    Malformed("MQTT-3.1.2-22 of 3.1.1", .v3_1_1, 0x10, "0004 'MQTT' 04 42 0000 0000 0000", .passwordWithoutUserName),
    Malformed("MQTT V3.1 3.1", .v3_1, 0x10, "0006 'MQIsdp' 03 42 0000 0001 'c' 0000", .passwordWithoutUserName),
    Malformed("MQTT-3.1.3-1", .v3_1_1, 0x10, "0004 'MQTT' 04 02 0000", .truncated),
    Malformed("MQTT-3.1.2-17", .v3_1_1, 0x10, "0004 'MQTT' 04 82 0000 0000", .truncated),
    Malformed("MQTT-3.1.2-16", .v3_1_1, 0x10, "0004 'MQTT' 04 02 0000 0000 0001 'u'", .trailingBytes),
    Malformed("MQTT-3.1.3-4", .v3_1_1, 0x10, "0004 'MQTT' 04 02 0000 0001 FF", .invalidUTF8),
    Malformed("MQTT-1.5.4-2", .v3_1_1, 0x10, "0004 'MQTT' 04 02 0000 0001 00", .nullCharacter),
    Malformed("MQTT-3.1.3-11", .v3_1_1, 0x10, "0004 'MQTT' 04 06 0000 0000 0001 '#' 0000", .wildcardInTopicName),
    Malformed("MQTT-4.7.3-1", .v3_1_1, 0x10, "0004 'MQTT' 04 06 0000 0000 0000 0000", .emptyTopicName),
    Malformed("MQTT-3.1.3-12", .v3_1_1, 0x10, "0004 'MQTT' 04 82 0000 0000 0002 C328", .invalidUTF8),
    Malformed("3.1.2.11", .v5, 0x10, "0004 'MQTT' 05 02 0000", .truncated),
    Malformed("3.1.2.11.10", .v5, 0x10, "0004 'MQTT' 05 02 0000 03 16 0000 0000", .missingAuthenticationMethod),
    Malformed("3.1.3.2", .v5, 0x10, "0004 'MQTT' 05 06 0000 00 0000 02 17 01 0001 'w' 0000", .propertyNotAllowed),
]

private let connackCases: [Malformed] = [
    Malformed("MQTT-3.2.2-1", .v3_1_1, 0x20, "02 00", .reservedConnackFlags),
    Malformed("MQTT-3.2.2-6", .v3_1_1, 0x20, "01 05", .sessionPresentOnRefusal),
    Malformed("MQTT-3.2.2-6", .v5, 0x20, "01 87 00", .sessionPresentOnRefusal),
    Malformed("3.1.1 table 3.1", .v3_1_1, 0x20, "00 06", .invalidReasonCode),
    Malformed("MQTT-3.2.2-8", .v5, 0x20, "00 05 00", .invalidReasonCode),
    Malformed("MQTT-3.2.2-8", .v5, 0x20, "00 01 00", .invalidReasonCode),
    Malformed("3.2.2", .v3_1_1, 0x20, "00", .truncated),
    Malformed("3.2.2.3.1", .v5, 0x20, "00 00", .truncated),
    Malformed("3.2.3", .v3_1_1, 0x20, "00 00 00", .trailingBytes),
    Malformed("3.2.2.3.4", .v5, 0x20, "00 00 02 24 02", .invalidPropertyValue),
]

private let publishCases: [Malformed] = [
    Malformed("MQTT-3.3.2-1", .v3_1_1, 0x30, "", .truncated),
    Malformed("MQTT-3.3.2-1", .v3_1_1, 0x30, "00", .truncated),
    Malformed("MQTT-3.3.2-1", .v3_1_1, 0x30, "0002 'a'", .truncated),
    Malformed("MQTT-3.3.2-2", .v3_1_1, 0x30, "0003 'a/+'", .wildcardInTopicName),
    Malformed("MQTT-3.3.2-2", .v5, 0x30, "0016 'v1/devices/me/telemet#' 00", .wildcardInTopicName),
    Malformed("MQTT-3.3.2-2", .v3_1_1, 0x30, "0011 'v1/devices/me/+/x'", .wildcardInTopicName),
    Malformed("MQTT-4.7.3-1", .v3_1_1, 0x30, "0000", .emptyTopicName),
    Malformed("3.3.2.1", .v5, 0x30, "0000 00", .emptyTopicName),
    Malformed("3.3.2.1", .v5, 0x30, "0000 02 01 00", .emptyTopicName),
    Malformed("MQTT-1.5.4-1", .v3_1_1, 0x30, "0002 C0AF", .invalidUTF8),
    Malformed("MQTT-1.5.4-1", .v3_1_1, 0x30, "0003 EDA080", .invalidUTF8),
    Malformed("MQTT-1.5.4-1", .v3_1_1, 0x30, "000A 'abcdefghi' C3", .invalidUTF8),
    Malformed("MQTT-1.5.4-2", .v3_1_1, 0x30, "0003 61 00 61", .nullCharacter),
    Malformed("MQTT-1.5.4-2", .v3_1_1, 0x30, "0009 'abcdefg' 00 'h'", .nullCharacter),
    Malformed("MQTT-2.2.1-2", .v3_1_1, 0x32, "0001 'a' 01", .truncated),
    Malformed("MQTT-2.2.1-3", .v3_1_1, 0x32, "0001 'a' 0000", .packetIdentifierZero),
    Malformed("MQTT-2.2.1-3", .v5, 0x34, "0001 'a' 0000 00", .packetIdentifierZero),
    Malformed("3.3.2.3.1", .v5, 0x30, "0001 'a'", .truncated),
    Malformed("3.3.2.3.1", .v5, 0x30, "0001 'a' 03 01 01", .truncated),
    Malformed("MQTT-1.5.5-1", .v5, 0x30, "0001 'a' 80 00", .variableByteIntegerNotMinimal),
    Malformed("1.5.5", .v5, 0x30, "0001 'a' 80 80 80 80 01", .variableByteIntegerTooLong),
    Malformed("MQTT-3.3.2-8", .v5, 0x30, "0001 'a' 03 23 0000", .topicAliasZero),
    Malformed("MQTT-3.3.2-14", .v5, 0x30, "0001 'a' 04 08 0001 '+'", .wildcardInTopicName),
    Malformed("MQTT-3.3.4-6", .v5, 0x30, "0001 'a' 02 0B 01", .subscriptionIdentifierFromClient),
    Malformed("3.3.2.3.8", .v5, 0x30, "0001 'a' 02 0B 00", .invalidPropertyValue),
    Malformed("3.3.2.3.2", .v5, 0x30, "0001 'a' 02 01 02", .invalidPropertyValue),
    Malformed("2.2.2.2", .v5, 0x30, "0001 'a' 02 7F 00", .unknownProperty),
    Malformed("2.2.2.2", .v5, 0x30, "0001 'a' 02 81 00", .unknownProperty),
]

private let answerCases: [Malformed] = [
    Malformed("3.4.2", .v3_1_1, 0x40, "", .truncated),
    Malformed("3.4.2", .v3_1_1, 0x40, "01", .truncated),
    Malformed("MQTT-2.2.1-3", .v3_1_1, 0x40, "0000", .packetIdentifierZero),
    Malformed("3.4 of 3.1.1", .v3_1_1, 0x40, "0001 00", .trailingBytes),
    Malformed("MQTT-3.4.2-1", .v5, 0x40, "0001 01", .invalidReasonCode),
    Malformed("MQTT-3.4.2-1", .v5, 0x40, "0001 92", .invalidReasonCode),
    Malformed("MQTT-3.6.2-1", .v5, 0x62, "0001 80", .invalidReasonCode),
    Malformed("3.4.2.2", .v5, 0x40, "0001 00 00 00", .trailingBytes),
    Malformed("3.4.2.2", .v5, 0x40, "0001 00 04 1F 0000", .truncated),
    Malformed("3.4.2.2.2", .v5, 0x40, "0001 00 06 1F 0000 1F 0000", .duplicateProperty),
]

private let subscriptionCases: [Malformed] = [
    Malformed("MQTT-2.2.1-3", .v3_1_1, 0x82, "0000 0001 'a' 00", .packetIdentifierZero),
    Malformed("MQTT-3.8.3-2", .v3_1_1, 0x82, "0001", .emptySubscription),
    Malformed("MQTT-3.8.3-2", .v5, 0x82, "0001 00", .emptySubscription),
    Malformed("3.8.3", .v3_1_1, 0x82, "0001 0001 'a'", .truncated),
    Malformed("MQTT-4.7.3-1", .v3_1_1, 0x82, "0001 0000 00", .invalidTopicFilter),
    Malformed("MQTT-4.7.1-1", .v3_1_1, 0x82, "0001 0002 'a#' 00", .invalidTopicFilter),
    Malformed("MQTT-4.7.1-1", .v3_1_1, 0x82, "0001 0003 '#/a' 00", .invalidTopicFilter),
    Malformed("MQTT-4.7.1-2", .v3_1_1, 0x82, "0001 0002 'a+' 00", .invalidTopicFilter),
    Malformed("MQTT-4.7.1-2", .v3_1_1, 0x82, "0001 0002 '+a' 00", .invalidTopicFilter),
    Malformed("MQTT-4.7.1-2", .v3_1_1, 0x82, "0001 0002 '++' 00", .invalidTopicFilter),
    Malformed("MQTT-4.8.2-1", .v5, 0x82, "0001 00 0009 '$share//a' 00", .invalidSharedSubscription),
    Malformed("MQTT-4.8.2-2", .v5, 0x82, "0001 00 0008 '$share/g' 00", .invalidSharedSubscription),
    Malformed("MQTT-4.8.2-2", .v5, 0x82, "0001 00 0009 '$share/g/' 00", .invalidSharedSubscription),
    Malformed("MQTT-4.8.2-2", .v5, 0x82, "0001 00 000A '$share/+/a' 00", .invalidSharedSubscription),
    Malformed("MQTT-3.8.3-4 of 3.1.1", .v3_1_1, 0x82, "0001 0001 'a' 03", .invalidQoS),
    Malformed("MQTT-3.8.3-4 of 3.1.1", .v3_1_1, 0x82, "0001 0001 'a' 04", .reservedSubscriptionOptions),
    Malformed("MQTT-3.8.3-5", .v5, 0x82, "0001 00 0001 'a' 40", .reservedSubscriptionOptions),
    Malformed("3.8.3.1", .v5, 0x82, "0001 00 0001 'a' 30", .invalidRetainHandling),
    Malformed("3.8.3.1", .v5, 0x82, "0001 00 0001 'a' 03", .invalidQoS),
    Malformed("MQTT-3.8.3-4", .v5, 0x82, "0001 00 000A '$share/g/a' 04", .noLocalOnSharedSubscription),
    Malformed("3.8.2.1.2", .v5, 0x82, "0001 04 0B 01 0B 02 0001 'a' 00", .duplicateProperty),
    Malformed("3.8.2.1.2", .v5, 0x82, "0001 02 0B 00 0001 'a' 00", .invalidPropertyValue),
    Malformed("3.9.3", .v3_1_1, 0x90, "0001", .emptySubscription),
    Malformed("MQTT-3.9.3-2 of 3.1.1", .v3_1_1, 0x90, "0001 03", .invalidReasonCode),
    Malformed("MQTT-3.9.3-2 of 3.1.1", .v3_1_1, 0x90, "0001 87", .invalidReasonCode),
    Malformed("MQTT-3.9.3-2", .v5, 0x90, "0001 00 11", .invalidReasonCode),
    Malformed("MQTT-3.10.3-2", .v3_1_1, 0xA2, "0001", .emptySubscription),
    Malformed("MQTT-3.10.3-1", .v3_1_1, 0xA2, "0001 0001 FF", .invalidUTF8),
    Malformed("3.10.3", .v3_1_1, 0xA2, "0001 0002 'a'", .truncated),
    Malformed("3.11 of 3.1.1", .v3_1_1, 0xB0, "0001 00", .trailingBytes),
    Malformed("3.11.3", .v5, 0xB0, "0001 00", .emptySubscription),
    Malformed("MQTT-3.11.3-2", .v5, 0xB0, "0001 00 01", .invalidReasonCode),
]

private let otherCases: [Malformed] = [
    Malformed("3.12", .v3_1_1, 0xC0, "00", .trailingBytes),
    Malformed("3.13", .v5, 0xD0, "00", .trailingBytes),
    Malformed("3.14 of 3.1.1", .v3_1_1, 0xE0, "00", .trailingBytes),
    Malformed("MQTT-3.14.2-1", .v5, 0xE0, "01", .invalidReasonCode),
    Malformed("3.14.2.2", .v5, 0xE0, "00 05 11 000000", .truncated),
    Malformed("3.14.2.2", .v5, 0xE0, "00 00 00", .trailingBytes),
    Malformed("MQTT-3.15.2-1", .v5, 0xF0, "80 00", .invalidReasonCode),
    Malformed("3.15.2.2.2", .v5, 0xF0, "18 00", .missingAuthenticationMethod),
    Malformed("3.15.2.1", .v5, 0xF0, "18", .truncated),
]
