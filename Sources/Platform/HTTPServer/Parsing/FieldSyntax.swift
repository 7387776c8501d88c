/// The characters of names and values (RFC 9110 §5.5, §5.6.2; RFC 3986 §3.2.2).
enum FieldSyntax {
    /// One bit for each ASCII character of a token: letters, digits and ``!#$%&'*+-.^_`|~``.
    private static let tokenBits: (low: UInt64, high: UInt64) = bits(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

    /// Characters of a host with or without port: unreserved, sub-delims, percent, colon, and brackets for IPv6.
    private static let hostBits: (low: UInt64, high: UInt64) = bits(
        "-._~!$&'()*+,;=%:[]0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

    @inline(__always)
    static func isTokenByte(_ byte: UInt8) -> Bool { contains(tokenBits, byte) }

    @inline(__always)
    static func isHostByte(_ byte: UInt8) -> Bool { contains(hostBits, byte) }

    /// Anything but control characters; a tab is allowed.
    @inline(__always)
    static func isValueByte(_ byte: UInt8) -> Bool { (byte >= 0x20 && byte != 0x7F) || byte == 0x09 }

    /// A printable ASCII character that is no blank.
    @inline(__always)
    static func isTargetByte(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F }

    @inline(__always)
    private static func contains(_ set: (low: UInt64, high: UInt64), _ byte: UInt8) -> Bool {
        if byte < 64 { return set.low >> UInt64(byte) & 1 == 1 }
        if byte < 128 { return set.high >> UInt64(byte - 64) & 1 == 1 }
        return false
    }

    private static func bits(_ characters: StaticString) -> (low: UInt64, high: UInt64) {
        var set: (low: UInt64, high: UInt64) = (0, 0)
        characters.withUTF8Buffer { buffer in
            for byte in buffer {
                if byte < 64 { set.low |= 1 << UInt64(byte) } else { set.high |= 1 << UInt64(byte - 64) }
            }
        }
        return set
    }
}
