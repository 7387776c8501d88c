/// Bytes as text of 64 letters, with padding.
enum Base64 {
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let count = min(3, bytes.count - index)
            var group = UInt32(bytes[index]) << 16
            if count > 1 { group |= UInt32(bytes[index + 1]) << 8 }
            if count > 2 { group |= UInt32(bytes[index + 2]) }
            for place in 0..<4 {
                text.append(place <= count ? letters[Int(group >> (18 - 6 * UInt32(place)) & 63)] : UInt8(ascii: "="))
            }
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func bytes(_ text: String) throws(TBELError) -> [UInt8] {
        var bytes: [UInt8] = []
        var group: UInt32 = 0
        var count = 0
        var padding = 0
        for byte in text.utf8 {
            if byte == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            guard padding == 0, let value = value(of: byte) else {
                throw .runtime("Illegal base64 character \(String(byte, radix: 16))")
            }
            group = group << 6 | UInt32(value)
            count += 1
            if count % 4 == 0 {
                bytes += [
                    UInt8(truncatingIfNeeded: group >> 16), UInt8(truncatingIfNeeded: group >> 8),
                    UInt8(truncatingIfNeeded: group),
                ]
                group = 0
            }
        }
        let left = count % 4
        if left == 1 || padding > 2 || padding > 0 && (left + padding) % 4 != 0 {
            throw .runtime("Input byte array has wrong 4-byte ending unit")
        }
        if left > 1 { bytes.append(UInt8(truncatingIfNeeded: group >> (left == 2 ? 4 : 10))) }
        if left > 2 { bytes.append(UInt8(truncatingIfNeeded: group >> 2)) }
        return bytes
    }

    private static func value(of byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}

/// Texts as bytes and back, by the names that Java gives the ways.
enum Charset {
    private enum Kind { case utf8, ascii, latin1, utf16, utf16BigEndian, utf16LittleEndian }

    private static func kind(_ name: String) throws(TBELError) -> Kind {
        switch name.uppercased() {
        case "UTF-8", "UTF8": return .utf8
        case "US-ASCII", "ASCII": return .ascii
        case "ISO-8859-1", "ISO8859_1", "LATIN1": return .latin1
        case "UTF-16": return .utf16
        case "UTF-16BE": return .utf16BigEndian
        case "UTF-16LE": return .utf16LittleEndian
        default: throw .runtime("UnsupportedEncodingException: \(name.prefix(50))")
        }
    }

    static func bytes(of text: String, _ name: String) throws(TBELError) -> [UInt8] {
        switch try kind(name) {
        case .utf8: return Array(text.utf8)
        case .ascii: return text.unicodeScalars.map { $0.value < 0x80 ? UInt8($0.value) : UInt8(ascii: "?") }
        case .latin1: return text.unicodeScalars.map { $0.value < 0x100 ? UInt8($0.value) : UInt8(ascii: "?") }
        case .utf16: return [0xFE, 0xFF] + text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        case .utf16BigEndian: return text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        case .utf16LittleEndian: return text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        }
    }

    static func text(of bytes: [UInt8], _ name: String) throws(TBELError) -> String {
        switch try kind(name) {
        case .utf8: return String(decoding: bytes, as: UTF8.self)
        case .ascii: return String(String.UnicodeScalarView(bytes.map { $0 < 0x80 ? Unicode.Scalar($0) : "\u{FFFD}" }))
        case .latin1: return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
        case .utf16:
            if bytes.starts(with: [0xFF, 0xFE]) { return utf16(Array(bytes.dropFirst(2)), littleEndian: true) }
            return utf16(
                Array(bytes.starts(with: [0xFE, 0xFF]) ? bytes.dropFirst(2) : bytes[...]), littleEndian: false)
        case .utf16BigEndian: return utf16(bytes, littleEndian: false)
        case .utf16LittleEndian: return utf16(bytes, littleEndian: true)
        }
    }

    private static func utf16(_ bytes: [UInt8], littleEndian: Bool) -> String {
        let units = stride(from: 0, to: bytes.count - 1, by: 2).map { index in
            let (high, low) = littleEndian ? (bytes[index + 1], bytes[index]) : (bytes[index], bytes[index + 1])
            return UInt16(high) << 8 | UInt16(low)
        }
        return String(decoding: units, as: UTF16.self)
    }
}
