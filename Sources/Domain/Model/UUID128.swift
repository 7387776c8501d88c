#if canImport(Glibc)
import Glibc
#endif

/// A universally unique identifier (RFC 4122), as two halves, most significant first.
public struct UUID128: Hashable, Sendable, Comparable, BitwiseCopyable {
    public var high: UInt64
    public var low: UInt64

    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The reference platform's null id: system tenant and "no customer" (`persistence.md` 2).
    public static let null = UUID128(high: 0x1381_4000_1DD2_11B2, low: 0x8080_8080_8080_8080)
    public static let zero = UUID128(high: 0, low: 0)

    public static func < (a: UUID128, b: UUID128) -> Bool {
        a.high != b.high ? a.high < b.high : a.low < b.low
    }

    /// A random identifier (version 4).
    public static func random() -> UUID128 {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    public static func random(using generator: inout some RandomNumberGenerator) -> UUID128 {
        UUID128(
            high: (generator.next() as UInt64) & ~0xF000 | 0x4000,
            low: (generator.next() as UInt64) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }

    // MARK: - Text

    /// Reads the form `784f394c-42b6-435a-983c-b7beff2784f9`, digits in either case.
    public init?(_ text: some StringProtocol) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var digits = 0
        var index = 0
        for byte in text.utf8 {
            switch index {
            case 8, 13, 18, 23:
                guard byte == UInt8(ascii: "-") else { return nil }
            default:
                let value: UInt8
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0")
                case UInt8(ascii: "a")...UInt8(ascii: "f"): value = byte - UInt8(ascii: "a") + 10
                case UInt8(ascii: "A")...UInt8(ascii: "F"): value = byte - UInt8(ascii: "A") + 10
                default: return nil
                }
                if digits < 16 { high = high << 4 | UInt64(value) } else { low = low << 4 | UInt64(value) }
                digits += 1
                guard digits <= 32 else { return nil }
            }
            index += 1
        }
        guard index == 36 else { return nil }
        self.init(high: high, low: low)
    }

    /// The lower-case text form, 36 characters.
    public var text: String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            write(to: buffer)
            return 36
        }
    }

    /// Writes the 36 characters of the text form to the start of `buffer`.
    public func write(to buffer: UnsafeMutableBufferPointer<UInt8>) {
        precondition(buffer.count >= 36, "36 bytes are needed, \(buffer.count) given")
        var position = 0
        for nibble in 0..<32 {
            if nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20 {
                buffer[position] = UInt8(ascii: "-")
                position += 1
            }
            let word = nibble < 16 ? high : low
            let value = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (nibble & 15)) & 15)
            buffer[position] = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
            position += 1
        }
    }
}

extension UUID128: CustomStringConvertible {
    public var description: String { text }
}
