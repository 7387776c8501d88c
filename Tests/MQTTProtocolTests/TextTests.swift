import Testing

@testable import MQTTProtocol

@Suite struct TextTests {
    private func error(_ bytes: [UInt8], isTopicName: Bool = false) -> MQTTError? {
        do {
            let range = 0..<bytes.count
            if isTopicName {
                try TextValidation.checkTopicName(bytes.span, in: range)
            } else {
                try TextValidation.checkText(bytes.span, in: range)
            }
            return nil
        } catch {
            return error
        }
    }

    @Test func everyUnicodeScalarButNullIsAcceptedBehindAnyNumberOfASCIICharacters() {
        for value in stride(from: UInt32(1), through: 0x10FFFF, by: 1) where value % 7 == 1 || value < 0x900 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let prefix = [UInt8](repeating: 0x61, count: Int(value % 19))
            #expect(error(prefix + Array(String(scalar).utf8)) == nil, "U+\(String(value, radix: 16))")
        }
    }

    @Test func whatIsAcceptedIsWhatTheStandardLibraryAccepts() {
        var random = SeededGenerator(seed: 3)
        let interesting: [UInt8] = [
            0x01, 0x61, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0,
            0xF1, 0xF4, 0xF5, 0xFF,
        ]
        for _ in 0..<50_000 {
            let bytes = (0..<random.number(0...12)).map { _ in random.pick(interesting) }
            let isValid = String(validating: bytes, as: UTF8.self) != nil
            #expect((error(bytes) == nil) == isValid, "\(bytes)")
        }
    }

    /// The eight-byte steps must find a bad byte at every place.
    @Test(arguments: [0x00, 0x2B, 0x23, 0x80, 0xFF] as [UInt8])
    func aBadByteIsFoundAtEveryPlace(_ bad: UInt8) {
        let expected: MQTTError = bad == 0 ? .nullCharacter : bad >= 0x80 ? .invalidUTF8 : .wildcardInTopicName
        for count in 1...40 {
            for place in 0..<count {
                var bytes = [UInt8](repeating: 0x01, count: count)
                bytes[place] = bad
                #expect(error(bytes, isTopicName: true) == expected, "\(place) of \(count)")
            }
        }
    }

    @Test func everyOtherASCIICharacterIsAcceptedInATopicName() {
        for byte in UInt8(1)...0x7F where byte != 0x2B && byte != 0x23 {
            for count in [1, 7, 8, 9, 17] {
                #expect(error([UInt8](repeating: byte, count: count), isTopicName: true) == nil, "\(byte) x \(count)")
            }
        }
    }
}
