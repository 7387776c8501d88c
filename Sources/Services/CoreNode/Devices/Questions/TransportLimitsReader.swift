internal import JSON
internal import Messages
internal import Model
internal import Storage

extension TransportLimits {
    /// The limits in a tenant profile's `profileData.configuration` (`device-api.md` 6.3).
    init(profile: TenantProfileID, configuration: JSONValue) {
        self.init(profileID: profile)
        func level(_ name: String) -> Level {
            func text(_ suffix: String) -> String {
                configuration["transport\(name)\(suffix)RateLimit"]?.stringValue ?? ""
            }
            return Level(
                messages: text("Msg"), telemetryMessages: text("TelemetryMsg"),
                telemetryDataPoints: text("TelemetryDataPoints"))
        }
        tenant = level("Tenant")
        device = level("Device")
        gateway = level("Gateway")
        gatewayDevice = level("GatewayDevice")
    }
}
