import MQTTProtocol
import Messages
import Model
import Reactor

/// What a CONNECT says about the messages that the client takes (MQTT 5.0 3.1.2.11).
struct ClientLimits {
    /// QoS 1 messages without PUBACK.
    var receiveMaximum: UInt16 = .max
    /// Bytes of a whole packet; larger ones are not sent.
    var maximumPacketSize: UInt32 = .max

    init() {}

    init(_ connect: MQTTConnect) {
        receiveMaximum = connect.properties.receiveMaximum ?? .max
        maximumPacketSize = connect.properties.maximumPacketSize ?? .max
    }
}

/// What one connection needs to receive: subscriptions, packet identifiers, outstanding calls. Owned by its connection.
final class Downlinks {
    var subscriptions = DownlinkSubscriptions()
    var window: DownlinkWindow<TrackedCall>
    let maximumPacketSize: Int
    /// The family of the last attribute request, where responses go.
    var attributesResponseFamily = TopicFamily.long
    /// The family of the last call of the device.
    var rpcResponseFamily = TopicFamily.long
    /// Calls of the device without an answer, by request id, with the end of their time.
    var calls: [Int32: LoopTimer] = [:]

    init(_ limits: ClientLimits) {
        window = DownlinkWindow(receiveMaximum: Int(limits.receiveMaximum))
        maximumPacketSize = Int(limits.maximumPacketSize)
    }

    /// The session is over: nobody is told of time-outs any more.
    func end() {
        for timer in calls.values { timer.cancel() }
        calls = [:]
        for call in window.tracked { call.timer?.cancel() }
    }
}

/// A call of the platform on its way to the device, until its PUBACK.
final class TrackedCall {
    let session: SessionInfo
    let request: ToDeviceRPCRequest
    var timer: LoopTimer?

    init(session: SessionInfo, request: ToDeviceRPCRequest) {
        self.session = session
        self.request = request
    }
}
