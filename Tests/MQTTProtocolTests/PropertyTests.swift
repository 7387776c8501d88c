import Testing

@testable import MQTTProtocol

@Suite struct PropertyTests {
    private func decode(
        _ notation: String, _ owner: MQTTPropertyOwner
    ) throws(MQTTError) -> MQTTProperties {
        let bytes = wire(notation)
        return try MQTTProperties.decode(0..<bytes.count, in: bytes.span, of: owner)
    }

    /// A valid property of each kind, as bytes.
    private static func sample(_ identifier: PropertyIdentifier) -> String {
        let value =
            switch identifier.kind {
            case .flag: "01"
            case .twoByteInteger: "0001"
            case .fourByteInteger: "00000001"
            case .variableByteInteger: "01"
            case .text, .topicName, .binary: "0001 'x'"
            case .textPair: "0001 'k' 0001 'v'"
            }
        let digits = String(identifier.rawValue, radix: 16)
        return (digits.count == 1 ? "0" : "") + digits + value
    }

    /// MQTT 5.0 table 2-4, transcribed: identifier and where it belongs.
    private static let table: [(UInt8, [MQTTPropertyOwner])] = [
        (0x01, [.publish, .will]), (0x02, [.publish, .will]), (0x03, [.publish, .will]), (0x08, [.publish, .will]),
        (0x09, [.publish, .will]), (0x0B, [.publish, .subscribe]), (0x11, [.connect, .connack, .disconnect]),
        (0x12, [.connack]), (0x13, [.connack]), (0x15, [.connect, .connack, .auth]),
        (0x16, [.connect, .connack, .auth]), (0x17, [.connect]), (0x18, [.will]), (0x19, [.connect]),
        (0x1A, [.connack]), (0x1C, [.connack, .disconnect]),
        (
            0x1F,
            [.connack, .puback, .pubrec, .pubrel, .pubcomp, .suback, .unsuback, .disconnect, .auth]
        ),
        (0x21, [.connect, .connack]), (0x22, [.connect, .connack]), (0x23, [.publish]), (0x24, [.connack]),
        (0x25, [.connack]), (0x26, MQTTPropertyOwner.allCases), (0x27, [.connect, .connack]), (0x28, [.connack]),
        (0x29, [.connack]), (0x2A, [.connack]),
    ]

    @Test func everyPropertyIsAcceptedWhereTheTableSaysAndNowhereElse() {
        #expect(Self.table.map(\.0) == PropertyIdentifier.allCases.map(\.rawValue))
        for (identifier, owners) in Self.table {
            for owner in MQTTPropertyOwner.allCases {
                let property = PropertyIdentifier(rawValue: identifier)!  // The line above compares them.
                let notation = (identifier == 0x16 ? "15 0000" : "") + Self.sample(property)
                let isAccepted = (try? decode(notation, owner)) != nil
                #expect(isAccepted == owners.contains(owner), "\(property) in \(owner)")
            }
        }
    }

    /// 2.2.2.2 and the section of each property.
    @Test func everyPropertyButTwoMayBeGivenOnceOnly() throws {
        for (identifier, owners) in Self.table {
            let property = PropertyIdentifier(rawValue: identifier)!  // Taken from the list of all.
            for owner in owners {
                let twice = (identifier == 0x16 ? "15 0000" : "") + Self.sample(property) + Self.sample(property)
                if identifier == 0x26 || (identifier == 0x0B && owner == .publish) {
                    #expect(try decode(twice, owner) != MQTTProperties())
                } else {
                    #expect(throws: MQTTError.duplicateProperty) { try decode(twice, owner) }
                }
            }
        }
    }

    @Test func userPropertiesKeepTheirOrderAndRepetitions() throws {
        let properties = try decode("26 0001 'b' 0001 '1' 26 0001 'a' 0000 26 0001 'b' 0001 '1'", .puback)
        #expect(
            properties.userProperties == [
                MQTTUserProperty(name: "b", value: "1"), MQTTUserProperty(name: "a", value: ""),
                MQTTUserProperty(name: "b", value: "1"),
            ])
    }

    @Test(arguments: ["21 0000", "27 00000000", "17 02", "19 FF"])
    func aValueOutsideItsRangeIsAProtocolError(_ notation: String) {
        #expect(throws: MQTTError.invalidPropertyValue) { try decode(notation, .connect) }
    }

    @Test func everyUnassignedIdentifierIsRefused() {
        let known = Set(PropertyIdentifier.allCases.map(\.rawValue))
        for identifier in UInt8.min...UInt8.max where !known.contains(identifier) {
            let bytes = [identifier, 0, 0, 0, 0]
            #expect(throws: MQTTError.unknownProperty) {
                try MQTTProperties.decode(0..<5, in: bytes.span, of: .connect)
            }
        }
    }

    @Test func aPropertyThatEndsBeyondThePropertiesIsTruncatedEvenWhenThePacketGoesOn() {
        // The property length covers the identifier and one byte of two.
        let bytes = wire("0001 'a' 02 23 0001 'payload'").framed(0x30)
        #expect(throws: MQTTError.truncated) { try AnyPacket.decode(bytes.span, .v5) }
    }
}
