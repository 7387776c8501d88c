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
            changes.devices[device.deviceID] = device
            applyChangesSoon()
        case .deviceProfileUpdated(let profile):
            changes.profiles[profile.id] = profile
            applyChangesSoon()
        case .tenantProfileUpdated, .tenantUpdated, .tenantDeleted:
            transport.limits.receive(notification)
        case .deviceDeleted, .deviceProfileDeleted, .queuesChanged:
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

    /// Changes of devices and profiles that sessions have not been told.
    struct Changes {
        var devices: [DeviceID: DeviceInfo] = [:]
        var profiles: [DeviceProfileID: DeviceProfileInfo] = [:]

        /// The session as it is now; `nil` where nothing changed.
        func changed(_ info: SessionInfo) -> SessionInfo? {
            let device = devices[info.device.deviceID] ?? info.device
            let profile = profiles[info.profile.id] ?? info.profile
            guard device != info.device || profile != info.profile else { return nil }
            return info.with(device: device, profile: profile)
        }
    }

    /// From one walk over the sessions to the next.
    private static let pauseBetweenWalks: Duration = .milliseconds(100)

    /// Tells all sessions of what changed: at once, unless that was done a moment ago.
    ///
    /// No table leads from a device or profile to its sessions: it would cost every connection memory, and every connect
    /// time. A walk over 100 000 sessions takes some milliseconds, and what changes meanwhile waits for the next one, so
    /// that changing any number of devices costs a few percent of the loop.
    private func applyChangesSoon() {
        guard changesTimer == nil else { return }
        guard loop.now < nextWalk else { return applyChanges() }
        changesTimer = loop.schedule(after: nextWalk - loop.now) { [unowned self] in
            changesTimer = nil
            applyChanges()
        }
    }

    private func applyChanges() {
        let changes = changes
        self.changes = Changes()
        nextWalk = loop.now + Self.pauseBetweenWalks
        loop.forEachConnection { connection in
            (connection.handler as? MQTTConnection)?.update(changes.changed)
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
