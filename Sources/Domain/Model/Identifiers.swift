/// The identifier of one kind of entity: mixing two kinds up does not compile.
public protocol EntityIdentifier: Hashable, Sendable, CustomStringConvertible {
    static var entityType: EntityType { get }
    var uuid: UUID128 { get }
    init(_ uuid: UUID128)
}

extension EntityIdentifier {
    public var entityID: EntityID { EntityID(type: Self.entityType, uuid: uuid) }
    public var description: String { uuid.text }
    /// The reference platform's null id: nobody, nothing.
    public static var null: Self { Self(.null) }
    public var isNull: Bool { uuid == .null }
}

/// An entity of any kind.
public struct EntityID: Hashable, Sendable, CustomStringConvertible {
    public var type: EntityType
    public var uuid: UUID128

    @inlinable
    public init(type: EntityType, uuid: UUID128) {
        self.type = type
        self.uuid = uuid
    }

    public var description: String { "\(type.name) \(uuid)" }
}

public struct TenantID: EntityIdentifier {
    public static let entityType = EntityType.tenant
    /// The tenant that owns what belongs to the platform itself.
    public static let system = TenantID(.null)
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}

public struct TenantProfileID: EntityIdentifier {
    public static let entityType = EntityType.tenantProfile
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}

public struct CustomerID: EntityIdentifier {
    public static let entityType = EntityType.customer
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}

public struct UserID: EntityIdentifier {
    public static let entityType = EntityType.user
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}

public struct DeviceID: EntityIdentifier {
    public static let entityType = EntityType.device
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}

public struct DeviceProfileID: EntityIdentifier {
    public static let entityType = EntityType.deviceProfile
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}

public struct AssetID: EntityIdentifier {
    public static let entityType = EntityType.asset
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}

public struct EntityViewID: EntityIdentifier {
    public static let entityType = EntityType.entityView
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}

public struct AssetProfileID: EntityIdentifier {
    public static let entityType = EntityType.assetProfile
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}

public struct DashboardID: EntityIdentifier {
    public static let entityType = EntityType.dashboard
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}

public struct RuleChainID: EntityIdentifier {
    public static let entityType = EntityType.ruleChain
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}

public struct RuleNodeID: EntityIdentifier {
    public static let entityType = EntityType.ruleNode
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}

public struct OTAPackageID: EntityIdentifier {
    public static let entityType = EntityType.otaPackage
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}
