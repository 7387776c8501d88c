public import Model
public import Telemetry

/// Which tables a save of telemetry writes.
public struct TelemetryStreams: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The history of the key.
    public static let history = TelemetryStreams(rawValue: 1)
    /// The latest value of the key.
    public static let latest = TelemetryStreams(rawValue: 2)
    public static let all: TelemetryStreams = [.history, .latest]
}

/// How one save ended.
public struct SaveCompletion: Sendable {
    /// What the caller gave with the save.
    public var token: UInt32
    /// Whether the rows are committed. `false` means that the database refuses the values themselves; while it cannot be
    /// reached or has no room, a save waits.
    public var isStored: Bool

    public init(token: UInt32, isStored: Bool) {
        self.token = token
        self.isStored = isStored
    }
}

/// The way from one event loop to the storage of telemetry and attributes. Every call is made on that loop; what is saved
/// in one tick travels together.
public protocol TelemetrySink: AnyObject {
    /// Saves points of one entity at one time.
    ///
    /// - Parameters:
    ///   - timestamp: Milliseconds since 1970.
    ///   - origin: For those who hear of committed values.
    ///   - token: Given back with the completion, on the loop.
    func saveTelemetry(
        entity: UUID128, timestamp: Int64, arena: PointArena, points: Range<Int>, streams: TelemetryStreams,
        origin: SaveOrigin, token: UInt32)

    /// Saves attributes of one entity in one scope.
    ///
    /// - Parameters:
    ///   - timestamp: Becomes `last_update_ts`.
    ///   - onlyChanged: Leaves attributes alone that have the same type and value already.
    func saveAttributes(
        entity: UUID128, scope: AttributeScope, timestamp: Int64, arena: PointArena, points: Range<Int>,
        onlyChanged: Bool, origin: SaveOrigin, token: UInt32)
}

/// Told on the loop of the sink: the saves that ended since the last tick.
public typealias SaveCompletionHandler = (inout [SaveCompletion]) -> Void
