import Bytes
import MQTTProtocol
import Messages
import Metrics
import Model
import Reactor
import TransportCore

/// What the platform sends to a device (`device-api.md` 2.7, 7).
extension MQTTConnection {
    func send(_ response: AttributesResponse, _ session: OpenSession) {
        let family = downlinks.attributesResponseFamily
        let adapter = PayloadAdapter(downlink: family, session.info.profile)
        send(
            .attributesResponse, family, "\(family.attributesResponseTopic)\(response.requestID)",
            adapter.attributes(response))
    }

    func send(_ update: AttributesUpdate, _ session: OpenSession) {
        guard let downlinks = downlinksIfAny, downlinks.subscriptions.wantsAttributes else { return }
        let family = downlinks.subscriptions.attributesFamily
        let adapter = PayloadAdapter(downlink: family, session.info.profile)
        send(.attributes, family, family.attributesTopic, adapter.attributesUpdate(update))
    }

    func send(_ response: ToServerRPCResponse, _ session: OpenSession) {
        let family = downlinks.rpcResponseFamily
        let adapter = PayloadAdapter(downlink: family, session.info.profile)
        send(.rpcResponse, family, "\(family.rpcResponseTopic)\(response.requestID)", adapter.rpcResponse(response))
    }

    /// A call of the platform: how far it comes is reported to the core (`device-api.md` 7.2).
    func send(_ request: ToDeviceRPCRequest, _ session: OpenSession) {
        guard let downlinks = downlinksIfAny, downlinks.subscriptions.wantsRPC else { return }
        let family = downlinks.subscriptions.rpcFamily
        do throws(DevicePayloadError) {
            let payload = try PayloadAdapter(downlink: family, session.info.profile).rpcRequest(request)
            send(
                .rpcRequest, family, "\(family.rpcRequestTopic)\(request.requestID)", payload,
                tracked: TrackedCall(session: session.info, request: request))
        } catch {
            fail(request, of: session.info, "the request does not fit the schema of the device profile")
        }
    }

    /// Tells the caller that the device could not be asked.
    func fail(_ request: ToDeviceRPCRequest, of session: SessionInfo, _ error: String) {
        let response = ToDeviceRPCResponse(requestID: request.requestID, payload: nil, error: error)
        _ = transport.transport.send(.rpcResponse(session, response), of: session)
    }

    // MARK: - Sending

    /// Publishes with the QoS of the subscription that matches, 1 without one.
    func send(
        _ kind: DownlinkKind, _ family: TopicFamily, _ topic: String, _ payload: [UInt8], tracked: TrackedCall? = nil
    ) {
        let topic = Array(topic.utf8)
        // Fixed header, length of the topic, packet identifier, empty properties.
        guard 5 + 2 + topic.count + 2 + 1 + payload.count <= downlinks.maximumPacketSize else {
            transport.metrics.downlinksTooLarge.increment()
            if let tracked { fail(tracked.request, of: tracked.session, "the request is larger than the device takes") }
            return
        }
        if downlinks.subscriptions.qos(kind, family) == .atMostOnce {
            publish(topic, payload, 0)
            if let tracked { report(.delivered, of: tracked) }
            return
        }
        if let identifier = downlinks.window.admit(tracked) {
            publish(topic, payload, identifier)
            if let tracked { sent(tracked) }
        } else {
            downlinks.window.wait(.init(topic: topic, payload: payload, tracked: tracked))
        }
        if downlinks.window.count > transport.configuration.maximumUnacknowledgedDownlinks
            || downlinks.window.waitingBytes > transport.configuration.maximumOutput
        {
            close(.quotaExceeded, .slowSubscriber)
        }
    }

    private func publish(_ topic: [UInt8], _ payload: [UInt8], _ identifier: UInt16) {
        transport.metrics.downlinks.increment()
        write { [version] buffer in
            MQTTPublish.encode(
                topic: topic.span, payload: payload.span, qos: identifier == 0 ? .atMostOnce : .atLeastOnce,
                packetIdentifier: identifier, version: version, into: &buffer)
        }
    }

    // MARK: - Acknowledgements

    /// The device has taken a message.
    func acknowledged(_ identifier: UInt16) {
        guard let downlinks = downlinksIfAny, let known = downlinks.window.acknowledge(identifier) else {
            idlePackets &+= 1
            return
        }
        if let call = known {
            call.timer?.cancel()
            report(.delivered, of: call)
        } else {
            idlePackets &+= 1
        }
        while let (waiting, identifier) = downlinks.window.next() {
            publish(waiting.topic, waiting.payload, identifier)
            if let call = waiting.tracked { sent(call) }
        }
    }

    /// A call was written with QoS 1: it counts as delivered when the device acknowledges it in time.
    private func sent(_ call: TrackedCall) {
        if call.request.isPersisted { report(.sent, of: call) }
        let remaining = Duration.milliseconds(
            max(0, call.request.expirationTime - transport.loop.wallClockMilliseconds))
        let patience = min(transport.configuration.rpcAcknowledgementTimeout, remaining)
        call.timer = transport.loop.schedule(after: patience) { [weak self] in
            self?.report(.timeout, of: call)
        }
    }

    private func report(_ status: RPCStatus, of call: TrackedCall) {
        _ = transport.transport.send(
            .rpcStatus(
                call.session, requestID: call.request.requestID, rpcID: call.request.rpcID, status), of: call.session)
    }
}

extension TopicFamily {
    var attributesTopic: String {
        switch self {
        case .long: "v1/devices/me/attributes"
        case .short: "v2/a"
        case .shortJSON: "v2/a/j"
        case .shortProtobuf: "v2/a/p"
        }
    }

    var attributesResponseTopic: String {
        switch self {
        case .long: "v1/devices/me/attributes/response/"
        case .short: "v2/a/res/"
        case .shortJSON: "v2/a/res/j/"
        case .shortProtobuf: "v2/a/res/p/"
        }
    }

    var rpcRequestTopic: String {
        switch self {
        case .long: "v1/devices/me/rpc/request/"
        case .short: "v2/r/req/"
        case .shortJSON: "v2/r/req/j/"
        case .shortProtobuf: "v2/r/req/p/"
        }
    }

    var rpcResponseTopic: String {
        switch self {
        case .long: "v1/devices/me/rpc/response/"
        case .short: "v2/r/res/"
        case .shortJSON: "v2/r/res/j/"
        case .shortProtobuf: "v2/r/res/p/"
        }
    }
}
