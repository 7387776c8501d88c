public import Messages
public import Model

/// A call to a device that is kept until it has an end (`device-api.md` 7.4).
public struct PersistentRPC: Sendable {
    public var id: UUID128
    /// Milliseconds since 1970.
    public var createdTime: Int64
    public var tenantID: TenantID
    public var deviceID: DeviceID
    public var expirationTime: Int64
    /// What was asked for, and the number under which the device knows it.
    public var request: RawJSON
    /// JSON.
    public var response: RawJSON?
    public var status: RPCStatus
    public var additionalInfo: RawJSON?

    public init(
        id: UUID128, createdTime: Int64, tenantID: TenantID, deviceID: DeviceID, expirationTime: Int64,
        request: RawJSON,
        response: RawJSON? = nil, status: RPCStatus = .queued, additionalInfo: RawJSON? = nil
    ) {
        self.id = id
        self.createdTime = createdTime
        self.tenantID = tenantID
        self.deviceID = deviceID
        self.expirationTime = expirationTime
        self.request = request
        self.response = response
        self.status = status
        self.additionalInfo = additionalInfo
    }
}
