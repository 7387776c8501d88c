import Bytes
import Glibc
import MQTTProtocol

/// An MQTT client on a blocking socket: exact packets out, exact packets in.
final class TestClient {
    struct Packet: Equatable {
        var type: MQTTPacketType
        var flags: UInt8
        var body: [UInt8]
    }

    struct Message: Equatable {
        var topic: String
        var payload: String
        var qos: UInt8
        var packetIdentifier: UInt16
        var bytes: [UInt8]
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let version: MQTTVersion
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var lastIdentifier: UInt16 = 0
    /// Unset where packets lie in the stream as they are.
    var webSocket: TestWebSocket?

    init(port: Int, version: MQTTVersion = .v3_1_1) throws {
        self.version = version
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { throw Failure(description: "no connection: errno \(errno)") }
        var timeout = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close() }

    func close() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    // MARK: - Sending

    func send(_ bytes: [UInt8]) {
        sendRaw(webSocket == nil ? bytes : TestWebSocket.frame(bytes))
    }

    func sendRaw(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { bytes in
                Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    func send(_ body: (inout ByteBuffer) -> Void) {
        var buffer = ByteBuffer()
        body(&buffer)
        send(buffer.copy())
    }

    func connect(
        clientID: String = "c", userName: String? = nil, properties: MQTTProperties = MQTTProperties()
    ) throws {
        let connect = MQTTConnect(
            version: version, clientIdentifier: clientID, userName: userName, properties: properties)
        send { connect.encode(into: &$0) }
        let connack = try expect(.connack)
        guard connack.body[1] == 0 else { throw Failure(description: "refused: \(connack.body)") }
    }

    /// Sends a PUBLISH; returns its identifier, 0 with QoS 0.
    @discardableResult
    func publish(_ topic: String, _ payload: String, qos: MQTTQoS = .atLeastOnce) -> UInt16 {
        publish(topic, Array(payload.utf8), qos: qos)
    }

    @discardableResult
    func publish(_ topic: String, _ payload: [UInt8], qos: MQTTQoS = .atLeastOnce) -> UInt16 {
        if qos != .atMostOnce { lastIdentifier += 1 }
        let identifier = qos == .atMostOnce ? 0 : lastIdentifier
        let topic = Array(topic.utf8)
        send { [version] in
            MQTTPublish.encode(
                topic: topic.span, payload: payload.span, qos: qos, packetIdentifier: identifier, version: version,
                into: &$0)
        }
        return identifier
    }

    func subscribe(_ filters: String..., qos: MQTTQoS = .atLeastOnce) throws -> [UInt8] {
        let subscribe = MQTTSubscribe(
            packetIdentifier: 77, subscriptions: filters.map { MQTTSubscription(topicFilter: $0, qos: qos) })
        send { [version] in subscribe.encode(version: version, into: &$0) }
        return Array(try expect(.suback).body.dropFirst(version == .v5 ? 3 : 2))
    }

    func unsubscribe(_ filters: String...) throws -> [UInt8] {
        let unsubscribe = MQTTUnsubscribe(packetIdentifier: 78, topicFilters: filters)
        send { [version] in unsubscribe.encode(version: version, into: &$0) }
        return Array(try expect(.unsuback).body.dropFirst(version == .v5 ? 3 : 2))
    }

    func acknowledge(_ message: Message) {
        send { [version] in
            MQTTAcknowledgement.encode(
                .puback, packetIdentifier: message.packetIdentifier, version: version, into: &$0)
        }
    }

    // MARK: - Receiving

    /// The next packet; `nil` when the server has closed.
    func receive() throws -> Packet? {
        while true {
            if let packet = parse() { return packet }
            var room = [UInt8](repeating: 0, count: 65_536)
            let count = recv(descriptor, &room, room.count, 0)
            if count == 0 || (count < 0 && errno == ECONNRESET) { return nil }
            guard count > 0 else { throw Failure(description: "nothing came: errno \(errno)") }
            if webSocket == nil { buffer += room[..<count] } else { buffer += try webSocket!.unframe(room[..<count]) }
        }
    }

    /// Bytes as they come, up to an empty line.
    func receiveHead() throws -> String {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            var byte: UInt8 = 0
            guard recv(descriptor, &byte, 1, 0) == 1 else { throw Failure(description: "closed inside of a head") }
            head.append(byte)
        }
        return String(decoding: head, as: UTF8.self)
    }

    private func parse() -> Packet? {
        guard buffer.count >= 2 else { return nil }
        var (length, shift, index) = (0, 0, 1)
        while true {
            guard index < buffer.count else { return nil }
            let byte = buffer[index]
            length |= Int(byte & 0x7F) << shift
            index += 1
            shift += 7
            if byte & 0x80 == 0 { break }
        }
        guard buffer.count >= index + length, let type = MQTTPacketType(rawValue: buffer[0] >> 4) else { return nil }
        let packet = Packet(type: type, flags: buffer[0] & 15, body: Array(buffer[index..<(index + length)]))
        buffer.removeFirst(index + length)
        return packet
    }

    func expect(_ type: MQTTPacketType) throws -> Packet {
        guard let packet = try receive() else { throw Failure(description: "closed instead of \(type)") }
        guard packet.type == type else { throw Failure(description: "\(packet) instead of \(type)") }
        return packet
    }

    /// The reason code of the next PUBACK, which must be for `identifier`.
    func puback(_ identifier: UInt16) throws -> UInt8 {
        let body = try expect(.puback).body
        let received = UInt16(body[0]) << 8 | UInt16(body[1])
        guard received == identifier else { throw Failure(description: "PUBACK \(received) instead of \(identifier)") }
        return body.count > 2 ? body[2] : 0
    }

    func expectPuback(_ identifier: UInt16, _ reason: UInt8) throws {
        let received = try puback(identifier)
        guard received == reason else { throw Failure(description: "PUBACK with \(received) instead of \(reason)") }
    }

    func expectMessage(_ condition: (Message) -> Bool) throws {
        let received = try message()
        guard condition(received) else { throw Failure(description: "unexpected \(received)") }
    }

    func message() throws -> Message {
        let packet = try expect(.publish)
        let length = Int(packet.body[0]) << 8 | Int(packet.body[1])
        var position = 2 + length
        let qos = packet.flags >> 1 & 3
        var identifier: UInt16 = 0
        if qos > 0 {
            identifier = UInt16(packet.body[position]) << 8 | UInt16(packet.body[position + 1])
            position += 2
        }
        if version == .v5 { position += 1 + Int(packet.body[position]) }
        let payload = Array(packet.body[position...])
        return Message(
            topic: String(decoding: packet.body[2..<(2 + length)], as: UTF8.self),
            payload: String(decoding: payload, as: UTF8.self), qos: qos, packetIdentifier: identifier, bytes: payload)
    }

    /// The connection ends: with that reason on MQTT 5, in silence before.
    func expectDisconnect(_ reason: UInt8) throws {
        if version == .v5 {
            let body = try expect(.disconnect).body
            guard (body.first ?? 0) == reason else { throw Failure(description: "DISCONNECT \(body), not \(reason)") }
        }
        if let packet = try receive() { throw Failure(description: "\(packet) instead of a close") }
    }

    /// Everything before has been handled, and nothing came in between.
    func ping() throws {
        send { MQTTPing.encodeRequest(into: &$0) }
        _ = try expect(.pingresp)
    }
}
