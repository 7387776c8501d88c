public struct AlarmID: EntityIdentifier {
    public static let entityType = EntityType.alarm
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}

public struct QueueID: EntityIdentifier {
    public static let entityType = EntityType.queue
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}

public struct ResourceID: EntityIdentifier {
    public static let entityType = EntityType.tbResource
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}

public struct WidgetsBundleID: EntityIdentifier {
    public static let entityType = EntityType.widgetsBundle
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}

public struct WidgetTypeID: EntityIdentifier {
    public static let entityType = EntityType.widgetType
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}

public struct CalculatedFieldID: EntityIdentifier {
    public static let entityType = EntityType.calculatedField
    public let uuid: UUID128
    @inlinable public init(_ uuid: UUID128) { self.uuid = uuid }
}
