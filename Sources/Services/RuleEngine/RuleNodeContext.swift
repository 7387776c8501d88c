public import Logging
public import Messages
public import Model
public import Reactor
public import Storage

/// What a node may use of its shard. Owned by the shard's loop.
public final class RuleNodeContext {
    /// Names a suspended message until it is resumed, once.
    public struct Suspension: Sendable, Hashable {
        let slot: UInt32
    }

    public let loop: EventLoop
    /// Where telemetry and attributes are saved. Completions of saves with a suspension as token resume the message along
    /// `Success`, or `Failure` when the values are refused.
    public let telemetry: any TelemetrySink
    public let rpc: any DeviceRPCSender
    public let logger: Logger
    /// The shard that owns the context; set once, right after it was made.
    unowned var shard: RuleEngineShard!

    init(loop: EventLoop, telemetry: any TelemetrySink, rpc: any DeviceRPCSender, logger: Logger) {
        self.loop = loop
        self.telemetry = telemetry
        self.rpc = rpc
        self.logger = logger
    }

    /// Keeps the message that is being processed until it is resumed. The node returns ``NodeOutcome/suspended`` then.
    public func suspend(_ message: RuleMessage) -> Suspension {
        Suspension(slot: shard.suspend(message))
    }

    /// Makes a suspended message wait for `completions` saves with its token instead of one.
    public func expect(_ completions: Int, for suspension: Suspension) {
        shard.expect(completions, slot: suspension.slot)
    }

    /// Sends a new message on from the current node, in place of one that is done already, once `body` has its data and
    /// label.
    public func answer(
        _ message: RuleMessage, _ body: @escaping @Sendable () async -> (data: String, label: RelationLabel)
    ) {
        shard.answer(message, body)
    }
}

extension RuleNodeContext.Suspension {
    /// Its form as the token of a save.
    public var token: UInt32 { slot }
}

/// Why a call to a device did not succeed (`cluster.md` 3.1, RPC error).
public enum DeviceRPCError: String, Error, Sendable {
    case notFound = "NOT_FOUND"
    case forbidden = "FORBIDDEN"
    case noActiveConnection = "NO_ACTIVE_CONNECTION"
    case timeout = "TIMEOUT"
    case `internal` = "INTERNAL"
}

/// A call from the server to a device.
public struct DeviceRPCRequest: Sendable {
    public var tenantID: TenantID
    public var deviceID: DeviceID
    public var method: String
    /// JSON text.
    public var params: String
    public var isOneWay: Bool
    /// Milliseconds since 1970.
    public var expirationTime: Int64

    public init(
        tenantID: TenantID, deviceID: DeviceID, method: String, params: String, isOneWay: Bool, expirationTime: Int64
    ) {
        self.tenantID = tenantID
        self.deviceID = deviceID
        self.method = method
        self.params = params
        self.isOneWay = isOneWay
        self.expirationTime = expirationTime
    }
}

/// The way to a device's session for calls from the server.
public protocol DeviceRPCSender: Sendable {
    /// Returns the device's answer as text, empty for a one-way call.
    func call(_ request: DeviceRPCRequest) async throws(DeviceRPCError) -> String
}

/// The sender of a platform whose device connections take no calls: every call ends as that of a device without a
/// subscription to them does.
public struct NoDeviceRPC: DeviceRPCSender {
    public init() {}

    public func call(_ request: DeviceRPCRequest) async throws(DeviceRPCError) -> String {
        throw .noActiveConnection
    }
}
