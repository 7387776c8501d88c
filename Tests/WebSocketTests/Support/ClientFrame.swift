import WebSocket

/// A frame as a client sends it, right or wrong.
struct ClientFrame {
    var opcode: UInt8
    var payload: [UInt8]
    var isFinal = true
    var mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]

    init(_ opcode: WebSocketOpcode, _ payload: [UInt8], isFinal: Bool = true) {
        self.opcode = opcode.rawValue
        self.payload = payload
        self.isFinal = isFinal
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = [(isFinal ? 0x80 : 0) | opcode]
        switch payload.count {
        case 0...125: bytes.append(0x80 | UInt8(payload.count))
        case 126...0xFFFF: bytes += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default:
            bytes.append(0x80 | 127)
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
        }
        return bytes + mask + payload.enumerated().map { $1 ^ mask[$0 & 3] }
    }
}
