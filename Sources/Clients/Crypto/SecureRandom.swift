internal import COpenSSL

/// Random values that nobody can guess, from OpenSSL's generator.
public enum SecureRandom {
    public static func bytes(_ count: Int) -> [UInt8] {
        precondition(count >= 0, "\(count) random bytes")
        var bytes = [UInt8](repeating: 0, count: count)
        precondition(RAND_bytes(&bytes, Int32(count)) == 1, "the system has no random numbers")
        return bytes
    }

    /// `count` characters out of A-Z, a-z and 0-9, each equally likely.
    public static func alphanumeric(_ count: Int) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
        // Bytes from here up would make the first characters likelier than the last.
        let limit = UInt8(256 / alphabet.count * alphabet.count)
        var text: [UInt8] = []
        text.reserveCapacity(count)
        while text.count < count {
            for byte in bytes(count - text.count) where byte < limit {
                text.append(alphabet[Int(byte) % alphabet.count])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// A token for links: `count` random bytes in the URL-safe base64 alphabet, unpadded.
    public static func urlSafeToken(bytes count: Int) -> String { Base64.encode(bytes(count), .urlSafe) }
}
