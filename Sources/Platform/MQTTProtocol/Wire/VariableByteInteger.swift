/// The largest value of a variable byte integer (MQTT 5.0 1.5.5).
let maximumVariableByteInteger = 268_435_455

/// Decodes a variable byte integer (MQTT 5.0 1.5.5).
///
/// - Parameters:
///   - offset: Where the integer starts; moved past it on success only.
///   - isMinimal: Whether an encoding that is longer than needed is an error: it is one in MQTT 5.0
///     only.
/// - Returns: The value, or nil when bytes are missing.
func readVariableByteInteger(
    _ bytes: Span<UInt8>, at offset: inout Int, isMinimal: Bool
) throws(MQTTError) -> UInt32? {
    var value: UInt32 = 0
    for index in 0..<4 {
        let position = offset + index
        guard position < bytes.count else { return nil }
        let byte = bytes[position]
        value |= UInt32(byte & 0x7F) << UInt32(7 * index)
        if byte & 0x80 == 0 {
            if byte == 0, index > 0, isMinimal { throw .variableByteIntegerNotMinimal }
            offset = position + 1
            return value
        }
    }
    throw .variableByteIntegerTooLong
}

/// The number of bytes that `value` takes as a variable byte integer.
@inline(__always)
func variableByteIntegerSize(_ value: Int) -> Int {
    if value < 0x80 { return 1 }
    if value < 0x4000 { return 2 }
    return value < 0x20_0000 ? 3 : 4
}

/// Writes `value` as a variable byte integer and returns the number of bytes written, at most four.
@inline(__always)
func storeVariableByteInteger(_ value: Int, at target: UnsafeMutableRawPointer) -> Int {
    precondition(value >= 0 && value <= maximumVariableByteInteger, "\(value) is no variable byte integer")
    var rest = value
    var count = 0
    while rest >= 0x80 {
        target.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: count, as: UInt8.self)
        rest >>= 7
        count += 1
    }
    target.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: count, as: UInt8.self)
    return count + 1
}
