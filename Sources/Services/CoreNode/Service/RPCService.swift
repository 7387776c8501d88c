public import Configuration
public import Queue

/// How long callers wait for devices (`device-api.md` 7.1), milliseconds.
public struct RPCTimeouts: Sendable {
    /// `MIN_SERVER_SIDE_RPC_TIMEOUT`.
    public var minimum: Int64 = 5_000
    /// `DEFAULT_SERVER_SIDE_RPC_TIMEOUT`.
    public var standard: Int64 = 10_000

    public init() {}

    public init(from settings: inout SettingsReader) {
        minimum = Int64(settings.integer("MIN_SERVER_SIDE_RPC_TIMEOUT", default: 5_000, in: 0...86_400_000))
        standard = Int64(settings.integer("DEFAULT_SERVER_SIDE_RPC_TIMEOUT", default: 10_000, in: 1...86_400_000))
    }
}

/// What the endpoints for calls to devices work with.
public struct RPCService: Sendable {
    /// Of this process: where outcomes are sent.
    public var serviceID: String
    public var waiters: DeviceCallWaiters
    public var timeouts: RPCTimeouts

    public init(serviceID: String, waiters: DeviceCallWaiters, timeouts: RPCTimeouts = RPCTimeouts()) {
        self.serviceID = serviceID
        self.waiters = waiters
        self.timeouts = timeouts
    }
}
