public import Model

/// The rate limits of a tenant profile that transports watch (`device-api.md` 6.3), as text: `capacity:seconds,...`; empty is
/// unlimited.
public struct TransportLimits: Sendable, Hashable {
    /// One row of the table: limits of whatever shares a set of buckets.
    public struct Level: Sendable, Hashable {
        public var messages: String
        public var telemetryMessages: String
        public var telemetryDataPoints: String

        public init(messages: String = "", telemetryMessages: String = "", telemetryDataPoints: String = "") {
            self.messages = messages
            self.telemetryMessages = telemetryMessages
            self.telemetryDataPoints = telemetryDataPoints
        }

        public var isUnlimited: Bool { self == Level() }
    }

    public var profileID: TenantProfileID
    public var tenant = Level()
    public var device = Level()
    /// All traffic of the devices behind one gateway.
    public var gateway = Level()
    /// The gateway's own messages.
    public var gatewayDevice = Level()
    /// Whether the tenant may use transports at all.
    public var isTransportEnabled = true

    public init(profileID: TenantProfileID) {
        self.profileID = profileID
    }
}
