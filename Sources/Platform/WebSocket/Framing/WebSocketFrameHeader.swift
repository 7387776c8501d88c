/// What stands in front of the payload of a client's frame (RFC 6455 5.2).
///
///      0                   1                   2                   3
///     |F|R R R|opcode |M| length 7     | length 16 or 64, if 126 or 127 | masking key (4 bytes) |
struct WebSocketFrameHeader: Equatable, Sendable {
    var opcode: WebSocketOpcode
    /// The last part of its message.
    var isFinal: Bool
    /// Bytes of payload.
    var length: UInt64
    /// The bytes of the key as they came, the first one lowest.
    var mask: UInt32
    /// Bytes of the header itself.
    var byteCount: Int

    /// Reads the header at `offset`; `nil` when it has not arrived whole. What is wrong is told as soon as it can be seen.
    init?(_ bytes: Span<UInt8>, at offset: Int) throws(WebSocketError) {
        guard bytes.count - offset >= 2 else { return nil }
        let (first, second) = (bytes[offset], bytes[offset + 1])
        guard first & 0x70 == 0 else { throw .reservedBits }
        guard let opcode = WebSocketOpcode(rawValue: first & 0x0F) else { throw .unknownOpcode }
        guard second & 0x80 != 0 else { throw .unmasked }
        self.opcode = opcode
        isFinal = first & 0x80 != 0
        let short = second & 0x7F
        guard !opcode.isControl || (isFinal && short <= 125) else { throw .invalidControlFrame }
        let lengthBytes = short == 126 ? 2 : short == 127 ? 8 : 0
        byteCount = 2 + lengthBytes + 4
        guard bytes.count - offset >= byteCount else { return nil }
        var length = UInt64(short)
        if lengthBytes > 0 {
            length = 0
            for index in 0..<lengthBytes { length = length << 8 | UInt64(bytes[offset + 2 + index]) }
            let smallest: UInt64 = lengthBytes == 2 ? 126 : 65_536
            guard length >= smallest, length >> 63 == 0 else { throw .invalidLength }
        }
        self.length = length
        var mask: UInt32 = 0
        for index in 0..<4 { mask |= UInt32(bytes[offset + 2 + lengthBytes + index]) << UInt32(8 * index) }
        self.mask = mask
    }
}

/// The masking of payloads (RFC 6455 5.3): byte *i* is combined with byte *i* mod 4 of the key, in both directions.
enum WebSocketMask {
    /// - Parameters:
    ///   - position: Of the first byte of `source` in its payload.
    ///   - target: As long as `source`, or longer; it may be the same memory.
    static func apply(
        _ mask: UInt32, at position: UInt64, _ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer
    ) {
        let shift = UInt32(position & 3) * 8
        let turned = shift == 0 ? mask : mask >> shift | mask << (32 - shift)
        let wide = UInt64(turned) | UInt64(turned) << 32
        var index = 0
        while index + 8 <= source.count {
            let word = UInt64(littleEndian: source.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ wide
            target.storeBytes(of: word.littleEndian, toByteOffset: index, as: UInt64.self)
            index += 8
        }
        while index < source.count {
            target[index] = source[index] ^ UInt8(truncatingIfNeeded: turned >> (UInt32(index & 3) * 8))
            index += 1
        }
    }
}
