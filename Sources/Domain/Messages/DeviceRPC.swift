public import Model

/// A call from the platform to a device (`cluster.md` 3.4, ToDeviceRpcRequestMsg; `device-api.md` 7).
public struct ToDeviceRPCRequest: Sendable, Hashable {
    /// The device's own number of the call; the owner of the device gives it, whoever asks leaves 0.
    public var requestID: Int32
    public var method: String
    /// JSON text.
    public var params: String
    /// Milliseconds since 1970.
    public var expirationTime: Int64
    public var rpcID: UUID128
    public var isOneWay: Bool
    public var isPersisted: Bool
    /// At most that many deliveries are tried again; `nil` stands for the platform's maximum.
    public var retries: Int32?
    /// JSON text.
    public var additionalInfo: String?

    public init(
        requestID: Int32 = 0, method: String, params: String, expirationTime: Int64, rpcID: UUID128, isOneWay: Bool,
        isPersisted: Bool = false, retries: Int32? = nil, additionalInfo: String? = nil
    ) {
        self.requestID = requestID
        self.method = method
        self.params = params
        self.expirationTime = expirationTime
        self.rpcID = rpcID
        self.isOneWay = isOneWay
        self.isPersisted = isPersisted
        self.retries = retries
        self.additionalInfo = additionalInfo
    }
}

/// A device's answer. An empty `error` on the wire is `nil` here; without an error there is a payload, maybe an empty one.
public struct ToDeviceRPCResponse: Sendable, Hashable {
    public var requestID: Int32
    public var payload: String?
    public var error: String?

    public init(requestID: Int32, payload: String?, error: String? = nil) {
        self.requestID = requestID
        self.payload = payload
        self.error = error
    }
}

/// The states of a call (`device-api.md` 7.4). The raw values stand in column `rpc.status` and on the wire.
public enum RPCStatus: String, Sendable, CaseIterable {
    case queued = "QUEUED"
    case sent = "SENT"
    case delivered = "DELIVERED"
    case successful = "SUCCESSFUL"
    case timeout = "TIMEOUT"
    case expired = "EXPIRED"
    case failed = "FAILED"
    case deleted = "DELETED"

    /// The type of the message that the rule engine gets when a persistent call enters the state.
    public var messageType: KnownMessageType {
        switch self {
        case .queued: .rpcQueued
        case .sent: .rpcSent
        case .delivered: .rpcDelivered
        case .successful: .rpcSuccessful
        case .timeout: .rpcTimeout
        case .expired: .rpcExpired
        case .failed: .rpcFailed
        case .deleted: .rpcDeleted
        }
    }
}

/// Why a call has no answer (`cluster.md` 5.4, RpcErrorProto; none is -1 on the wire).
public enum RPCError: Int32, Error, Sendable {
    case notFound = 0
    case forbidden = 1
    case noActiveConnection = 2
    case timeout = 3
    case `internal` = 4

    /// The name in metadata of rule nodes.
    public var name: String {
        switch self {
        case .notFound: "NOT_FOUND"
        case .forbidden: "FORBIDDEN"
        case .noActiveConnection: "NO_ACTIVE_CONNECTION"
        case .timeout: "TIMEOUT"
        case .internal: "INTERNAL"
        }
    }
}

/// A call from a device to the platform, answered by a rule chain (`device-api.md` 1.6).
public struct ToServerRPCRequest: Sendable, Hashable {
    public var requestID: Int32
    public var method: String
    /// JSON text.
    public var params: String

    public init(requestID: Int32, method: String, params: String) {
        self.requestID = requestID
        self.method = method
        self.params = params
    }
}

public struct ToServerRPCResponse: Sendable, Hashable {
    public var requestID: Int32
    public var payload: String?
    public var error: String?

    public init(requestID: Int32, payload: String?, error: String? = nil) {
        self.requestID = requestID
        self.payload = payload
        self.error = error
    }
}
