public import Model

/// From a transport to the core node that owns the device (`cluster.md` 3.4).
public enum CoreMessage: Sendable {
    case sessionOpened(SessionInfo)
    case sessionClosed(SessionInfo)
}

/// Why the platform closes a device session (`device-api.md` 6.2).
public enum SessionCloseReason: UInt8, Sendable {
    case unknown = 0
    case credentialsUpdated = 1
    case maximumConcurrentSessionsReached = 2
    case sessionTimeout = 3
    case rpcDeliveryTimeout = 4
    /// Of our own: the device was deleted. Devices see what ``credentialsUpdated`` shows.
    case deviceDeleted = 100
}

/// From the platform to the transport that holds a session (`cluster.md` 3.8).
public enum TransportNotification: Sendable {
    case closeSession(UUID128, SessionCloseReason)
    /// A device changed: sessions of it take the new description.
    case deviceUpdated(DeviceInfo)
    case deviceProfileUpdated(DeviceProfileInfo)
}
