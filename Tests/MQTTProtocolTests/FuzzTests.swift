import MQTTProtocol
import Testing

/// A bounded run of what `Tests/Fuzz/run` does for as long as one likes. A failure names its seed.
@Suite struct FuzzTests {
    @Test(arguments: MQTTVersion.allCases, [UInt64](1...2))
    func randomBytesNeverCrashAndWhatDecodesIsStable(_ version: MQTTVersion, _ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        print("random bytes: seed \(seed), \(version)")
        for round in 0..<5000 {
            var bytes = random.bytes(0...64)
            // A plausible first byte and length, so that most rounds get behind the fixed header.
            if bytes.count > 2 {
                bytes[0] = random.pick(Self.firstBytes)
                bytes[1] = UInt8(bytes.count - 2)
            }
            expectHolds(bytes, version, "seed \(seed), round \(round)")
        }
    }

    @Test(arguments: MQTTVersion.allCases, [UInt64](1...2))
    func mutatedPacketsNeverCrashAndWhatDecodesIsStable(_ version: MQTTVersion, _ seed: UInt64) {
        var generator = PacketGenerator(seed: seed, version: version)
        print("mutated packets: seed \(seed), \(version)")
        for round in 0..<2000 {
            var bytes = generator.packet().encoded(version)
            Self.mutate(&bytes, &generator.random)
            expectHolds(bytes, version, "seed \(seed), round \(round)")
        }
    }

    private static let firstBytes: [UInt8] = [
        0x10, 0x20, 0x30, 0x31, 0x32, 0x3A, 0x34, 0x40, 0x50, 0x62, 0x70, 0x82, 0x90, 0xA2, 0xB0, 0xC0, 0xD0, 0xE0,
        0xF0,
    ]

    private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        for _ in 0..<random.number(1...4) where !bytes.isEmpty {
            let index = random.number(0...bytes.count - 1)
            switch random.number(0...4) {
            case 0: bytes[index] ^= 1 << UInt8(random.number(0...7))
            case 1: bytes[index] = UInt8(random.number(0...255))
            case 2: bytes.remove(at: index)
            case 3: bytes.insert(random.pick([0x00, 0x7F, 0x80, 0xFF]), at: index)
            default: bytes.removeLast(bytes.count - index)
            }
        }
    }

    private func expectHolds(_ bytes: [UInt8], _ version: MQTTVersion, _ place: String) {
        if case .failure(let violation) = CodecOracle.check(bytes.span, version) {
            Issue.record("\(place): \(violation)")
        }
    }
}
