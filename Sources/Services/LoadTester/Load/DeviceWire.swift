internal import Bytes

/// The bytes of the MQTT device API, as far as a sender of telemetry needs them. MQTT 3.1.1.
enum MQTTWire {
    static func appendConnect(clientID: String, username: String, keepAlive: Int, to out: inout ByteBuffer) {
        let body = 10 + 2 + clientID.utf8.count + 2 + username.utf8.count
        out.append(0x10)
        appendRemainingLength(body, to: &out)
        append(field: "MQTT", to: &out)
        out.append(4)
        out.append(0b1000_0010)  // user name, clean session
        out.append(bigEndian: UInt16(keepAlive))
        append(field: clientID, to: &out)
        append(field: username, to: &out)
    }

    /// - Parameter identifier: `nil` for QoS 0.
    static func appendPublish(
        topic: [UInt8], identifier: UInt16?, payload: UnsafeRawBufferPointer, to out: inout ByteBuffer
    ) {
        let body = 2 + topic.count + (identifier == nil ? 0 : 2) + payload.count
        out.reserve(5 + body)
        out.append(identifier == nil ? 0x30 : 0x32)
        appendRemainingLength(body, to: &out)
        out.append(bigEndian: UInt16(topic.count))
        out.append(topic)
        if let identifier { out.append(bigEndian: identifier) }
        out.append(payload)
    }

    static func appendPingRequest(to out: inout ByteBuffer) {
        out.append(bigEndian: 0xC000 as UInt16)
    }

    static func appendDisconnect(to out: inout ByteBuffer) {
        out.append(bigEndian: 0xE000 as UInt16)
    }

    private static func append(field: String, to out: inout ByteBuffer) {
        out.append(bigEndian: UInt16(field.utf8.count))
        out.append(utf8: field)
    }

    private static func appendRemainingLength(_ length: Int, to out: inout ByteBuffer) {
        var rest = length
        while rest >= 0x80 {
            out.append(UInt8(truncatingIfNeeded: rest & 0x7F | 0x80))
            rest >>= 7
        }
        out.append(UInt8(rest))
    }
}

/// The bytes of the HTTP device API: `POST /api/v1/{token}/telemetry` and what comes back.
enum HTTPWire {
    static func appendPost(
        plan: LoadPlan, token: String, payload: UnsafeRawBufferPointer, to out: inout ByteBuffer
    ) {
        out.append(utf8: "POST " as StaticString)
        out.append(utf8: plan.httpPrefix)
        out.append(utf8: "/api/v1/" as StaticString)
        out.append(utf8: token)
        out.append(utf8: "/telemetry HTTP/1.1\r\nHost: " as StaticString)
        out.append(utf8: plan.httpHost)
        out.append(utf8: "\r\nContent-Type: application/json\r\nContent-Length: " as StaticString)
        out.append(decimal: UInt64(payload.count))
        out.append(utf8: "\r\n\r\n" as StaticString)
        out.append(payload)
    }
}
