import Bytes
import MQTTProtocol

/// Any packet as a value of its own, so that encoding and decoding can be compared.
enum AnyPacket: Equatable {
    struct Publish: Equatable {
        var topic: [UInt8]
        var payload: [UInt8]
        var qos: MQTTQoS
        var packetIdentifier: UInt16
        var retain = false
        var dup = false
        var properties = MQTTProperties()
    }

    struct Acknowledgement: Equatable {
        var kind: MQTTAcknowledgement.Kind
        var packetIdentifier: UInt16
        var reasonCode = MQTTReasonCode.success
        var properties = MQTTProperties()
    }

    case connect(MQTTConnect)
    case connack(MQTTConnack)
    case publish(Publish)
    case acknowledgement(Acknowledgement)
    case subscribe(MQTTSubscribe)
    case suback(MQTTSuback)
    case unsubscribe(MQTTUnsubscribe)
    case unsuback(MQTTUnsuback)
    case pingreq
    case pingresp
    case disconnect(MQTTDisconnect)
    case auth(MQTTAuth)
}

extension AnyPacket {
    func encoded(_ version: MQTTVersion) -> [UInt8] {
        var buffer = ByteBuffer()
        switch self {
        case .connect(let packet): packet.encode(into: &buffer)
        case .connack(let packet): packet.encode(version: version, into: &buffer)
        case .publish(let packet): packet.encode(version, into: &buffer)
        case .acknowledgement(let packet): packet.encode(version, into: &buffer)
        case .subscribe(let packet): packet.encode(version: version, into: &buffer)
        case .suback(let packet): packet.encode(version: version, into: &buffer)
        case .unsubscribe(let packet): packet.encode(version: version, into: &buffer)
        case .unsuback(let packet): packet.encode(version: version, into: &buffer)
        case .pingreq: MQTTPing.encodeRequest(into: &buffer)
        case .pingresp: MQTTPing.encodeResponse(into: &buffer)
        case .disconnect(let packet): packet.encode(version: version, into: &buffer)
        case .auth(let packet): packet.encode(into: &buffer)
        }
        return buffer.copy()
    }

    /// The packet at the start of `bytes` and where it ends, or nil when bytes are missing.
    static func decode(
        _ bytes: Span<UInt8>, at offset: Int = 0, _ version: MQTTVersion, from sender: MQTTSender = .server
    ) throws(MQTTError) -> (packet: AnyPacket, end: Int)? {
        let decoder = MQTTFrameDecoder(maximumRemainingLength: 268_435_455, version: version)
        guard let frame = try decoder.next(in: bytes, from: offset) else { return nil }
        return (try decode(frame, bytes, version, from: sender), frame.end)
    }

    private static func decode(
        _ frame: MQTTFrame, _ bytes: Span<UInt8>, _ version: MQTTVersion, from sender: MQTTSender
    ) throws(MQTTError) -> AnyPacket {
        switch frame.type {
        case .connect: return .connect(try MQTTConnect.decode(frame, in: bytes))
        case .connack: return .connack(try MQTTConnack.decode(frame, in: bytes, version: version))
        case .publish:
            return .publish(
                try Publish(MQTTPublish.decode(frame, in: bytes, version: version, from: sender), bytes, version))
        case .puback, .pubrec, .pubrel, .pubcomp:
            return .acknowledgement(
                try Acknowledgement(MQTTAcknowledgement.decode(frame, in: bytes, version: version), bytes, version))
        case .subscribe: return .subscribe(try MQTTSubscribe.decode(frame, in: bytes, version: version))
        case .suback: return .suback(try MQTTSuback.decode(frame, in: bytes, version: version))
        case .unsubscribe: return .unsubscribe(try MQTTUnsubscribe.decode(frame, in: bytes, version: version))
        case .unsuback: return .unsuback(try MQTTUnsuback.decode(frame, in: bytes, version: version))
        case .pingreq:
            try MQTTPing.decode(frame)
            return .pingreq
        case .pingresp:
            try MQTTPing.decode(frame)
            return .pingresp
        case .disconnect: return .disconnect(try MQTTDisconnect.decode(frame, in: bytes, version: version))
        case .auth: return .auth(try MQTTAuth.decode(frame, in: bytes))
        }
    }
}

extension AnyPacket.Publish {
    init(_ publish: MQTTPublish, _ bytes: Span<UInt8>, _ version: MQTTVersion) throws(MQTTError) {
        topic = copy(publish.topic, of: bytes)
        payload = copy(publish.payload, of: bytes)
        qos = publish.qos
        packetIdentifier = publish.packetIdentifier
        retain = publish.retain
        dup = publish.dup
        properties = try publish.decodeProperties(in: bytes)
    }

    func encode(_ version: MQTTVersion, into buffer: inout ByteBuffer) {
        if properties.isEmpty {
            MQTTPublish.encode(
                topic: topic.span, payload: payload.span, qos: qos, packetIdentifier: packetIdentifier, retain: retain,
                dup: dup, version: version, into: &buffer)
        } else {
            MQTTPublish.encode(
                topic: topic.span, payload: payload.span, qos: qos, packetIdentifier: packetIdentifier, retain: retain,
                dup: dup, properties: properties, into: &buffer)
        }
    }
}

extension AnyPacket.Acknowledgement {
    init(_ packet: MQTTAcknowledgement, _ bytes: Span<UInt8>, _ version: MQTTVersion) throws(MQTTError) {
        kind = packet.kind
        packetIdentifier = packet.packetIdentifier
        reasonCode = packet.reasonCode
        properties = try packet.decodeProperties(in: bytes)
    }

    func encode(_ version: MQTTVersion, into buffer: inout ByteBuffer) {
        if properties.isEmpty {
            MQTTAcknowledgement.encode(
                kind, packetIdentifier: packetIdentifier, reasonCode: reasonCode, version: version, into: &buffer)
        } else {
            MQTTAcknowledgement.encode(
                kind, packetIdentifier: packetIdentifier, reasonCode: reasonCode, properties: properties, into: &buffer)
        }
    }
}

private func copy(_ range: Range<Int>, of bytes: Span<UInt8>) -> [UInt8] {
    bytes.extracting(range).withUnsafeBufferPointer { [UInt8]($0) }
}
