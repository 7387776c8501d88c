import MQTTProtocol
import Testing

@Suite struct RoundTripTests {
    @Test(arguments: MQTTVersion.allCases, [UInt64](1...4))
    func generatedPacketsDecodeToWhatWasEncoded(_ version: MQTTVersion, _ seed: UInt64) throws {
        var generator = PacketGenerator(seed: seed, version: version)
        for round in 0..<1000 {
            let packet = generator.packet()
            let bytes = packet.encoded(version)
            let decoded = try #require(try AnyPacket.decode(bytes.span, version), "seed \(seed), round \(round)")
            #expect(decoded.packet == packet, "seed \(seed), round \(round)")
            #expect(decoded.end == bytes.count, "seed \(seed), round \(round)")
        }
    }

    @Test(arguments: MQTTVersion.allCases)
    func everyProperPrefixOfAGeneratedPacketNeedsMore(_ version: MQTTVersion) throws {
        var generator = PacketGenerator(seed: 99, version: version)
        for round in 0..<200 {
            let bytes = generator.packet().encoded(version)
            let step = max(1, bytes.count / 200)
            for length in stride(from: 0, to: bytes.count, by: step) {
                let prefix = Array(bytes[..<length])
                #expect(try AnyPacket.decode(prefix.span, version) == nil, "round \(round), \(length) bytes")
            }
        }
    }

    @Test(arguments: MQTTVersion.allCases)
    func aBodyCutShortWithItsLengthCorrectedIsNeverAcceptedAsTheSamePacket(_ version: MQTTVersion) throws {
        var generator = PacketGenerator(seed: 7, version: version)
        for _ in 0..<500 {
            let packet = generator.packet()
            let bytes = packet.encoded(version)
            guard bytes.count < 100, bytes.count > 2 else { continue }
            var cut = Array(bytes.dropLast())
            cut[1] -= 1
            guard let decoded = try? AnyPacket.decode(cut.span, version) else { continue }
            #expect(decoded.packet != packet)
        }
    }

    @Test(arguments: MQTTVersion.allCases)
    func packetsBehindOneAnotherAreFoundInOrder(_ version: MQTTVersion) throws {
        var generator = PacketGenerator(seed: 5, version: version)
        let packets = (0..<50).map { _ in generator.packet() }
        let bytes = packets.flatMap { $0.encoded(version) }
        var offset = 0
        for packet in packets {
            let decoded = try #require(try AnyPacket.decode(bytes.span, at: offset, version))
            #expect(decoded.packet == packet)
            offset = decoded.end
        }
        #expect(offset == bytes.count)
    }
}
