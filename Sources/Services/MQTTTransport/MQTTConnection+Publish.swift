import Logging
import MQTTProtocol
import Messages
import Metrics
import Model
import Telemetry
import TransportCore

/// PUBLISH of a device (`device-api.md` 2.6, 2.9).
extension MQTTConnection {
    func receivePublish(_ publish: MQTTPublish, in bytes: Span<UInt8>, _ session: OpenSession) {
        transport.metrics.publishes += 1
        let topic = bytes.withUnsafeBytes {
            session.classifier.classify(UnsafeRawBufferPointer(rebasing: $0[publish.topic]))
        }
        switch topic {
        case .telemetry(let format):
            post(publish, in: bytes, format, session, isTelemetry: true)
        case .attributes(let format):
            post(publish, in: bytes, format, session, isTelemetry: false)
        case .attributesRequest(let family, let id):
            requestAttributes(publish, in: bytes, family, id: publish.topic.lowerBound + id, session)
        case .rpcResponse(let family, let id):
            answerCall(publish, in: bytes, family, id: publish.topic.lowerBound + id, session)
        case .rpcRequest(let family, let id):
            callServer(publish, in: bytes, family, id: publish.topic.lowerBound + id, session)
        case .claim:
            claim(publish, in: bytes, session)
        case .gateway:
            receiveGateway(publish, in: bytes, session)
        case .firmwareChunk:
            requestChunk(publish, in: bytes, .firmware, session)
        case .softwareChunk:
            requestChunk(publish, in: bytes, .software, session)
        case .unknown:
            transport.metrics.unknownTopics.increment()
            acknowledge(publish, .topicNameInvalid)
        }
    }

    private func post(
        _ publish: MQTTPublish, in bytes: Span<UInt8>, _ format: UplinkTopic.PayloadFormat, _ session: OpenSession,
        isTelemetry: Bool
    ) {
        guard format == .json || (format == .profile && !session.info.profile.mqtt.usesProtobuf) else {
            return postProtobuf(publish, in: bytes, format, session, isTelemetry: isTelemetry)
        }
        post(publish, bytes.extracting(publish.payload), session, isTelemetry: isTelemetry)
    }

    /// Converts what may be protobuf to JSON, and goes on with that.
    private func postProtobuf(
        _ publish: MQTTPublish, in bytes: Span<UInt8>, _ format: UplinkTopic.PayloadFormat, _ session: OpenSession,
        isTelemetry: Bool
    ) {
        let payload = bytes.extracting(publish.payload)
        let protobuf = ProtobufPayloads(session.info.profile)
        do throws(DevicePayloadError) {
            let json = isTelemetry ? try protobuf.telemetry(payload) : try protobuf.attributes(payload)
            post(publish, json.span, session, isTelemetry: isTelemetry)
        } catch {
            guard format == .profile, session.info.profile.mqtt.acceptsJSONBesideProtobuf else {
                return rejectPayload(publish, session)
            }
            post(publish, payload, session, isTelemetry: isTelemetry)
        }
    }

    private func post(
        _ publish: MQTTPublish, _ payload: Span<UInt8>, _ session: OpenSession, isTelemetry: Bool
    ) {
        let isAcknowledged = publish.qos != .atMostOnce
        let tag = isAcknowledged ? pending.append(publish.packetIdentifier) : 0
        let target: any UplinkTarget = isAcknowledged ? self : transport.unacknowledgedTarget
        do throws(TelemetryError) {
            let admission =
                isTelemetry
                ? try transport.transport.postTelemetry(
                    payload, session: session.info, lane: session.lane, limiter: session.limiter, target: target,
                    tag: tag)
                : try transport.transport.postAttributes(
                    payload, session: session.info, lane: session.lane, limiter: session.limiter, target: target,
                    tag: tag)
            switch admission {
            case .pending: break
            case .acknowledged: if isAcknowledged { pending.finish(tag) }
            case .limited:
                if isAcknowledged { pending.removeLast() }
                close(.implementationSpecificError, .rateLimit)
            }
        } catch {
            if isAcknowledged { pending.removeLast() }
            rejectPayload(publish, session)
        }
    }

    /// Answers an invalid payload (`device-api.md` 2.9).
    func rejectPayload(_ publish: MQTTPublish, _ session: OpenSession) {
        transport.metrics.invalidPayloads.increment()
        idlePackets &+= 1
        transport.logger.limited(
            .debug, "invalid payload", ["device.id": .string(session.info.device.deviceID.description)])
        guard publish.qos != .atMostOnce else {
            close(.payloadFormatInvalid, .invalidPayload)
            return
        }
        let acknowledges =
            session.info.profile.transportType == .mqtt && session.info.profile.mqtt.acknowledgesInvalidPayloads
        if version == .v5 || acknowledges {
            acknowledge(publish, acknowledges ? .success : .payloadFormatInvalid)
        } else {
            close(.payloadFormatInvalid, .invalidPayload)
        }
    }

    /// Answers a request that could not be read.
    func reject(_ error: DevicePayloadError, of publish: MQTTPublish, _ session: OpenSession) {
        switch error {
        case .invalid: rejectPayload(publish, session)
        case .unacceptable: close(.serverShuttingDown, .invalidPayload)
        }
    }

    /// Whether a message without data points may pass; if not, the connection is closed without an answer.
    func admits(_ session: OpenSession) -> Bool {
        if transport.transport.admitsMessage(session.limiter) { return true }
        close(.implementationSpecificError, .rateLimit)
        return false
    }

    /// Answers a request when the core's queue has taken it, or closes when it has not.
    func acknowledge(_ publish: MQTTPublish, ifTaken isTaken: Bool) {
        if isTaken { acknowledge(publish) } else { close(.implementationSpecificError, .overload) }
    }
}
