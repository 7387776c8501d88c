/// One-time passwords that go with the time (RFC 6238): six digits, a new one every 30 s.
public enum OneTimePassword {
    /// Seconds.
    public static let period: Int64 = 30

    /// The password of a step: the number of periods since 1970.
    public static func code(secret: [UInt8], step: Int64) -> String {
        let counter = (0..<8).map { UInt8(truncatingIfNeeded: step >> (56 - 8 * Int64($0))) }
        let digest = Digest.hmacSHA1(counter, key: secret)
        let offset = Int(digest[19] & 15)
        let number = digest[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
        let digits = String(number % 1_000_000)
        return String(repeating: "0", count: 6 - digits.utf8.count) + digits
    }

    /// The step that `code` belongs to, now or one period before or after; `nil` when it is wrong.
    ///
    /// - Parameter now: Seconds since 1970.
    public static func step(of code: String, secret: [UInt8], now: Int64) -> Int64? {
        let given = Array(code.utf8)
        let present = now / period
        return [present, present - 1, present + 1].first { step in
            constantTimeEqual(Array(self.code(secret: secret, step: step).utf8), given)
        }
    }
}

/// Base32 (RFC 4648), unpadded.
public enum Base32 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)

    public static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var buffer = 0
        var bits = 0
        for byte in bytes {
            buffer = buffer << 8 | Int(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                text.append(alphabet[buffer >> bits & 31])
            }
            buffer &= (1 << bits) - 1
        }
        if bits > 0 { text.append(alphabet[buffer << (5 - bits) & 31]) }
        return String(decoding: text, as: UTF8.self)
    }

    /// - Returns: `nil` for what is no base32. Padding and letter case do not matter.
    public static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = 0
        var bits = 0
        for character in text.uppercased().utf8 where character != UInt8(ascii: "=") {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            buffer = buffer << 5 | value
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: buffer >> bits))
                buffer &= (1 << bits) - 1
            }
        }
        return bytes
    }
}
