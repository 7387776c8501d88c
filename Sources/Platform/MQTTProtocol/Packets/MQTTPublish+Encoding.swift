public import Bytes

extension MQTTPublish {
    /// Appends a PUBLISH; in MQTT 5.0 without properties.
    ///
    /// - Parameters:
    ///   - topic: A topic name of 1 ... 65535 bytes of UTF-8 without U+0000, `+` and `#`.
    ///   - packetIdentifier: 1 ... 65535, or 0 with QoS 0.
    public static func encode(
        topic: Span<UInt8>, payload: Span<UInt8>, qos: MQTTQoS, packetIdentifier: UInt16 = 0, retain: Bool = false,
        dup: Bool = false, version: MQTTVersion, into buffer: inout ByteBuffer
    ) {
        let propertiesCount = version == .v5 ? 1 : 0
        let remaining = 2 + topic.count + (qos == .atMostOnce ? 0 : 2) + propertiesCount + payload.count
        checkArguments(topic.count, qos, packetIdentifier, dup)
        precondition(!topic.isEmpty, "a PUBLISH without topic")
        buffer.append(upTo: remaining + 5) { room in
            let target = room.baseAddress!  // `room` holds at least seven bytes.
            target.storeBytes(of: firstByte(qos, retain, dup), as: UInt8.self)
            var count = 1 + storeVariableByteInteger(remaining, at: target + 1)
            target.storeBytes(of: UInt16(topic.count).bigEndian, toByteOffset: count, as: UInt16.self)
            count += 2
            topic.withUnsafeBytes { (target + count).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
            count += topic.count
            if qos != .atMostOnce {
                target.storeBytes(of: packetIdentifier.bigEndian, toByteOffset: count, as: UInt16.self)
                count += 2
            }
            if propertiesCount == 1 {
                target.storeBytes(of: 0, toByteOffset: count, as: UInt8.self)
                count += 1
            }
            payload.withUnsafeBytes { bytes in
                if let base = bytes.baseAddress { (target + count).copyMemory(from: base, byteCount: bytes.count) }
            }
            return count + payload.count
        }
    }

    /// Appends a PUBLISH of MQTT 5.0 with properties; the topic may be empty where they have a topic alias.
    public static func encode(
        topic: Span<UInt8>, payload: Span<UInt8>, qos: MQTTQoS, packetIdentifier: UInt16 = 0, retain: Bool = false,
        dup: Bool = false, properties: MQTTProperties, into buffer: inout ByteBuffer
    ) {
        checkArguments(topic.count, qos, packetIdentifier, dup)
        precondition(!topic.isEmpty || properties.topicAlias != nil, "a PUBLISH with neither topic nor alias")
        var encodedProperties = ByteBuffer()
        properties.encode(into: &encodedProperties, of: .publish)
        let remaining =
            2 + topic.count + (qos == .atMostOnce ? 0 : 2) + encodedProperties.count + payload.count
        buffer.append(firstByte(qos, retain, dup))
        buffer.append(variableByteInteger: remaining)
        buffer.append(bigEndian: UInt16(topic.count))
        buffer.append(topic)
        if qos != .atMostOnce { buffer.append(bigEndian: packetIdentifier) }
        encodedProperties.withUnsafeBytes { buffer.append($0) }
        buffer.append(payload)
    }

    @inline(__always)
    private static func firstByte(_ qos: MQTTQoS, _ retain: Bool, _ dup: Bool) -> UInt8 {
        MQTTPacketType.publish.firstByte | (dup ? 0b1000 : 0) | qos.rawValue << 1 | (retain ? 0b0001 : 0)
    }

    @inline(__always)
    private static func checkArguments(_ topicCount: Int, _ qos: MQTTQoS, _ packetIdentifier: UInt16, _ dup: Bool) {
        precondition(topicCount <= 0xFFFF, "a topic of \(topicCount) bytes")
        precondition(
            (qos == .atMostOnce) == (packetIdentifier == 0), "packet identifier \(packetIdentifier) with QoS \(qos)")
        precondition(!dup || qos != .atMostOnce, "DUP with QoS 0")
    }
}
