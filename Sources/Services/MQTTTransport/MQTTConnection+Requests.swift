import MQTTProtocol
import Messages
import Metrics
import Model
import Reactor
import TransportCore

/// What a device asks and answers (`device-api.md` 2.8).
extension MQTTConnection {
    func requestAttributes(
        _ publish: MQTTPublish, in bytes: Span<UInt8>, _ family: TopicFamily, id: Int, _ session: OpenSession
    ) {
        do throws(DevicePayloadError) {
            guard let requestID = RequestID.parse(bytes.extracting(0..<publish.topic.upperBound), from: id) else {
                throw .invalid
            }
            let adapter = PayloadAdapter(uplink: family, session.info.profile)
            let request = try adapter.attributesRequest(bytes.extracting(publish.payload), requestID: requestID)
            guard admits(session) else { return }
            guard requestID >= 0 else { return acknowledge(publish) }
            downlinks.attributesResponseFamily = family
            acknowledge(
                publish, ifTaken: transport.transport.send(.attributesRequest(session.info, request), of: session.info))
        } catch {
            reject(error, of: publish, session)
        }
    }

    /// The device answers a call of the platform.
    func answerCall(
        _ publish: MQTTPublish, in bytes: Span<UInt8>, _ family: TopicFamily, id: Int, _ session: OpenSession
    ) {
        do throws(DevicePayloadError) {
            guard let requestID = RequestID.parse(bytes.extracting(0..<publish.topic.upperBound), from: id) else {
                throw .invalid
            }
            let adapter = PayloadAdapter(uplink: family, session.info.profile)
            let payload = try adapter.rpcResponse(bytes.extracting(publish.payload))
            guard admits(session) else { return }
            let response = ToDeviceRPCResponse(requestID: requestID, payload: payload)
            acknowledge(
                publish, ifTaken: transport.transport.send(.rpcResponse(session.info, response), of: session.info))
        } catch {
            reject(error, of: publish, session)
        }
    }

    /// The device calls the platform; a rule chain answers, or nobody does in time.
    func callServer(
        _ publish: MQTTPublish, in bytes: Span<UInt8>, _ family: TopicFamily, id: Int, _ session: OpenSession
    ) {
        do throws(DevicePayloadError) {
            let adapter = PayloadAdapter(uplink: family, session.info.profile)
            let id = RequestID.parse(bytes.extracting(0..<publish.topic.upperBound), from: id)
            let request = try adapter.rpcRequest(bytes.extracting(publish.payload), requestID: id ?? 0)
            guard let id else { throw .unacceptable }
            downlinks.rpcResponseFamily = family
            if family == .long, request.method == "getSessionLimits" {
                acknowledge(publish)
                sendAcknowledgements()
                let limits = transport.sessionLimits(session.limiter)
                return send(ToServerRPCResponse(requestID: id, payload: limits), session)
            }
            guard admits(session) else { return }
            guard downlinks.calls[id] != nil || downlinks.calls.count < transport.configuration.maximumInFlight else {
                acknowledge(publish)
                sendAcknowledgements()
                return send(ToServerRPCResponse(requestID: id, payload: nil, error: "too many calls at once"), session)
            }
            forward(request, publish, session)
        } catch {
            reject(error, of: publish, session)
        }
    }

    private func forward(_ request: ToServerRPCRequest, _ publish: MQTTPublish, _ session: OpenSession) {
        let number = publish.qos == .atMostOnce ? nil : pending.append(publish.packetIdentifier)
        downlinks.calls[request.requestID]?.cancel()
        downlinks.calls[request.requestID] = transport.loop.schedule(after: transport.configuration.clientRPCTimeout) {
            [weak self] in
            self?.answer(ToServerRPCResponse(requestID: request.requestID, payload: nil, error: "timeout"))
        }
        transport.transport.callServer(request, of: session.info) { [weak self] isTaken in
            guard let self else { return }
            guard isTaken else { return close(.implementationSpecificError, .overload) }
            if let number { acknowledge(number, .success) }
        }
    }

    /// The answer to a call of the device, unless it came before.
    func answer(_ response: ToServerRPCResponse) {
        guard let session, let timer = downlinksIfAny?.calls.removeValue(forKey: response.requestID) else { return }
        timer.cancel()
        send(response, session)
    }

    func claim(_ publish: MQTTPublish, in bytes: Span<UInt8>, _ session: OpenSession) {
        do throws(DevicePayloadError) {
            let adapter = PayloadAdapter(uplink: .long, session.info.profile)
            let request = try adapter.claim(bytes.extracting(publish.payload))
            guard admits(session) else { return }
            let message = CoreMessage.claim(
                session.info, secretKey: request.secretKey, durationMilliseconds: request.durationMilliseconds)
            acknowledge(publish, ifTaken: transport.transport.send(message, of: session.info))
        } catch {
            reject(error, of: publish, session)
        }
    }
}
