public import Model

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

/// From the platform to the transport that holds a session (`cluster.md` 3.8). The first value of a message for one session
/// is the session's id; the others are for every transport.
public enum TransportNotification: Sendable {
    case closeSession(UUID128, SessionCloseReason)
    case rpcRequest(UUID128, ToDeviceRPCRequest)
    /// The answer to a call of the device.
    case rpcResponse(UUID128, ToServerRPCResponse)
    case attributesResponse(UUID128, AttributesResponse)
    case attributesUpdate(UUID128, AttributesUpdate)
    /// A device changed: sessions of it take the new description.
    case deviceUpdated(DeviceInfo)
    case deviceProfileUpdated(DeviceProfileInfo)
    /// A device is gone: what is known of it is forgotten. Its sessions are closed one by one as well.
    case deviceDeleted(DeviceID)
    case deviceProfileDeleted(DeviceProfileID)
    case tenantProfileUpdated(TenantProfileID, TransportLimits)
    /// A tenant has another profile now.
    case tenantUpdated(TenantID, TransportLimits)
    case tenantDeleted(TenantID)
    /// Queues of the rule engine, or their partitions, are others now.
    case queuesChanged

    /// The session that it is for; `nil` when it is for every transport.
    public var sessionID: UUID128? {
        switch self {
        case .closeSession(let id, _), .rpcRequest(let id, _), .rpcResponse(let id, _), .attributesResponse(let id, _),
            .attributesUpdate(let id, _):
            id
        case .deviceUpdated, .deviceProfileUpdated, .deviceDeleted, .deviceProfileDeleted, .tenantProfileUpdated,
            .tenantUpdated, .tenantDeleted, .queuesChanged:
            nil
        }
    }
}
