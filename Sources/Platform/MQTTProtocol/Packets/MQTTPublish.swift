/// A PUBLISH where it lies in the received bytes (MQTT 5.0 3.3). Decoding allocates nothing.
///
/// Ranges count from the first byte of the span that was decoded from; `bytes.extracting(publish.topic)` is the topic.
public struct MQTTPublish: Equatable, Sendable {
    /// The topic name: UTF-8 without U+0000 and wildcards. Empty only in MQTT 5.0 with a topic alias.
    public var topic: Range<Int>
    public var payload: Range<Int>
    /// The properties behind their length, checked; empty before MQTT 5.0.
    public var properties: Range<Int>
    /// 1 ... 65535, or 0 with QoS 0, which has none.
    public var packetIdentifier: UInt16
    public var qos: MQTTQoS
    public var retain: Bool
    /// Whether the sender sent the packet before; never with QoS 0, where MQTT V3.1 gives the flag no meaning.
    public var dup: Bool

    /// Decodes the PUBLISH that `frame` found in `bytes`.
    public static func decode(
        _ frame: MQTTFrame, in bytes: Span<UInt8>, version: MQTTVersion, from sender: MQTTSender = .client
    ) throws(MQTTError) -> MQTTPublish {
        precondition(frame.type == .publish, "\(frame.type) is no PUBLISH")
        precondition(frame.body >= 0 && frame.end <= bytes.count, "packet outside of \(bytes.count) bytes")
        guard let qos = MQTTQoS(rawValue: frame.flags >> 1 & 0b11) else { throw .invalidQoS }
        var position = frame.body
        // Every unchecked access below is inside of `position ..< end`, which lies within the span.
        let end = frame.end
        guard end - position >= 2 else { throw .truncated }
        let topicCount = Int(bytes[unchecked: position]) << 8 | Int(bytes[unchecked: position + 1])
        position += 2
        guard end - position >= topicCount else { throw .truncated }
        let topic = Range(uncheckedBounds: (position, position + topicCount))
        try TextValidation.checkTopicName(bytes, in: topic)
        position += topicCount
        var packetIdentifier: UInt16 = 0
        if qos != .atMostOnce {
            guard end - position >= 2 else { throw .truncated }
            packetIdentifier = UInt16(bytes[unchecked: position]) << 8 | UInt16(bytes[unchecked: position + 1])
            guard packetIdentifier != 0 else { throw .packetIdentifierZero }
            position += 2
        }
        var properties = Range(uncheckedBounds: (position, position))
        if version == .v5 {
            properties = try checkedProperties(
                Range(uncheckedBounds: (position, end)), in: bytes, isTopicEmpty: topicCount == 0, from: sender)
            position = properties.upperBound
        } else if topicCount == 0 {
            throw .emptyTopicName
        }
        return MQTTPublish(
            topic: topic, payload: Range(uncheckedBounds: (position, end)), properties: properties,
            packetIdentifier: packetIdentifier, qos: qos, retain: frame.flags & 0b0001 != 0,
            dup: frame.flags & 0b1000 != 0 && qos != .atMostOnce)
    }

    /// The properties at the start of `rest`, checked as far as the rules of MQTT 5.0 go.
    @inline(__always)
    private static func checkedProperties(
        _ rest: Range<Int>, in bytes: Span<UInt8>, isTopicEmpty: Bool, from sender: MQTTSender
    ) throws(MQTTError) -> Range<Int> {
        if !rest.isEmpty, !isTopicEmpty, bytes[unchecked: rest.lowerBound] == 0 {
            return Range(uncheckedBounds: (rest.lowerBound + 1, rest.lowerBound + 1))
        }
        return try walkProperties(rest, in: bytes, isTopicEmpty: isTopicEmpty, from: sender)
    }

    private static func walkProperties(
        _ rest: Range<Int>, in bytes: Span<UInt8>, isTopicEmpty: Bool, from sender: MQTTSender
    ) throws(MQTTError) -> Range<Int> {
        var cursor = FieldCursor(rest, in: bytes)
        let properties = try cursor.propertiesRange(bytes)
        var walker = PropertyWalker(properties, in: bytes, of: .publish)
        try walker.checkAll(bytes)
        if walker.seen.contains(.subscriptionIdentifier), sender == .client { throw .subscriptionIdentifierFromClient }
        if isTopicEmpty, !walker.seen.contains(.topicAlias) { throw .emptyTopicName }
        return properties
    }

    /// The properties as values; `bytes` is the span that the packet was decoded from. Allocates.
    public func decodeProperties(in bytes: Span<UInt8>) throws(MQTTError) -> MQTTProperties {
        try MQTTProperties.decode(properties, in: bytes, of: .publish)
    }
}
