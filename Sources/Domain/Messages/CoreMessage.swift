public import Model

/// To the core node that owns a device (`cluster.md` 3.4). Partitioned by device id.
public enum CoreMessage: Sendable {
    case sessionOpened(SessionInfo)
    case sessionClosed(SessionInfo)
    case attributesRequest(SessionInfo, AttributesRequest)
    case subscribeToAttributes(SessionInfo, isSubscribed: Bool)
    case subscribeToRPC(SessionInfo, isSubscribed: Bool)
    /// The device's answer to a call.
    case rpcResponse(SessionInfo, ToDeviceRPCResponse)
    /// How far the delivery of a call came: `sent`, `delivered`, `timeout`.
    case rpcStatus(SessionInfo, requestID: Int32, rpcID: UUID128, RPCStatus)
    /// The session asks for calls that wait.
    case sendPendingRPC(SessionInfo)
    /// The report of a transport about a session, now and then; it restores what its receiver does not know.
    case activity(SessionInfo, lastActivityTime: Int64, attributeSubscription: Bool, rpcSubscription: Bool)
    /// A device offers itself (`device-api.md` 8.5). A duration of 0 stands for the default.
    case claim(SessionInfo, secretKey: String, durationMilliseconds: Int64)
    /// From another core node, or from the rule engine.
    case device(DeviceNotification)
}

/// From core nodes and the rule engine to the owner of a device (`cluster.md` 3.4, 3.7). Times are milliseconds since 1970.
public enum DeviceNotification: Sendable {
    /// Attributes were saved, and sessions shall hear of it.
    case attributesUpdated(TenantID, DeviceID, AttributeScope, [AttributeEntry])
    case attributesDeleted(TenantID, DeviceID, AttributeScope, [String])
    /// The credentials have that version now; sessions opened with an older one must go.
    case credentialsUpdated(TenantID, DeviceID, version: Int64)
    case renamed(TenantID, DeviceID, name: String, type: String)
    case deleted(TenantID, DeviceID)
    /// The answer goes to the node of that service id.
    case rpcRequest(TenantID, DeviceID, serviceID: String, ToDeviceRPCRequest)
    case removeRPC(TenantID, DeviceID, rpcID: UUID128)
    case stateAdded(TenantID, DeviceID)
    case stateUpdated(TenantID, DeviceID)
    case stateDeleted(TenantID, DeviceID)
    case activity(TenantID, DeviceID, time: Int64)
    case connect(TenantID, DeviceID, time: Int64)
    case disconnect(TenantID, DeviceID, time: Int64)
    case inactivity(TenantID, DeviceID, time: Int64)
    case inactivityTimeout(TenantID, DeviceID, milliseconds: Int64)

    public var tenantID: TenantID { ids.tenant }
    public var deviceID: DeviceID { ids.device }

    private var ids: (tenant: TenantID, device: DeviceID) {
        switch self {
        case .attributesUpdated(let tenant, let device, _, _), .attributesDeleted(let tenant, let device, _, _),
            .credentialsUpdated(let tenant, let device, _), .renamed(let tenant, let device, _, _),
            .deleted(let tenant, let device), .rpcRequest(let tenant, let device, _, _),
            .removeRPC(let tenant, let device, _), .stateAdded(let tenant, let device),
            .stateUpdated(let tenant, let device), .stateDeleted(let tenant, let device),
            .activity(let tenant, let device, _), .connect(let tenant, let device, _),
            .disconnect(let tenant, let device, _), .inactivity(let tenant, let device, _),
            .inactivityTimeout(let tenant, let device, _):
            (tenant, device)
        }
    }
}

/// From any service to one core node, topic `tb_core.notifications.<service id>` (`cluster.md` 3.6).
public enum CoreNotification: Sendable {
    /// The outcome of a call that this node asked for: an answer, or an error; neither is the end of a one-way call.
    case rpcResponse(rpcID: UUID128, response: String?, error: RPCError?)
    /// The answer of a rule chain to a REST call that waits for it.
    case ruleEngineResponse(requestID: UUID128, RuleMessage?)
    /// An entity changed: forget what is cached of it. Sent to every core node.
    case entityChanged(TenantID, EntityID, EntityChange)
    /// What clients of a core node look at. Sent to every core node and rule engine.
    case watchedEntities(WatchedEntities)
    /// What was committed of entities that clients of this core node look at.
    case watchedValues([WatchedChange])

    /// The settings or the revocations of tokens changed: read them. Sent to every core node.
    public static let securityChanged = entityChanged(
        TenantID(.null), EntityID(type: .adminSettings, uuid: .null), .updated)
}

/// What happened to an entity (`cluster.md` 3.3, ComponentLifecycleEvent).
public enum EntityChange: UInt8, Sendable {
    case created = 0
    case updated = 4
    case deleted = 6
}
