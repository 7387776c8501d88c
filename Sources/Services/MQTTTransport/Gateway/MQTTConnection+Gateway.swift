import MQTTProtocol
import Messages
import Metrics
import Model
import TransportCore

/// What the platform sends to the devices behind a gateway (`device-api.md` 3.2, 3.5).
extension MQTTConnection {
    /// Takes a PUBLISH on a topic of the gateway API.
    func receiveGateway(_ publish: MQTTPublish, in bytes: Span<UInt8>, _ session: OpenSession) {
        guard session.isGateway else {
            transport.metrics.unknownTopics.increment()
            return acknowledge(publish, .topicNameInvalid)
        }
        gateway.receive(publish, in: bytes, session)
    }

    /// Whether the profile of the gateway says protobuf, for all that goes through it (`device-api.md` 2.11).
    private var speaksProtobuf: Bool { session?.info.profile.mqtt.usesProtobuf ?? false }

    func sendGateway(_ response: AttributesResponse, to child: GatewayChild) {
        send(
            .gatewayAttributesResponse, .long, "v1/gateway/attributes/response",
            speaksProtobuf
                ? GatewayProtobuf.attributes(response, device: child.name)
                : DeviceResponseJSON.gatewayAttributes(response, device: child.name))
    }

    func sendGateway(_ update: AttributesUpdate, to child: GatewayChild) {
        send(
            .gatewayAttributes, .long, "v1/gateway/attributes",
            speaksProtobuf
                ? GatewayProtobuf.attributesUpdate(update, device: child.name)
                : DeviceResponseJSON.gatewayAttributesUpdate(update, device: child.name))
    }

    /// A call: how far it came is reported of persistent ones only (`device-api.md` 7.2).
    func sendGateway(_ request: ToDeviceRPCRequest, to child: GatewayChild) {
        guard let session = child.session?.info else { return }
        send(
            .gatewayRPC, .long, "v1/gateway/rpc",
            speaksProtobuf
                ? GatewayProtobuf.rpcRequest(request, device: child.name)
                : DeviceResponseJSON.gatewayRPCRequest(request, device: child.name))
        guard request.isPersisted else { return }
        let status: RPCStatus = downlinks.subscriptions.qos(.gatewayRPC, .long) == .atMostOnce ? .delivered : .sent
        _ = transport.transport.send(
            .rpcStatus(session, requestID: request.requestID, rpcID: request.rpcID, status), of: session)
    }

    /// Tells an MQTT 5 gateway that the server dropped a device.
    func sendGatewayDisconnect(_ device: String, reason: MQTTReasonCode) {
        guard version == .v5 else { return }
        send(
            .gatewayRPC, .long, "v1/gateway/disconnect",
            speaksProtobuf
                ? GatewayProtobuf.disconnect(device: device, reason: Int(reason.rawValue))
                : DeviceResponseJSON.gatewayDisconnect(device: device, reason: Int(reason.rawValue)))
    }
}
