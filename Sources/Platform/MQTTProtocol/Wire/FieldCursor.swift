/// Reads the fields of one packet from front to back. It keeps offsets only, so the bytes are given with every call.
struct FieldCursor {
    private(set) var position: Int
    /// Offset behind the last byte that may be read.
    let end: Int

    /// The fields of the packet that `frame` found in `bytes`.
    init(_ frame: MQTTFrame, in bytes: Span<UInt8>) {
        self.init(frame.body..<frame.end, in: bytes)
    }

    init(_ range: Range<Int>, in bytes: Span<UInt8>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "\(range) of \(bytes.count) bytes")
        position = range.lowerBound
        end = range.upperBound
    }

    var isAtEnd: Bool { position == end }
    var remaining: Int { end - position }

    mutating func byte(_ bytes: Span<UInt8>) throws(MQTTError) -> UInt8 {
        guard remaining >= 1 else { throw .truncated }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func twoByteInteger(_ bytes: Span<UInt8>) throws(MQTTError) -> UInt16 {
        guard remaining >= 2 else { throw .truncated }
        defer { position += 2 }
        return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    mutating func fourByteInteger(_ bytes: Span<UInt8>) throws(MQTTError) -> UInt32 {
        let high = try twoByteInteger(bytes)
        let low = try twoByteInteger(bytes)
        return UInt32(high) << 16 | UInt32(low)
    }

    mutating func variableByteInteger(_ bytes: Span<UInt8>) throws(MQTTError) -> UInt32 {
        var offset = position
        let value = try readVariableByteInteger(bytes, at: &offset, isMinimal: true)
        guard let value, offset <= end else { throw .truncated }
        position = offset
        return value
    }

    mutating func packetIdentifier(_ bytes: Span<UInt8>) throws(MQTTError) -> UInt16 {
        let identifier = try twoByteInteger(bytes)
        guard identifier != 0 else { throw .packetIdentifierZero }
        return identifier
    }

    /// The range of the next `count` bytes.
    mutating func range(count: Int) throws(MQTTError) -> Range<Int> {
        guard remaining >= count else { throw .truncated }
        defer { position += count }
        return position..<(position + count)
    }

    /// The range of bytes that follow their two-byte length, unchecked.
    mutating func binaryRange(_ bytes: Span<UInt8>) throws(MQTTError) -> Range<Int> {
        let count = try twoByteInteger(bytes)
        return try range(count: Int(count))
    }

    mutating func binary(_ bytes: Span<UInt8>) throws(MQTTError) -> [UInt8] {
        bytes.array(try binaryRange(bytes))
    }

    mutating func textRange(_ bytes: Span<UInt8>) throws(MQTTError) -> Range<Int> {
        let range = try binaryRange(bytes)
        try TextValidation.checkText(bytes, in: range)
        return range
    }

    mutating func text(_ bytes: Span<UInt8>) throws(MQTTError) -> String {
        bytes.string(try textRange(bytes))
    }

    /// A topic name with at least one character.
    mutating func topicName(_ bytes: Span<UInt8>) throws(MQTTError) -> String {
        let range = try binaryRange(bytes)
        guard !range.isEmpty else { throw .emptyTopicName }
        try TextValidation.checkTopicName(bytes, in: range)
        return bytes.string(range)
    }

    /// The range of the properties behind their length (MQTT 5.0 2.2.2.1), unchecked.
    mutating func propertiesRange(_ bytes: Span<UInt8>) throws(MQTTError) -> Range<Int> {
        let count = try variableByteInteger(bytes)
        return try range(count: Int(count))
    }

    mutating func properties(
        _ bytes: Span<UInt8>, of owner: MQTTPropertyOwner
    ) throws(MQTTError) -> MQTTProperties {
        try MQTTProperties.decode(propertiesRange(bytes), in: bytes, of: owner)
    }

    /// The range of a topic filter with at least one character.
    mutating func topicFilterRange(_ bytes: Span<UInt8>, _ version: MQTTVersion) throws(MQTTError) -> Range<Int> {
        let range = try textRange(bytes)
        try TopicFilter.check(bytes, in: range, version: version)
        return range
    }

    /// A reason code that packets of `type` may have.
    mutating func reasonCode(
        _ bytes: Span<UInt8>, of type: MQTTPacketType
    ) throws(MQTTError) -> MQTTReasonCode {
        guard let code = MQTTReasonCode(rawValue: try byte(bytes)), code.isAllowed(in: type) else {
            throw .invalidReasonCode
        }
        return code
    }

    func finish() throws(MQTTError) {
        guard isAtEnd else { throw .trailingBytes }
    }
}

extension Span<UInt8> {
    /// A copy of the bytes of `range`.
    func array(_ range: Range<Int>) -> [UInt8] {
        extracting(range).withUnsafeBufferPointer { [UInt8]($0) }
    }

    /// The text of `range`, which has been checked to be UTF-8.
    func string(_ range: Range<Int>) -> String {
        extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }
}
