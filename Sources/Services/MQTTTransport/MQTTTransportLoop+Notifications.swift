import JSON
import Messages
import Model
import Reactor
import TransportCore

/// What the platform tells sessions (`cluster.md` 3.8).
extension MQTTTransportLoop {
    func receive(_ notification: TransportNotification) {
        switch notification {
        case .closeSession(let id, let reason):
            withSession(id) { connection, _ in
                connection.closeSession(reason)
            } child: { connection, child in
                connection.gatewayIfAny?.end(child)
            }
        case .attributesResponse(let id, let response):
            withSession(id) {
                $0.send(response, $1)
            } child: {
                $0.sendGateway(response, to: $1)
            }
        case .attributesUpdate(let id, let update):
            withSession(id) {
                $0.send(update, $1)
            } child: {
                $0.sendGateway(update, to: $1)
            }
        case .rpcRequest(let id, let request):
            withSession(id) {
                $0.send(request, $1)
            } child: {
                $0.sendGateway(request, to: $1)
            }
        case .rpcResponse(let id, let response):
            // Devices behind gateways cannot call.
            withSession(id) { connection, _ in
                connection.answer(response)
            } child: { _, _ in
            }
        case .deviceUpdated(let device):
            forEachSession { info in
                guard info.device.deviceID == device.deviceID, info.device != device else { return nil }
                return info.with(device: device, profile: info.profile)
            }
        case .deviceProfileUpdated(let profile):
            forEachSession { info in
                guard info.profile.id == profile.id, info.profile != profile else { return nil }
                return info.with(device: info.device, profile: profile)
            }
        case .tenantProfileUpdated, .tenantUpdated, .tenantDeleted:
            transport.limits.receive(notification)
        case .deviceDeleted, .deviceProfileDeleted:
            break
        }
    }

    /// The connection of a session that is open here: the device's own, or that of its gateway.
    private func withSession(
        _ id: UUID128, _ own: (MQTTConnection, MQTTConnection.OpenSession) -> Void,
        child body: (MQTTConnection, GatewayChild) -> Void
    ) {
        let address = SessionAddress(sessionID: id)
        guard address.loopIndex == loop.index, let connection = loop.connection(for: address.connection),
            let handler = connection.handler as? MQTTConnection, let session = handler.session
        else { return }
        if session.info.sessionID == id {
            own(handler, session)
        } else if let child = handler.gatewayIfAny?.child(of: id) {
            body(handler, child)
        }
    }

    private func forEachSession(_ change: (SessionInfo) -> SessionInfo?) {
        loop.forEachConnection { connection in
            (connection.handler as? MQTTConnection)?.update(change)
        }
    }

    /// What `getSessionLimits` answers (`device-api.md` 2.8).
    func sessionLimits(_ limiter: SessionLimiter) -> String {
        func write(_ level: TransportLimits.Level, to writer: inout JSONWriter) {
            writer.object { writer in
                writer.member("messages", level.messages.isEmpty ? nil : level.messages)
                writer.member("telemetryMessages", level.telemetryMessages.isEmpty ? nil : level.telemetryMessages)
                writer.member(
                    "telemetryDataPoints", level.telemetryDataPoints.isEmpty ? nil : level.telemetryDataPoints)
            }
        }
        let levels = limiter.levels
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("maxPayloadSize", configuration.maximumRemainingLength)
            writer.member("maxInflightMessages", configuration.advertisedInFlight)
            writer.key("rateLimits")
            write(levels.own, to: &writer)
            if let behindGateway = levels.behindGateway {
                writer.key("gatewayRateLimits")
                write(behindGateway, to: &writer)
            }
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

extension SessionInfo {
    /// The same session with another description of its device.
    func with(device: DeviceInfo, profile: DeviceProfileInfo) -> SessionInfo {
        SessionInfo(
            nodeID: nodeID, sessionID: sessionID, device: device, profile: profile, sessionType: sessionType,
            gateway: gateway)
    }
}
