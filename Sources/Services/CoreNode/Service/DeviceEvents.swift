public import JSON
public import Messages
public import Model
public import Storage
public import Telemetry

/// Something that the REST API changed and that others act on: sessions are closed or told, caches forget, the rule
/// engine gets a message.
public enum DeviceEvent: Sendable {
    /// - Parameter hasPackages: Whether the device or its profile may name packages that it is to be told of.
    case deviceCreated(Device, hasPackages: Bool = true)
    case deviceUpdated(old: Device, new: Device)
    case deviceDeleted(Device)
    case credentialsChanged(tenant: TenantID, device: DeviceID)
    case deviceProfileChanged(tenant: TenantID, profile: DeviceProfileID)
    case deviceProfileDeleted(tenant: TenantID, profile: DeviceProfileID)
    case attributesUpdated(
        tenant: TenantID, entity: EntityID, scope: AttributeScope, [(key: String, value: TelemetryValue)], time: Int64)
    case attributesDeleted(tenant: TenantID, entity: EntityID, scope: AttributeScope, keys: [String])
    /// The records are those of `arena`.
    case timeseriesUpdated(tenant: TenantID, entity: EntityID, PointArena, [TelemetryRecord])
    case timeseriesDeleted(tenant: TenantID, entity: EntityID, keys: [String])
    /// Limits of the profile's tenants are others now.
    case tenantProfileChanged(TenantProfileID, configuration: JSONValue)
    /// Chains of the tenant, or which of them is the root, are others now.
    case ruleChainChanged(tenant: TenantID, chain: RuleChainID, EntityChange)
    /// An asset, or a profile of assets, is another now.
    case assetChanged(tenant: TenantID, entity: EntityID)
    /// What is calculated for entities of the tenant.
    case calculatedFieldChanged(tenant: TenantID, field: CalculatedFieldID, EntityChange)
    /// Which queues there are, or how they are processed.
    case queueChanged(tenant: TenantID, queue: QueueID, EntityChange)
    /// Tokens are over before their time, or are signed otherwise.
    case securityChanged
}

/// Where events go. They are posted after the change is committed and before the client gets its answer, so that a
/// client that has it never meets the state before.
public protocol DeviceEvents: Sendable {
    func post(_ event: DeviceEvent) async
}

/// Nobody listens.
public struct NoDeviceEvents: DeviceEvents {
    public init() {}
    public func post(_ event: DeviceEvent) async {}
}

/// Stores telemetry that comes by REST.
public protocol TelemetryStore: Sendable {
    /// Returns when all records are committed.
    func save(
        entity: UUID128, _ records: [TelemetryRecord], of arena: PointArena, origin: SaveOrigin
    ) async throws
}
