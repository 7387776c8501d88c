public import Model
public import Telemetry

/// Which entities the WebSocket clients of a core node look at. Told to every core node and rule engine, so that they send
/// what they commit of those, and nothing else.
public struct WatchedEntities: Sendable, Equatable {
    /// The core node.
    public var serviceID: String
    /// Whether `added` are all there are.
    public var isWhole: Bool
    public var added: [UUID128]
    public var removed: [UUID128]
    /// Whether the sender wants to be told the same of the receiver.
    public var isQuestion: Bool

    public init(
        serviceID: String, isWhole: Bool = false, added: [UUID128] = [], removed: [UUID128] = [],
        isQuestion: Bool = false
    ) {
        self.serviceID = serviceID
        self.isWhole = isWhole
        self.added = added
        self.removed = removed
        self.isQuestion = isQuestion
    }
}

/// Something that was committed of an entity that clients of another core node look at.
public struct WatchedChange: Sendable {
    public enum Content: Sendable {
        /// Points of one time: all of the arena; streams as the storage numbers them.
        case timeseries(Int64, streams: UInt8, PointArena)
        case attributes(AttributeScope, Int64, PointArena, isOnlyIfChanged: Bool)
        case timeseriesDeleted([String])
        case attributesDeleted(AttributeScope, [String])
        case alarm(AlarmID, isDeleted: Bool)
    }

    public var tenant: TenantID
    public var entity: UUID128
    public var content: Content

    public init(tenant: TenantID, entity: UUID128, content: Content) {
        self.tenant = tenant
        self.entity = entity
        self.content = content
    }
}
