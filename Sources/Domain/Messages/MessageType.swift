/// The message types that the platform knows (`rule-engine.md` 1.7).
public enum KnownMessageType: UInt8, Sendable, CaseIterable {
    case postTelemetryRequest
    case postAttributesRequest
    case toServerRPCRequest
    case rpcCallFromServerToDevice
    case activityEvent
    case inactivityEvent
    case connectEvent
    case disconnectEvent
    case entityCreated
    case entityUpdated
    case entityDeleted
    case entityAssigned
    case entityUnassigned
    case entityAssignedFromTenant
    case entityAssignedToTenant
    case entityAssignedToEdge
    case entityUnassignedFromEdge
    case attributesUpdated
    case attributesDeleted
    case timeseriesUpdated
    case timeseriesDeleted
    case alarm
    case alarmCreated
    case alarmUpdated
    case alarmSeverityUpdated
    case alarmAck
    case alarmClear
    case alarmDelete
    case alarmAssigned
    case alarmUnassigned
    case commentCreated
    case commentUpdated
    case relationAddOrUpdate
    case relationDeleted
    case relationsDeleted
    case rpcQueued
    case rpcSent
    case rpcDelivered
    case rpcSuccessful
    case rpcTimeout
    case rpcExpired
    case rpcFailed
    case rpcDeleted
    case restAPIRequest
    case provisionSuccess
    case provisionFailure
    case sendEmail

    /// The text in messages, for example `POST_TELEMETRY_REQUEST`.
    public var name: String {
        switch self {
        case .postTelemetryRequest: "POST_TELEMETRY_REQUEST"
        case .postAttributesRequest: "POST_ATTRIBUTES_REQUEST"
        case .toServerRPCRequest: "TO_SERVER_RPC_REQUEST"
        case .rpcCallFromServerToDevice: "RPC_CALL_FROM_SERVER_TO_DEVICE"
        case .activityEvent: "ACTIVITY_EVENT"
        case .inactivityEvent: "INACTIVITY_EVENT"
        case .connectEvent: "CONNECT_EVENT"
        case .disconnectEvent: "DISCONNECT_EVENT"
        case .entityCreated: "ENTITY_CREATED"
        case .entityUpdated: "ENTITY_UPDATED"
        case .entityDeleted: "ENTITY_DELETED"
        case .entityAssigned: "ENTITY_ASSIGNED"
        case .entityUnassigned: "ENTITY_UNASSIGNED"
        case .entityAssignedFromTenant: "ENTITY_ASSIGNED_FROM_TENANT"
        case .entityAssignedToTenant: "ENTITY_ASSIGNED_TO_TENANT"
        case .entityAssignedToEdge: "ENTITY_ASSIGNED_TO_EDGE"
        case .entityUnassignedFromEdge: "ENTITY_UNASSIGNED_FROM_EDGE"
        case .attributesUpdated: "ATTRIBUTES_UPDATED"
        case .attributesDeleted: "ATTRIBUTES_DELETED"
        case .timeseriesUpdated: "TIMESERIES_UPDATED"
        case .timeseriesDeleted: "TIMESERIES_DELETED"
        case .alarm: "ALARM"
        case .alarmCreated: "ALARM_CREATED"
        case .alarmUpdated: "ALARM_UPDATED"
        case .alarmSeverityUpdated: "ALARM_SEVERITY_UPDATED"
        case .alarmAck: "ALARM_ACK"
        case .alarmClear: "ALARM_CLEAR"
        case .alarmDelete: "ALARM_DELETE"
        case .alarmAssigned: "ALARM_ASSIGNED"
        case .alarmUnassigned: "ALARM_UNASSIGNED"
        case .commentCreated: "COMMENT_CREATED"
        case .commentUpdated: "COMMENT_UPDATED"
        case .relationAddOrUpdate: "RELATION_ADD_OR_UPDATE"
        case .relationDeleted: "RELATION_DELETED"
        case .relationsDeleted: "RELATIONS_DELETED"
        case .rpcQueued: "RPC_QUEUED"
        case .rpcSent: "RPC_SENT"
        case .rpcDelivered: "RPC_DELIVERED"
        case .rpcSuccessful: "RPC_SUCCESSFUL"
        case .rpcTimeout: "RPC_TIMEOUT"
        case .rpcExpired: "RPC_EXPIRED"
        case .rpcFailed: "RPC_FAILED"
        case .rpcDeleted: "RPC_DELETED"
        case .restAPIRequest: "REST_API_REQUEST"
        case .provisionSuccess: "PROVISION_SUCCESS"
        case .provisionFailure: "PROVISION_FAILURE"
        case .sendEmail: "SEND_EMAIL"
        }
    }

    /// The connection through which the message type switch lets the type leave.
    public var label: String {
        switch self {
        case .postTelemetryRequest: "Post telemetry"
        case .postAttributesRequest: "Post attributes"
        case .toServerRPCRequest: "RPC Request from Device"
        case .rpcCallFromServerToDevice: "RPC Request to Device"
        case .activityEvent: "Activity Event"
        case .inactivityEvent: "Inactivity Event"
        case .connectEvent: "Connect Event"
        case .disconnectEvent: "Disconnect Event"
        case .entityCreated: "Entity Created"
        case .entityUpdated: "Entity Updated"
        case .entityDeleted: "Entity Deleted"
        case .entityAssigned: "Entity Assigned"
        case .entityUnassigned: "Entity Unassigned"
        case .entityAssignedFromTenant: "Entity Assigned From Tenant"
        case .entityAssignedToTenant: "Entity Assigned To Tenant"
        case .entityAssignedToEdge: "Other"
        case .entityUnassignedFromEdge: "Other"
        case .attributesUpdated: "Attributes Updated"
        case .attributesDeleted: "Attributes Deleted"
        case .timeseriesUpdated: "Timeseries Updated"
        case .timeseriesDeleted: "Timeseries Deleted"
        case .alarm: "Alarm"
        case .alarmCreated: "Alarm Created"
        case .alarmUpdated: "Alarm Updated"
        case .alarmSeverityUpdated: "Alarm Severity Updated"
        case .alarmAck: "Alarm Acknowledged"
        case .alarmClear: "Alarm Cleared"
        case .alarmDelete: "Other"
        case .alarmAssigned: "Alarm Assigned"
        case .alarmUnassigned: "Alarm Unassigned"
        case .commentCreated: "Comment Created"
        case .commentUpdated: "Comment Updated"
        case .relationAddOrUpdate: "Relation Added or Updated"
        case .relationDeleted: "Relation Deleted"
        case .relationsDeleted: "All Relations Deleted"
        case .rpcQueued: "RPC Queued"
        case .rpcSent: "RPC Sent"
        case .rpcDelivered: "RPC Delivered"
        case .rpcSuccessful: "RPC Successful"
        case .rpcTimeout: "RPC Timeout"
        case .rpcExpired: "RPC Expired"
        case .rpcFailed: "RPC Failed"
        case .rpcDeleted: "RPC Deleted"
        case .restAPIRequest: "REST API request"
        case .provisionSuccess: "Other"
        case .provisionFailure: "Other"
        case .sendEmail: "Other"
        }
    }
}

/// The type of a message: a known one, or free text.
public enum MessageType: Hashable, Sendable {
    case known(KnownMessageType)
    case custom(String)

    private static let byName = Dictionary(uniqueKeysWithValues: KnownMessageType.allCases.map { ($0.name, $0) })

    public init(_ name: String) {
        self = Self.byName[name].map(MessageType.known) ?? .custom(name)
    }

    public var name: String {
        switch self {
        case .known(let type): type.name
        case .custom(let name): name
        }
    }

    /// The label of the message type switch; custom types leave through `Other`.
    public var label: String {
        switch self {
        case .known(let type): type.label
        case .custom: "Other"
        }
    }
}
