internal import JSON

/// What the limits of a tenant profile are where nobody has set them (`rest-api.md` 3.1): clients that show or change a
/// profile find every member. 0 and null are no limit.
enum TenantProfileDefaults {
    /// - Parameter data: As stored; what is there stays as it is.
    static func completed(_ data: JSONValue) -> JSONValue {
        guard case .object(var object) = data else { return data }
        var configuration = object["configuration"]?.objectValue ?? ["type": "DEFAULT"]
        for name in numbers where configuration[name] == nil { configuration[name] = 0 }
        for name in texts where configuration[name] == nil { configuration[name] = .null }
        for (name, value) in others where configuration[name] == nil { configuration[name] = value }
        object["configuration"] = .object(configuration)
        if object["queueConfiguration"] == nil { object["queueConfiguration"] = .null }
        return .object(object)
    }

    private static let numbers = [
        "maxDevices", "maxAssets", "maxCustomers", "maxUsers", "maxDashboards", "maxRuleChains", "maxEdges",
        "maxResourcesInBytes", "maxOtaPackagesInBytes", "maxResourceSize", "maxTransportMessages",
        "maxTransportDataPoints", "maxREExecutions", "maxJSExecutions", "maxTbelExecutions", "maxDPStorageDays",
        "maxRuleNodeExecutionsPerMessage", "maxDebugModeDurationMinutes", "maxEmails", "maxSms", "maxCreatedAlarms",
        "maxWsSessionsPerTenant", "maxWsSessionsPerCustomer", "maxWsSessionsPerRegularUser",
        "maxWsSessionsPerPublicUser", "wsMsgQueueLimitPerSession", "maxWsSubscriptionsPerTenant",
        "maxWsSubscriptionsPerCustomer", "maxWsSubscriptionsPerRegularUser", "maxWsSubscriptionsPerPublicUser",
        "defaultStorageTtlDays", "alarmsTtlDays", "rpcTtlDays", "queueStatsTtlDays", "ruleEngineExceptionsTtlDays",
    ]

    private static let texts = [
        "transportTenantMsgRateLimit", "transportTenantTelemetryMsgRateLimit",
        "transportTenantTelemetryDataPointsRateLimit", "transportDeviceMsgRateLimit",
        "transportDeviceTelemetryMsgRateLimit", "transportDeviceTelemetryDataPointsRateLimit",
        "transportGatewayMsgRateLimit", "transportGatewayTelemetryMsgRateLimit",
        "transportGatewayTelemetryDataPointsRateLimit", "transportGatewayDeviceMsgRateLimit",
        "transportGatewayDeviceTelemetryMsgRateLimit", "transportGatewayDeviceTelemetryDataPointsRateLimit",
        "tenantEntityExportRateLimit", "tenantEntityImportRateLimit", "tenantNotificationRequestsRateLimit",
        "tenantNotificationRequestsPerRuleRateLimit", "smsEnabled", "tenantServerRestLimitsConfiguration",
        "customerServerRestLimitsConfiguration", "wsUpdatesPerSessionRateLimit",
        "cassandraQueryTenantRateLimitsConfiguration", "edgeEventRateLimits", "edgeEventRateLimitsPerEdge",
        "edgeUplinkMessagesRateLimits", "edgeUplinkMessagesRateLimitsPerEdge",
    ]

    private static let others: [(String, JSONValue)] = [
        ("warnThreshold", 0), ("maxCalculatedFieldsPerEntity", 5), ("maxArgumentsPerCF", 10),
        ("maxDataPointsPerRollingArg", 1000), ("maxStateSizeInKBytes", 32), ("maxSingleValueArgumentSizeInKBytes", 2),
    ]
}
