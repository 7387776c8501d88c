public import Bytes

/// Writes the frames of a server: whole and not masked (RFC 6455 5.1).
public enum WebSocketFrame {
    /// Appends the header of a frame with `count` bytes of payload, which the caller appends behind it.
    public static func encodeHeader(_ opcode: WebSocketOpcode, count: Int, into buffer: inout ByteBuffer) {
        precondition(!opcode.isControl || count <= 125, "\(count) bytes in a control frame")
        buffer.append(0x80 | opcode.rawValue)
        switch count {
        case 0...125:
            buffer.append(UInt8(count))
        case 126...0xFFFF:
            buffer.append(126)
            buffer.append(bigEndian: UInt16(count))
        default:
            buffer.append(127)
            buffer.append(bigEndian: UInt64(count))
        }
    }

    /// Appends a whole frame.
    public static func encode(_ opcode: WebSocketOpcode, _ payload: [UInt8], into buffer: inout ByteBuffer) {
        encodeHeader(opcode, count: payload.count, into: &buffer)
        buffer.append(payload)
    }

    /// Appends a close frame with a reason, which is cut where a control frame ends.
    public static func encodeClose(_ code: WebSocketCloseCode, reason: String, into buffer: inout ByteBuffer) {
        var text: [UInt8] = []
        for character in reason.unicodeScalars {
            let bytes = Array(String(character).utf8)
            if text.count + bytes.count > 123 { break }
            text += bytes
        }
        encodeHeader(.close, count: 2 + text.count, into: &buffer)
        buffer.append(bigEndian: code.rawValue)
        buffer.append(text)
    }

    /// Appends a close frame; without a code an empty one.
    public static func encodeClose(_ code: WebSocketCloseCode?, into buffer: inout ByteBuffer) {
        encodeHeader(.close, count: code == nil ? 0 : 2, into: &buffer)
        if let code { buffer.append(bigEndian: code.rawValue) }
    }
}
