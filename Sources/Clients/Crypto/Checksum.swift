internal import COpenSSL

/// The checksums that packages for devices may have (`device-api.md` 9.1), as lower-case hexadecimal digits. Those of 32 bits
/// and Murmur's are written least significant byte first, as existing tools write them.
public enum Checksum: String, Sendable, CaseIterable {
    case md5 = "MD5"
    case sha256 = "SHA256"
    case sha384 = "SHA384"
    case sha512 = "SHA512"
    case crc32 = "CRC32"
    case murmur3x32 = "MURMUR3_32"
    case murmur3x128 = "MURMUR3_128"

    public func digits(of bytes: [UInt8]) -> String {
        switch self {
        case .md5: Hex.encode(Digest.digest(bytes, EVP_md5()))
        case .sha256: Hex.encode(Digest.sha256(bytes))
        case .sha384: Hex.encode(Digest.digest(bytes, EVP_sha384()))
        case .sha512: Hex.encode(Digest.digest(bytes, EVP_sha512()))
        case .crc32: Hex.encode(Self.littleEndian(Self.crc32(bytes)))
        case .murmur3x32: Hex.encode(Self.littleEndian(Self.murmur3x32(bytes)))
        case .murmur3x128:
            Hex.encode(
                Self.murmur3x128(bytes).flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } })
        }
    }

    private static func littleEndian(_ word: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }

    // MARK: - CRC-32 (IEEE 802.3)

    private static let crcTable: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { crcTable[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
    }

    // MARK: - MurmurHash3, seed 0

    private static func murmur3x32(_ bytes: [UInt8]) -> UInt32 {
        func rotate(_ word: UInt32, _ bits: UInt32) -> UInt32 { word << bits | word >> (32 - bits) }
        func mixed(_ word: UInt32) -> UInt32 { rotate(word &* 0xCC9E_2D51, 15) &* 0x1B87_3593 }
        var hash: UInt32 = 0
        var word: UInt32 = 0
        var filled: UInt32 = 0
        for byte in bytes {
            word |= UInt32(byte) << (8 * filled)
            filled += 1
            guard filled == 4 else { continue }
            hash = rotate(hash ^ mixed(word), 13) &* 5 &+ 0xE654_6B64
            (word, filled) = (0, 0)
        }
        if filled > 0 { hash ^= mixed(word) }
        hash ^= UInt32(truncatingIfNeeded: bytes.count)
        hash = (hash ^ hash >> 16) &* 0x85EB_CA6B
        hash = (hash ^ hash >> 13) &* 0xC2B2_AE35
        return hash ^ hash >> 16
    }

    private static func murmur3x128(_ bytes: [UInt8]) -> [UInt64] {
        let (c1, c2): (UInt64, UInt64) = (0x87C3_7B91_1142_53D5, 0x4CF5_AD43_2745_937F)
        func rotate(_ word: UInt64, _ bits: UInt64) -> UInt64 { word << bits | word >> (64 - bits) }
        func final(_ start: UInt64) -> UInt64 {
            var word = start
            word = (word ^ word >> 33) &* 0xFF51_AFD7_ED55_8CCD
            word = (word ^ word >> 33) &* 0xC4CE_B9FE_1A85_EC53
            return word ^ word >> 33
        }
        func word(_ start: Int, _ end: Int) -> UInt64 {
            var word: UInt64 = 0
            for index in stride(from: min(end, start + 8) - 1, through: start, by: -1) {
                word = word << 8 | UInt64(bytes[index])
            }
            return word
        }
        var (h1, h2): (UInt64, UInt64) = (0, 0)
        let blocks = bytes.count / 16
        for block in 0..<blocks {
            h1 ^= rotate(word(block * 16, bytes.count) &* c1, 31) &* c2
            h1 = (rotate(h1, 27) &+ h2) &* 5 &+ 0x52DC_E729
            h2 ^= rotate(word(block * 16 + 8, bytes.count) &* c2, 33) &* c1
            h2 = (rotate(h2, 31) &+ h1) &* 5 &+ 0x3849_5AB5
        }
        let rest = blocks * 16
        if bytes.count > rest + 8 { h2 ^= rotate(word(rest + 8, bytes.count) &* c2, 33) &* c1 }
        if bytes.count > rest { h1 ^= rotate(word(rest, bytes.count) &* c1, 31) &* c2 }
        h1 ^= UInt64(bytes.count)
        h2 ^= UInt64(bytes.count)
        h1 &+= h2
        h2 &+= h1
        h1 = final(h1)
        h2 = final(h2)
        h1 &+= h2
        h2 &+= h1
        return [h1, h2]
    }
}
