import MQTTProtocol
import Testing

@Suite struct FrameTests {
    private func frame(
        _ notation: String, _ version: MQTTVersion = .v3_1_1, maximum: Int = 65_536
    ) throws(MQTTError) -> MQTTFrame? {
        let bytes = wire(notation)
        return try MQTTFrameDecoder(maximumRemainingLength: maximum, version: version).next(in: bytes.span)
    }

    /// MQTT 5.0 table 1-1: the edges of each length.
    @Test(arguments: [
        (0, "30 00"), (127, "30 7F"), (128, "30 80 01"), (16_383, "30 FF 7F"), (16_384, "30 80 80 01"),
        (2_097_151, "30 FF FF 7F"), (2_097_152, "30 80 80 80 01"),
    ])
    func remainingLengthAtTheEdges(_ length: Int, _ header: String) throws {
        let bytes = wire(header) + [UInt8](repeating: 0, count: length)
        let decoder = MQTTFrameDecoder(maximumRemainingLength: 268_435_455, version: .v5)
        let found = try #require(try decoder.next(in: bytes.span))
        #expect(found.end == bytes.count)
        #expect(found.end - found.body == length)
        #expect(try decoder.next(in: Array(bytes.dropLast()).span) == nil)
    }

    @Test func theLargestRemainingLengthIsReadBeforeItsBodyArrives() throws {
        #expect(try frame("30 FF FF FF 7F", maximum: 268_435_455) == nil)
        #expect(throws: MQTTError.packetTooLarge) { try frame("30 FF FF FF 7F", maximum: 268_435_454) }
    }

    @Test func aPacketOverTheLimitIsRefusedAsSoonAsItsLengthIsKnown() throws {
        #expect(try frame("30 80 80") == nil)
        #expect(try frame("30 80 80 04") == nil, "65536 passes")
        #expect(throws: MQTTError.packetTooLarge) { try frame("30 81 80 04") }
    }

    /// MQTT 5.0 1.5.5.
    @Test func aLengthOfFiveBytesIsMalformed() {
        #expect(throws: MQTTError.variableByteIntegerTooLong) { try frame("30 80 80 80 80") }
        #expect(throws: MQTTError.variableByteIntegerTooLong) { try frame("30 FF FF FF FF 00", .v5) }
    }

    /// [MQTT-1.5.5-1], which MQTT 3.1.1 does not have.
    @Test(arguments: ["C0 80 00", "C0 80 80 00", "C0 80 80 80 00"])
    func aLengthLongerThanNeededIsMalformedInVersion5Only(_ notation: String) throws {
        #expect(throws: MQTTError.variableByteIntegerNotMinimal) { try frame(notation, .v5) }
        let found = try #require(try frame(notation, .v3_1_1))
        #expect(found.end == wire(notation).count)
    }

    /// The version is not known while the header of a CONNECT is read.
    @Test func aConnectOfVersion5WithALengthLongerThanNeededIsMalformed() {
        let bytes = wire("10 8D 00 0004 'MQTT' 05 02 0000 00 0000")
        #expect(throws: MQTTError.variableByteIntegerNotMinimal) { try AnyPacket.decode(bytes.span, .v3_1_1) }
    }

    @Test(arguments: MQTTVersion.allCases)
    func everyFirstByteIsAcceptedOrRefusedAsTheSpecificationSays(_ version: MQTTVersion) {
        for first in UInt8.min...UInt8.max {
            let expected = Self.isValid(first, version)
            #expect(Self.throwsError([first], version) == !expected, "first byte \(first)")
        }
    }

    private static func throwsError(_ bytes: [UInt8], _ version: MQTTVersion) -> Bool {
        do {
            _ = try MQTTFrameDecoder(version: version).next(in: bytes.span)
            return false
        } catch {
            return true
        }
    }

    /// MQTT 5.0 table 2-2, read anew; MQTT V3.1 2.1 for DUP.
    private static func isValid(_ first: UInt8, _ version: MQTTVersion) -> Bool {
        let flags = first & 0x0F
        switch first >> 4 {
        case 0: return false
        case 3:
            let qos = flags >> 1 & 3
            let isRepeated = flags & 8 != 0
            return qos != 3 && !(qos == 0 && isRepeated && version != .v3_1)
        case 6, 8, 10: return flags == 2 || (flags == 10 && version == .v3_1)
        case 15: return flags == 0 && version == .v5
        default: return flags == 0
        }
    }

    @Test func theFirstByteIsCheckedBeforeTheLengthArrives() {
        #expect(throws: MQTTError.reservedPacketType) { try frame("00") }
        #expect(throws: MQTTError.reservedPacketType) { try frame("F0") }
        #expect(throws: MQTTError.invalidQoS) { try frame("36") }
        #expect(throws: MQTTError.dupWithoutAcknowledgement) { try frame("38") }
        #expect(throws: MQTTError.invalidFixedHeaderFlags) { try frame("80") }
    }

    @Test func nothingIsNoPacket() throws {
        #expect(try frame("") == nil)
        let bytes = wire("C0 00")
        #expect(try MQTTFrameDecoder().next(in: bytes.span, from: 2) == nil)
    }
}
