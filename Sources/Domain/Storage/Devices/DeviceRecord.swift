public import Model

/// What the owner of a device knows of it: who it is, where its messages go, and how it is connected.
public struct DeviceRecord: Sendable {
    public var tenantID: TenantID
    public var deviceID: DeviceID
    /// Milliseconds since 1970.
    public var createdTime: Int64
    public var name: String
    public var type: String
    public var label: String?
    /// ``CustomerID/null`` when the device is not assigned.
    public var customerID: CustomerID
    /// Of the profile; `nil` stands for the tenant's root chain.
    public var ruleChainID: RuleChainID?
    /// Of the profile; `nil` stands for `Main`.
    public var queueName: String?
    public var connectivity: DeviceConnectivity

    public init(
        tenantID: TenantID, deviceID: DeviceID, createdTime: Int64, name: String, type: String, label: String? = nil,
        customerID: CustomerID = .null, ruleChainID: RuleChainID? = nil, queueName: String? = nil,
        connectivity: DeviceConnectivity = DeviceConnectivity()
    ) {
        self.tenantID = tenantID
        self.deviceID = deviceID
        self.createdTime = createdTime
        self.name = name
        self.type = type
        self.label = label
        self.customerID = customerID
        self.ruleChainID = ruleChainID
        self.queueName = queueName
        self.connectivity = connectivity
    }
}

/// The stored values of `rule-engine.md` 9.1. Times are milliseconds since 1970, 0 where nothing is stored.
public struct DeviceConnectivity: Sendable, Equatable {
    public var isActive = false
    public var lastConnectTime: Int64 = 0
    public var lastDisconnectTime: Int64 = 0
    public var lastActivityTime: Int64 = 0
    public var inactivityAlarmTime: Int64 = 0
    /// In milliseconds; `nil` stands for the platform's default.
    public var inactivityTimeout: Int64?

    /// What counts as a time, or as a span of it, sums of two fit: whoever may write attributes may write any number.
    public static let times: ClosedRange<Int64> = 0...8_640_000_000_000_000

    public init() {}

    /// The nearest time.
    public static func time(_ number: Int64) -> Int64 { min(max(number, times.lowerBound), times.upperBound) }
}
