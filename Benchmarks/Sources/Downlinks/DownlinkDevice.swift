import Bytes
import MQTTProtocol
import Reactor

/// A device that listens: it acknowledges what comes, answers calls, and tells its bench about both. Everything runs on the
/// loop of the bench.
final class DownlinkDevice: ConnectionHandler {
    private static let rpcPrefix = Array("v1/devices/me/rpc/request/".utf8)
    private static let responsePrefix = Array("v1/devices/me/rpc/response/".utf8)

    unowned let bench: DownlinkBench
    let index: Int
    let token: String
    let id: String
    private(set) var isReady = false
    private var connection: Connection?
    private var frames = MQTTFrameDecoder(version: .v3_1_1)

    init(bench: DownlinkBench, index: Int, token: String, id: String) {
        self.bench = bench
        self.index = index
        self.token = token
        self.id = id
    }

    func connect() throws(ReactorError) {
        connection = try Connection.connect(to: bench.mqtt, on: bench.loop, handler: self)
    }

    func close() {
        connection?.handler = nil
        connection?.abort(.requested)
        connection = nil
    }

    func connectionDidConnect(_ c: Connection) {
        let connect = MQTTConnect(
            version: .v3_1_1, clientIdentifier: token, keepAliveSeconds: 600, userName: token)
        let subscribe = MQTTSubscribe(
            packetIdentifier: 1,
            subscriptions: [MQTTSubscription(topicFilter: bench.filter, qos: .atLeastOnce)])
        c.write { out in
            connect.encode(into: &out)
            subscribe.encode(version: .v3_1_1, into: &out)
        }
    }

    func connectionDidClose(_ c: Connection, reason: CloseReason) {
        connection = nil
        bench.failed("device \(token) was closed: \(reason)")
    }

    func connection(_ c: Connection, received bytes: Span<UInt8>) -> Int {
        var offset = 0
        do throws(MQTTError) {
            while let frame = try frames.next(in: bytes, from: offset) {
                try received(frame, bytes, c)
                offset = frame.end
            }
        } catch {
            c.abort(.protocolError)
            return bytes.count
        }
        return offset
    }

    private func received(_ frame: MQTTFrame, _ bytes: Span<UInt8>, _ c: Connection) throws(MQTTError) {
        switch frame.type {
        case .suback:
            isReady = true
            bench.deviceIsReady()
        case .publish:
            let publish = try MQTTPublish.decode(frame, in: bytes, version: .v3_1_1, from: .server)
            if publish.qos != .atMostOnce {
                c.write { out in
                    MQTTAcknowledgement.encode(
                        .puback, packetIdentifier: publish.packetIdentifier, version: .v3_1_1, into: &out)
                }
            }
            let topic = Self.copy(bytes, publish.topic)
            if topic.starts(with: Self.rpcPrefix) { answer(topic.dropFirst(Self.rpcPrefix.count), c) }
            bench.received(Self.copy(bytes, publish.payload), by: index)
        case .connack, .puback, .pingresp, .disconnect, .connect, .pubrec, .pubrel, .pubcomp, .subscribe, .unsubscribe,
            .unsuback, .pingreq, .auth:
            break
        }
    }

    private func answer(_ requestID: ArraySlice<UInt8>, _ c: Connection) {
        let topic = Self.responsePrefix + requestID
        let payload = Array("{\"device\":\(index)}".utf8)
        c.write { out in
            MQTTPublish.encode(
                topic: topic.span, payload: payload.span, qos: .atLeastOnce, packetIdentifier: 2, version: .v3_1_1,
                into: &out)
        }
    }

    private static func copy(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        bytes.withUnsafeBytes { Array($0[range]) }
    }
}
