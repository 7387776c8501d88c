import Logging
import MQTTProtocol
import Messages
import Metrics
import Reactor
import TransportCore

/// A connection that is only there to register a device (`device-api.md` 8.1, 8.2).
extension MQTTConnection {
    static let provisionTopic = "/provision/request"
    static let provisionResponseTopic = "/provision/response"
    /// Refused requests that one connection may make: more is guessing.
    static let maximumProvisionRefusals = 3

    /// Handles one packet; `false` when it was not taken and must be presented again.
    func receiveProvisioning(_ frame: MQTTFrame, in bytes: Span<UInt8>) throws(MQTTError) -> Bool {
        if frame.type != .publish { transport.metrics.others += 1 }
        switch frame.type {
        case .publish:
            guard admitsPublish() else { return false }
            provision(try MQTTPublish.decode(frame, in: bytes, version: version), in: bytes)
        case .pingreq: try receivePing(frame)
        case .disconnect: try receiveDisconnect(frame, in: bytes)
        case .subscribe:
            let subscribe = try MQTTSubscribe.decode(frame, in: bytes, version: version)
            let codes: [MQTTReasonCode] = subscribe.subscriptions.map {
                guard $0.topicFilter == Self.provisionResponseTopic else {
                    return version == .v5 ? .topicFilterInvalid : .unspecifiedError
                }
                return .granted(DownlinkFilter.granted($0.qos))
            }
            let suback = MQTTSuback(packetIdentifier: subscribe.packetIdentifier, reasonCodes: codes)
            write { [version] in suback.encode(version: version, into: &$0) }
        case .unsubscribe:
            let unsubscribe = try MQTTUnsubscribe.decode(frame, in: bytes, version: version)
            let codes: [MQTTReasonCode] = unsubscribe.topicFilters.map {
                $0 == Self.provisionResponseTopic ? .success : .noSubscriptionExisted
            }
            let unsuback = MQTTUnsuback(packetIdentifier: unsubscribe.packetIdentifier, reasonCodes: codes)
            write { [version] in unsuback.encode(version: version, into: &$0) }
        case .puback, .pubrec, .pubrel, .pubcomp:
            let packet = try MQTTAcknowledgement.decode(frame, in: bytes, version: version)
            if frame.type == .puback { acknowledged(packet.packetIdentifier) }
        case .auth: break
        case .connect, .connack, .suback, .unsuback, .pingresp: close(.protocolError, .protocolError)
        }
        return true
    }

    private func provision(_ publish: MQTTPublish, in bytes: Span<UInt8>) {
        transport.metrics.publishes += 1
        let isRequest = bytes.extracting(publish.topic).withUnsafeBytes { $0.elementsEqual(Self.provisionTopic.utf8) }
        guard isRequest else {
            acknowledge(publish, .topicNameInvalid)
            return close(.topicNameInvalid, .provisioning)
        }
        let payload = bytes.extracting(publish.payload)
        do throws(DevicePayloadError) {
            let request = try ProvisionJSON.request(payload)
            ask(request, publish) { ProvisionJSON.response($0) }
        } catch {
            // What is no JSON may be protobuf, and is answered in that.
            if error == .invalid, let request = try? ProvisionProtobuf.request(payload) {
                return ask(request, publish) { ProvisionProtobuf.response($0) }
            }
            switch error {
            case .unacceptable:
                acknowledge(publish, .implementationSpecificError)
                close(.implementationSpecificError, .provisioning)
            case .invalid:
                transport.metrics.invalidPayloads.increment()
                guard version == .v5, publish.qos != .atMostOnce else {
                    return close(.payloadFormatInvalid, .invalidPayload)
                }
                acknowledge(publish, .payloadFormatInvalid)
            }
        }
    }

    private func ask(
        _ request: ProvisionRequest, _ publish: MQTTPublish, encode: @escaping (ProvisionResponse) -> [UInt8]?
    ) {
        let number = publish.qos == .atMostOnce ? nil : pending.append(publish.packetIdentifier)
        transport.ask({ api in await api.provision(request) }) { [weak self] response in
            guard let self, case .provisioning = state else { return }
            let answer = response ?? .unavailable
            guard let payload = encode(answer) else {
                if let number { acknowledge(number, .implementationSpecificError) }
                return close(.implementationSpecificError, .provisioning)
            }
            if let number { acknowledge(number, .success) }
            publishProvisionResponse(payload)
            noteRefusal(answer)
        }
    }

    private func publishProvisionResponse(_ payload: [UInt8]) {
        guard let identifier = downlinks.window.admit(nil) else {
            return close(.quotaExceeded, .slowSubscriber)
        }
        let topic = Array(Self.provisionResponseTopic.utf8)
        write { [version] buffer in
            MQTTPublish.encode(
                topic: topic.span, payload: payload.span, qos: .atLeastOnce, packetIdentifier: identifier,
                version: version, into: &buffer)
        }
        guard !isEnding else { return }
        isEnding = true
        transport.loop.schedule(after: transport.configuration.provisionLinger) { [weak self] in
            guard let self, case .provisioning = state else { return }
            close(.normalDisconnection, .provisioning)
        }
    }

    /// Keeps guesses at keys and secrets few, and visible.
    private func noteRefusal(_ response: ProvisionResponse) {
        guard response == .notFound else { return }
        provisionRefusals += 1
        transport.logger.limited(
            .notice, "provisioning refused", ["peer": .string(connection?.peerDescription ?? "")])
        if provisionRefusals >= Self.maximumProvisionRefusals {
            close(.implementationSpecificError, .provisioning)
        }
    }
}
