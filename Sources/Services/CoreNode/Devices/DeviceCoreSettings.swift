public import Configuration

/// How calls that wait are submitted to a device (`device-api.md` 7.1).
public enum RPCSubmitStrategy: String, Sendable, CaseIterable {
    case burst = "BURST"
    case sequentialOnAcknowledgement = "SEQUENTIAL_ON_ACK_FROM_DEVICE"
    case sequentialOnResponse = "SEQUENTIAL_ON_RESPONSE_FROM_DEVICE"
}

/// What operators can set of the core side of devices (`device-api.md` 11.5, `rule-engine.md` 9.2).
public struct DeviceCoreSettings: Sendable {
    /// `TB_SERVICE_ID`.
    public var serviceID: String
    /// `ACTORS_MAX_CONCURRENT_SESSION_PER_DEVICE`.
    public var maximumSessionsPerDevice = 1
    /// `TB_TRANSPORT_SESSIONS_INACTIVITY_TIMEOUT`: a session without a report for so long is closed. Milliseconds.
    public var sessionInactivityTimeout: Int64 = 600_000
    /// `ACTORS_RPC_MAX_RETRIES`.
    public var maximumRPCRetries: Int32 = 5
    /// `ACTORS_RPC_SUBMIT_STRATEGY_TYPE`.
    public var submitStrategy = RPCSubmitStrategy.burst
    /// `ACTORS_RPC_RESPONSE_TIMEOUT_MS`: of the third strategy, how long the next call waits for an answer to the last.
    public var rpcResponseTimeout: Int64 = 30_000
    /// `ACTORS_RPC_CLOSE_SESSION_ON_RPC_DELIVERY_TIMEOUT`.
    public var closesSessionOnRPCDeliveryTimeout = false
    /// `SQL_TTL_RPC_ENABLED`, `SQL_RPC_TTL_CHECKING_INTERVAL`: how often calls are deleted that tenants do not keep any
    /// longer, milliseconds; 0: never.
    public var rpcCleanupInterval: Int64 = 7_200_000
    /// `NEEDLETAIL_RPC_MAX_PENDING_PER_DEVICE`: calls that wait for one device; one more is refused.
    public var maximumPendingCalls = 1_024
    /// `DEFAULT_INACTIVITY_TIMEOUT`, here in milliseconds.
    public var inactivityTimeout: Int64 = 600_000
    /// `PERSIST_STATE_TO_TELEMETRY`: the state of devices is telemetry instead of server attributes.
    public var persistsStateToTelemetry = false
    /// `NEEDLETAIL_DEVICE_STATE_WRITE_INTERVAL_MS`: how often the last activity of a device is written.
    public var stateWriteInterval: Int64 = 3_000
    /// `TB_DEVICE_STATE_INIT_FETCH_PACK_SIZE`: devices that are read at once.
    public var fetchPackSize = 50_000
    /// `SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT`.
    public var allowsClaimingByDefault = true
    /// `SECURITY_CLAIM_DURATION`, milliseconds.
    public var claimDuration: Int64 = 86_400_000

    public init(serviceID: String) {
        self.serviceID = serviceID
    }

    public init(serviceID: String, from settings: inout SettingsReader) {
        self.serviceID = serviceID
        maximumSessionsPerDevice = settings.integer(
            "ACTORS_MAX_CONCURRENT_SESSION_PER_DEVICE", default: 1, in: 1...10_000)
        sessionInactivityTimeout = Int64(
            settings.integer("TB_TRANSPORT_SESSIONS_INACTIVITY_TIMEOUT", default: 600_000, in: 1_000...86_400_000))
        maximumRPCRetries = Int32(settings.integer("ACTORS_RPC_MAX_RETRIES", default: 5, in: 0...1_000))
        submitStrategy =
            RPCSubmitStrategy(
                rawValue: settings.choice(
                    "ACTORS_RPC_SUBMIT_STRATEGY_TYPE", default: "BURST",
                    of: RPCSubmitStrategy.allCases.map(\.rawValue))) ?? .burst
        rpcResponseTimeout = Int64(
            settings.integer("ACTORS_RPC_RESPONSE_TIMEOUT_MS", default: 30_000, in: 1...86_400_000))
        closesSessionOnRPCDeliveryTimeout = settings.boolean(
            "ACTORS_RPC_CLOSE_SESSION_ON_RPC_DELIVERY_TIMEOUT", default: false)
        let cleansUp = settings.boolean("SQL_TTL_RPC_ENABLED", default: true)
        let cleanupInterval = settings.integer(
            "SQL_RPC_TTL_CHECKING_INTERVAL", default: 7_200_000, in: 100...31_536_000_000)
        rpcCleanupInterval = cleansUp ? Int64(cleanupInterval) : 0
        maximumPendingCalls = settings.integer("NEEDLETAIL_RPC_MAX_PENDING_PER_DEVICE", default: 1_024, in: 1...100_000)
        inactivityTimeout =
            Int64(settings.integer("DEFAULT_INACTIVITY_TIMEOUT", default: 600, in: 1...31_536_000)) * 1_000
        persistsStateToTelemetry = settings.boolean("PERSIST_STATE_TO_TELEMETRY", default: false)
        stateWriteInterval = Int64(
            settings.integer("NEEDLETAIL_DEVICE_STATE_WRITE_INTERVAL_MS", default: 3_000, in: 0...3_600_000))
        fetchPackSize = settings.integer("TB_DEVICE_STATE_INIT_FETCH_PACK_SIZE", default: 50_000, in: 1...1_000_000)
        allowsClaimingByDefault = settings.boolean("SECURITY_CLAIM_ALLOW_CLAIMING_BY_DEFAULT", default: true)
        claimDuration = Int64(
            settings.integer("SECURITY_CLAIM_DURATION", default: 86_400_000, in: 1...31_536_000_000))
    }
}
