internal import Messages

/// What was done to an entity, as the audit log names it (`rest-api.md` 3.6).
enum ActionType: String, Sendable, CaseIterable {
    case added = "ADDED"
    case deleted = "DELETED"
    case updated = "UPDATED"
    case attributesUpdated = "ATTRIBUTES_UPDATED"
    case attributesDeleted = "ATTRIBUTES_DELETED"
    case timeseriesUpdated = "TIMESERIES_UPDATED"
    case timeseriesDeleted = "TIMESERIES_DELETED"
    case rpcCall = "RPC_CALL"
    case credentialsUpdated = "CREDENTIALS_UPDATED"
    case assignedToCustomer = "ASSIGNED_TO_CUSTOMER"
    case unassignedFromCustomer = "UNASSIGNED_FROM_CUSTOMER"
    case activated = "ACTIVATED"
    case suspended = "SUSPENDED"
    case credentialsRead = "CREDENTIALS_READ"
    case attributesRead = "ATTRIBUTES_READ"
    case relationAddOrUpdate = "RELATION_ADD_OR_UPDATE"
    case relationDeleted = "RELATION_DELETED"
    case relationsDeleted = "RELATIONS_DELETED"
    case restAPIRuleEngineCall = "REST_API_RULE_ENGINE_CALL"
    case alarmAck = "ALARM_ACK"
    case alarmClear = "ALARM_CLEAR"
    case alarmDelete = "ALARM_DELETE"
    case alarmAssigned = "ALARM_ASSIGNED"
    case alarmUnassigned = "ALARM_UNASSIGNED"
    case login = "LOGIN"
    case logout = "LOGOUT"
    case lockout = "LOCKOUT"
    case assignedFromTenant = "ASSIGNED_FROM_TENANT"
    case assignedToTenant = "ASSIGNED_TO_TENANT"
    case provisionSuccess = "PROVISION_SUCCESS"
    case provisionFailure = "PROVISION_FAILURE"
    case assignedToEdge = "ASSIGNED_TO_EDGE"
    case unassignedFromEdge = "UNASSIGNED_FROM_EDGE"
    case addedComment = "ADDED_COMMENT"
    case updatedComment = "UPDATED_COMMENT"
    case deletedComment = "DELETED_COMMENT"
    case smsSent = "SMS_SENT"

    /// The type of the rule engine's message; `nil` for what the rule engine is not told of (`rule-engine.md` 1.7, 1.8).
    var messageType: KnownMessageType? {
        switch self {
        case .added: .entityCreated
        case .deleted: .entityDeleted
        case .updated: .entityUpdated
        case .attributesUpdated: .attributesUpdated
        case .attributesDeleted: .attributesDeleted
        case .timeseriesUpdated: .timeseriesUpdated
        case .timeseriesDeleted: .timeseriesDeleted
        case .assignedToCustomer: .entityAssigned
        case .unassignedFromCustomer: .entityUnassigned
        case .relationAddOrUpdate: .relationAddOrUpdate
        case .relationDeleted: .relationDeleted
        case .relationsDeleted: .relationsDeleted
        case .alarmAck: .alarmAck
        case .alarmClear: .alarmClear
        case .alarmDelete: .alarmDelete
        case .alarmAssigned: .alarmAssigned
        case .alarmUnassigned: .alarmUnassigned
        case .assignedFromTenant: .entityAssignedFromTenant
        case .assignedToTenant: .entityAssignedToTenant
        case .assignedToEdge: .entityAssignedToEdge
        case .unassignedFromEdge: .entityUnassignedFromEdge
        case .addedComment: .commentCreated
        case .updatedComment: .commentUpdated
        case .provisionSuccess: .provisionSuccess
        case .provisionFailure: .provisionFailure
        case .rpcCall, .credentialsUpdated, .activated, .suspended, .credentialsRead, .attributesRead,
            .restAPIRuleEngineCall, .login, .logout, .lockout, .deletedComment, .smsSent:
            nil
        }
    }

    /// Whether it only looks: audited where the mask of the entity type says `RW`.
    var isReading: Bool { self == .credentialsRead || self == .attributesRead }
}
