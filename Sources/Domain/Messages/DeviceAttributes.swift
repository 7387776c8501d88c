public import Telemetry

/// An attribute with its value and time (`cluster.md` 3.1, TsKvProto).
public struct AttributeEntry: Sendable, Hashable {
    public var key: String
    public var value: TelemetryValue
    /// Milliseconds since 1970.
    public var timestamp: Int64

    public init(key: String, value: TelemetryValue, timestamp: Int64) {
        self.key = key
        self.value = value
        self.timestamp = timestamp
    }
}

/// A device's question for its attributes (`device-api.md` 2.8). Without any keys everything of both scopes is meant, with
/// keys of one scope only that scope.
public struct AttributesRequest: Sendable, Hashable {
    public var requestID: Int32
    public var clientKeys: [String]?
    public var sharedKeys: [String]?
    /// Shared attributes only, even without keys.
    public var onlyShared: Bool

    public init(requestID: Int32, clientKeys: [String]? = nil, sharedKeys: [String]? = nil, onlyShared: Bool = false) {
        self.requestID = requestID
        self.clientKeys = clientKeys
        self.sharedKeys = sharedKeys
        self.onlyShared = onlyShared
    }
}

public struct AttributesResponse: Sendable, Hashable {
    public var requestID: Int32
    public var client: [AttributeEntry]
    public var shared: [AttributeEntry]
    /// More than one key was asked for, or no particular one.
    public var isMultiple: Bool
    public var error: String?

    public init(
        requestID: Int32, client: [AttributeEntry] = [], shared: [AttributeEntry] = [], isMultiple: Bool = true,
        error: String? = nil
    ) {
        self.requestID = requestID
        self.client = client
        self.shared = shared
        self.isMultiple = isMultiple
        self.error = error
    }
}

/// A change of shared attributes that subscribers are told (`device-api.md` 7.5).
public struct AttributesUpdate: Sendable, Hashable {
    public var updated: [AttributeEntry]
    public var deleted: [String]

    public init(updated: [AttributeEntry] = [], deleted: [String] = []) {
        self.updated = updated
        self.deleted = deleted
    }
}
