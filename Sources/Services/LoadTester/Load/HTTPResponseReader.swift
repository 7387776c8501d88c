/// Finds the end of a response of which only the status matters (RFC 9112). Needs the whole response at once; the
/// connection keeps what is not yet complete.
enum HTTPResponseReader {
    struct Response: Equatable {
        var status: Int
        /// Bytes of the response, from the status line to the end of the body.
        var byteCount: Int
        /// Whether the server will close the connection behind it.
        var closes: Bool
    }

    enum Outcome: Equatable {
        case incomplete
        case response(Response)
        /// Not HTTP/1.1 as this client understands it.
        case malformed
    }

    /// Longest head that is waited for.
    private static let headLimit = 32_768

    static func read(_ bytes: Span<UInt8>) -> Outcome {
        guard let headEnd = endOfHead(bytes) else { return bytes.count > headLimit ? .malformed : .incomplete }
        guard let status = status(bytes) else { return .malformed }
        let head = lowercasedText(bytes, headEnd)
        let closes = head.contains("\r\nconnection: close")
        if head.contains("\r\ntransfer-encoding:") {
            guard let end = endOfChunks(bytes, from: headEnd) else { return .incomplete }
            return end < 0 ? .malformed : .response(Response(status: status, byteCount: end, closes: closes))
        }
        guard let length = contentLength(head) ?? (status == 204 || status == 304 ? 0 : nil) else { return .malformed }
        guard bytes.count - headEnd >= length else { return .incomplete }
        return .response(Response(status: status, byteCount: headEnd + length, closes: closes))
    }

    /// Offset behind the empty line.
    private static func endOfHead(_ bytes: Span<UInt8>) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for offset in 3..<bytes.count
        where bytes[offset] == 10 && bytes[offset - 1] == 13 && bytes[offset - 2] == 10 && bytes[offset - 3] == 13 {
            return offset + 1
        }
        return nil
    }

    /// Of `HTTP/1.1 200 ...`.
    private static func status(_ bytes: Span<UInt8>) -> Int? {
        let prefix: StaticString = "HTTP/1."
        guard bytes.count >= 12 else { return nil }
        for offset in 0..<prefix.utf8CodeUnitCount where bytes[offset] != prefix.utf8Start[offset] { return nil }
        var status = 0
        for offset in 9..<12 {
            guard (48...57).contains(bytes[offset]) else { return nil }
            status = status * 10 + Int(bytes[offset] - 48)
        }
        return status
    }

    private static func lowercasedText(_ bytes: Span<UInt8>, _ end: Int) -> String {
        String(unsafeUninitializedCapacity: end) { room in
            for offset in 0..<end {
                let byte = bytes[offset]
                room[offset] = (65...90).contains(byte) ? byte + 32 : (byte < 0x80 ? byte : 63)
            }
            return end
        }
    }

    private static func contentLength(_ head: String) -> Int? {
        for line in head.split(separator: "\r\n") where line.hasPrefix("content-length:") {
            return Int(line.dropFirst("content-length:".count).filter { $0 != " " })
        }
        return nil
    }

    /// Offset behind the last chunk; `nil` when more must come; -1 when it is no chunk.
    private static func endOfChunks(_ bytes: Span<UInt8>, from start: Int) -> Int? {
        var offset = start
        while true {
            var size = 0
            var digits = 0
            while offset < bytes.count, let digit = hexadecimal(bytes[offset]) {
                size = size * 16 + digit
                digits += 1
                offset += 1
                if digits > 8 { return -1 }
            }
            while offset < bytes.count, bytes[offset] != 10 { offset += 1 }
            guard offset < bytes.count else { return nil }
            guard digits > 0 else { return -1 }
            offset += 1 + size + 2
            guard offset <= bytes.count else { return nil }
            if size == 0 { return offset }
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> Int? {
        switch byte {
        case 48...57: Int(byte) - 48
        case 65...70: Int(byte) - 55
        case 97...102: Int(byte) - 87
        default: nil
        }
    }
}
