internal import Bytes

extension ByteBuffer {
    /// Appends bytes behind their two-byte length.
    mutating func append(field bytes: [UInt8]) {
        precondition(bytes.count <= 0xFFFF, "a field of \(bytes.count) bytes")
        append(bigEndian: UInt16(bytes.count))
        append(bytes)
    }

    /// Appends text behind its two-byte length.
    mutating func append(field text: String) {
        let count = text.utf8.count
        precondition(count <= 0xFFFF, "a text of \(count) bytes")
        append(bigEndian: UInt16(count))
        append(utf8: text)
    }

    mutating func append(packetIdentifier: UInt16) {
        precondition(packetIdentifier != 0, "packet identifier 0")
        append(bigEndian: packetIdentifier)
    }

    mutating func append(variableByteInteger value: Int) {
        append(upTo: 4) { storeVariableByteInteger(value, at: $0.baseAddress!) }
    }

    /// Appends a fixed header and the bytes that `body` writes behind it.
    mutating func appendPacket(_ type: MQTTPacketType, _ body: (inout ByteBuffer) -> Void) {
        var content = ByteBuffer()
        body(&content)
        append(type.firstByte)
        append(variableByteInteger: content.count)
        content.withUnsafeBytes { append($0) }
    }
}
