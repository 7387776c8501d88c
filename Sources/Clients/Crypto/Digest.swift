internal import COpenSSL

/// One-way digests and message authentication codes, by OpenSSL.
public enum Digest {
    /// SHA3-256 of `bytes`: 32 bytes.
    public static func sha3_256(_ bytes: [UInt8]) -> [UInt8] { digest(bytes, EVP_sha3_256()) }

    /// SHA-256 of `bytes`: 32 bytes.
    public static func sha256(_ bytes: [UInt8]) -> [UInt8] { digest(bytes, EVP_sha256()) }

    /// SHA-1 of `bytes`: 20 bytes. For protocols that ask for it by name (RFC 6455 1.3), never for security.
    public static func sha1(_ bytes: [UInt8]) -> [UInt8] { digest(bytes, EVP_sha1()) }

    /// SHA3-256 of the UTF-8 form of `text`, as 64 lower-case hexadecimal digits.
    public static func sha3_256Hex(_ text: String) -> String { Hex.encode(sha3_256(Array(text.utf8))) }

    /// HMAC-SHA-512 (RFC 2104) of `bytes` under `key`: 64 bytes.
    public static func hmacSHA512(_ bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: 64)
        var length: UInt32 = 0
        let result = HMAC(EVP_sha512(), key, Int32(key.count), bytes, bytes.count, &output, &length)
        precondition(result != nil && length == 64, "HMAC-SHA512 is not available")
        return output
    }

    /// HMAC-SHA-1 of `bytes` under `key`: 20 bytes. For one-time passwords (RFC 4226), which are made that way.
    public static func hmacSHA1(_ bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: 20)
        var length: UInt32 = 0
        let result = HMAC(EVP_sha1(), key, Int32(key.count), bytes, bytes.count, &output, &length)
        precondition(result != nil && length == 20, "HMAC-SHA1 is not available")
        return output
    }

    static func digest(_ bytes: [UInt8], _ algorithm: OpaquePointer?) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        let result = EVP_Digest(bytes, bytes.count, &output, &length, algorithm, nil)
        precondition(result == 1, "the digest is not available")
        output.removeLast(output.count - Int(length))
        return output
    }
}

/// Hexadecimal text, lower case.
public enum Hex {
    public static func encode(_ bytes: [UInt8]) -> String {
        let digits: StaticString = "0123456789abcdef"
        return String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
            for (index, byte) in bytes.enumerated() {
                buffer[2 * index] = digits.utf8Start[Int(byte >> 4)]
                buffer[2 * index + 1] = digits.utf8Start[Int(byte & 15)]
            }
            return bytes.count * 2
        }
    }
}

/// Whether `a` and `b` are equal, in a time that depends on their lengths only.
public func constantTimeEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    guard a.count == b.count else { return false }
    return CRYPTO_memcmp(a, b, a.count) == 0
}
