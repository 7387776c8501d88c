extension RateLimit {
    /// What messages call the limit that a member of a tenant profile's configuration sets (`rest-api.md` 2.14).
    static func title(of member: String) -> String { titles[member] ?? member }

    private static let titles = [
        "transportTenantMsgRateLimit": "Transport tenant messages",
        "transportTenantTelemetryMsgRateLimit": "Transport tenant telemetry messages",
        "transportTenantTelemetryDataPointsRateLimit": "Transport tenant telemetry data points",
        "transportDeviceMsgRateLimit": "Transport device messages",
        "transportDeviceTelemetryMsgRateLimit": "Transport device telemetry messages",
        "transportDeviceTelemetryDataPointsRateLimit": "Transport device telemetry data points",
        "transportGatewayMsgRateLimit": "Transport gateway messages",
        "transportGatewayTelemetryMsgRateLimit": "Transport gateway telemetry messages",
        "transportGatewayTelemetryDataPointsRateLimit": "Transport gateway telemetry data points",
        "transportGatewayDeviceMsgRateLimit": "Transport gateway device messages",
        "transportGatewayDeviceTelemetryMsgRateLimit": "Transport gateway device telemetry messages",
        "transportGatewayDeviceTelemetryDataPointsRateLimit": "Transport gateway device telemetry data points",
        "tenantEntityExportRateLimit": "Entity version creation",
        "tenantEntityImportRateLimit": "Entity version load",
        "tenantNotificationRequestsRateLimit": "Notification requests",
        "tenantNotificationRequestsPerRuleRateLimit": "Notification requests per notification rule",
        "tenantServerRestLimitsConfiguration": "REST requests for tenant",
        "customerServerRestLimitsConfiguration": "REST requests for customer",
        "wsUpdatesPerSessionRateLimit": "WS updates per session",
        "edgeEventRateLimits": "Edge events",
        "edgeEventRateLimitsPerEdge": "Edge events per edge",
        "edgeUplinkMessagesRateLimits": "Edge uplink messages",
        "edgeUplinkMessagesRateLimitsPerEdge": "Edge uplink messages per edge",
    ]
}
