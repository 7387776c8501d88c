public import Messages
public import Model
public import Queue

/// The open sessions of the devices that this node owns. Owned by the loop that consumes the core queue.
///
/// A device may have a limited number of sessions over all transports; a newer one pushes out the oldest
/// (`device-api.md` 2.4).
public final class DeviceSessions {
    private struct Session {
        var id: UUID128
        var nodeID: String
    }

    private let maximumPerDevice: Int
    private let notifications: any TransportNotificationProducer
    private var sessions: [DeviceID: [Session]] = [:]

    /// - Parameter maximumPerDevice: `ACTORS_MAX_CONCURRENT_SESSION_PER_DEVICE`.
    public init(maximumPerDevice: Int, notifications: any TransportNotificationProducer) {
        precondition(maximumPerDevice > 0, "\(maximumPerDevice) sessions per device")
        self.maximumPerDevice = maximumPerDevice
        self.notifications = notifications
    }

    public var count: Int { sessions.values.reduce(0) { $0 + $1.count } }

    public func receive(_ message: CoreMessage) {
        switch message {
        case .sessionOpened(let info):
            var open = sessions[info.device.deviceID] ?? []
            open.append(Session(id: info.sessionID, nodeID: info.nodeID))
            while open.count > maximumPerDevice {
                let oldest = open.removeFirst()
                notifications.send(.closeSession(oldest.id, .maximumConcurrentSessionsReached), to: oldest.nodeID)
            }
            sessions[info.device.deviceID] = open
        case .sessionClosed(let info):
            guard var open = sessions[info.device.deviceID] else { return }
            open.removeAll { $0.id == info.sessionID }
            sessions[info.device.deviceID] = open.isEmpty ? nil : open
        case .attributesRequest, .subscribeToAttributes, .subscribeToRPC, .rpcResponse, .rpcStatus, .sendPendingRPC,
            .activity, .claim, .device:
            break
        }
    }

    /// Closes every session of the device.
    public func close(_ device: DeviceID, _ reason: SessionCloseReason) {
        for session in sessions.removeValue(forKey: device) ?? [] {
            notifications.send(.closeSession(session.id, reason), to: session.nodeID)
        }
    }
}
