/// Where one whole packet lies in the received bytes. Offsets count from the first byte of the span it was found in.
///
///     start          body                                  end
///     | type, flags | remaining length | variable header ... payload |
public struct MQTTFrame: Equatable, Sendable {
    public var type: MQTTPacketType
    /// The low four bits of the first byte.
    public var flags: UInt8
    /// Offset of the first byte of the packet.
    public var start: Int
    /// Offset of the byte behind the remaining length.
    public var body: Int
    /// Offset of the byte behind the packet.
    public var end: Int

    @inlinable
    public init(type: MQTTPacketType, flags: UInt8, start: Int, body: Int, end: Int) {
        self.type = type
        self.flags = flags
        self.start = start
        self.body = body
        self.end = end
    }
}

/// Finds packets in a stream of bytes and checks their fixed headers (MQTT 5.0 2.1).
///
///     var offset = 0
///     while let frame = try decoder.next(in: bytes, from: offset) {
///         ...                                  // decode by frame.type
///         offset = frame.end
///     }                                        // bytes from offset on are an incomplete packet
public struct MQTTFrameDecoder: Sendable {
    /// The largest remaining length that is taken, in bytes. A larger one is an error as soon as it is known.
    public var maximumRemainingLength: Int
    /// The version of the connection. Until a CONNECT has told, the rules are those of MQTT 3.1.1.
    public var version: MQTTVersion

    @inlinable
    public init(maximumRemainingLength: Int = 65_536, version: MQTTVersion = .v3_1_1) {
        self.maximumRemainingLength = maximumRemainingLength
        self.version = version
    }

    /// The packet that starts at `offset`, or nil when its end has not arrived.
    public func next(in bytes: Span<UInt8>, from offset: Int = 0) throws(MQTTError) -> MQTTFrame? {
        precondition(offset >= 0 && offset <= bytes.count, "offset \(offset) of \(bytes.count)")
        guard offset < bytes.count else { return nil }
        let first = bytes[unchecked: offset]
        let type = try packetType(first)
        guard offset + 1 < bytes.count else { return nil }
        var length = Int(bytes[unchecked: offset + 1])
        var body = offset + 2
        if length >= 0x80 {
            guard let long = try longRemainingLength(bytes, at: offset + 1) else { return nil }
            (length, body) = long
        }
        guard length <= maximumRemainingLength else { throw .packetTooLarge }
        guard length <= bytes.count - body else { return nil }
        return MQTTFrame(type: type, flags: first & 0x0F, start: offset, body: body, end: body + length)
    }

    /// A remaining length of more than one byte: its value and the offset behind it, or nil when bytes are missing.
    private func longRemainingLength(_ bytes: Span<UInt8>, at offset: Int) throws(MQTTError) -> (Int, Int)? {
        var position = offset
        guard let length = try readVariableByteInteger(bytes, at: &position, isMinimal: version == .v5) else {
            return nil
        }
        return (Int(length), position)
    }

    private func packetType(_ first: UInt8) throws(MQTTError) -> MQTTPacketType {
        guard let type = MQTTPacketType(rawValue: first >> 4), type != .auth || version == .v5 else {
            throw .reservedPacketType
        }
        if type == .publish {
            guard first & 0b0110 != 0b0110 else { throw .invalidQoS }
            guard first & 0b1110 != 0b1000 || version == .v3_1 else { throw .dupWithoutAcknowledgement }
        } else if first != type.firstByte {
            try checkFlagsOfMQTT3_1(first, type)
        }
        return type
    }

    /// MQTT V3.1 repeats PUBREL, SUBSCRIBE and UNSUBSCRIBE with DUP set (MQTT V3.1 2.1).
    private func checkFlagsOfMQTT3_1(_ first: UInt8, _ type: MQTTPacketType) throws(MQTTError) {
        switch type {
        case .pubrel, .subscribe, .unsubscribe:
            guard version == .v3_1, first & ~0b1000 == type.firstByte else { throw .invalidFixedHeaderFlags }
        case .connect, .connack, .publish, .puback, .pubrec, .pubcomp, .suback, .unsuback, .pingreq, .pingresp,
            .disconnect, .auth:
            throw .invalidFixedHeaderFlags
        }
    }
}
