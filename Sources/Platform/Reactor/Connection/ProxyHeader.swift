/// The header with which a proxy tells whom it speaks for (PROXY protocol, versions 1 and 2).
enum ProxyHeader: Equatable {
    /// More bytes are needed.
    case incomplete
    /// It is none, or one that names no client: a proxy that looks whether the server is up.
    case refused
    /// The client's address, 4 or 16 bytes, and port; `length` bytes are the header.
    case client(address: [UInt8], port: UInt16, length: Int)

    /// The longest header that is read.
    static let maximumLength = 536
    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]

    static func parse(_ bytes: [UInt8]) -> ProxyHeader {
        if let first = bytes.first, first == signature[0] { return version2(bytes) }
        return version1(bytes)
    }

    /// `PROXY TCP4 192.0.2.1 198.51.100.1 51234 1883\r\n`.
    private static func version1(_ bytes: [UInt8]) -> ProxyHeader {
        let start = Array("PROXY ".utf8)
        guard bytes.prefix(start.count).elementsEqual(start.prefix(bytes.count)) else { return .refused }
        guard let end = bytes.firstIndex(of: 0x0A) else { return bytes.count >= 107 ? .refused : .incomplete }
        guard end > 0, end < 107, bytes[end - 1] == 0x0D else { return .refused }
        let words = String(decoding: bytes[..<(end - 1)], as: UTF8.self).split(separator: " ")
        guard words.count == 6, let port = UInt16(words[4]), let address = NumericAddress.bytes(String(words[2])),
            address.count == (words[1] == "TCP4" ? 4 : words[1] == "TCP6" ? 16 : 0)
        else { return .refused }
        return .client(address: address, port: port, length: end + 1)
    }

    private static func version2(_ bytes: [UInt8]) -> ProxyHeader {
        guard bytes.prefix(signature.count).elementsEqual(signature.prefix(bytes.count)) else { return .refused }
        guard bytes.count >= 16 else { return .incomplete }
        let length = 16 + Int(bytes[14]) << 8 + Int(bytes[15])
        guard length <= maximumLength, bytes[12] == 0x21 else { return .refused }
        guard bytes.count >= length else { return .incomplete }
        let size = bytes[13] == 0x11 ? 4 : bytes[13] == 0x21 ? 16 : 0
        guard size > 0, length >= 16 + 2 * size + 4 else { return .refused }
        let port = UInt16(bytes[16 + 2 * size]) << 8 | UInt16(bytes[16 + 2 * size + 1])
        return .client(address: Array(bytes[16..<(16 + size)]), port: port, length: length)
    }
}
