public import Bytes

/// PINGREQ and PINGRESP (MQTT 5.0 3.12 and 3.13), which are a fixed header and nothing else.
public enum MQTTPing {
    /// Checks the PINGREQ or PINGRESP of `frame`.
    public static func decode(_ frame: MQTTFrame) throws(MQTTError) {
        precondition(frame.type == .pingreq || frame.type == .pingresp, "\(frame.type) is no ping")
        guard frame.body == frame.end else { throw .trailingBytes }
    }

    public static func encodeRequest(into buffer: inout ByteBuffer) {
        buffer.append(bigEndian: UInt16(MQTTPacketType.pingreq.firstByte) << 8)
    }

    public static func encodeResponse(into buffer: inout ByteBuffer) {
        buffer.append(bigEndian: UInt16(MQTTPacketType.pingresp.firstByte) << 8)
    }
}
