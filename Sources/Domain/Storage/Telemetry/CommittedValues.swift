public import Model
internal import Synchronization
public import Telemetry

/// Who is to hear of a save: a rule node may leave some out (`rule-engine.md` 8.3).
public struct CommittedAudience: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let webSockets = CommittedAudience(rawValue: 1)
    public static let calculatedFields = CommittedAudience(rawValue: 2)
    public static let all: CommittedAudience = [.webSockets, .calculatedFields]
}

/// Whose values a save writes, for those who hear of it once it is committed.
public struct SaveOrigin: Sendable, Equatable {
    public var tenant: TenantID
    /// The kind of the entity; `nil` where the writer does not know it.
    public var entityType: EntityType?
    public var audience: CommittedAudience
    /// Whether attributes that have the same value already were left alone.
    public var isOnlyIfChanged = false
    /// Calculated fields that have led to this save, the first one first: none of them is to begin anew because of it.
    public var calculatedFields: [UUID128]

    public init(
        tenant: TenantID, entityType: EntityType?, audience: CommittedAudience = .all, calculatedFields: [UUID128] = []
    ) {
        self.tenant = tenant
        self.audience = audience
        self.entityType = entityType
        self.calculatedFields = calculatedFields
    }

    public init(tenant: TenantID, entity: EntityID, audience: CommittedAudience = .all) {
        self.init(tenant: tenant, entityType: entity.type, audience: audience)
    }

    /// What belongs to no tenant.
    public static let system = SaveOrigin(tenant: .system, entityType: nil)
}

/// What one save or deletion has changed of an entity. It is committed.
public struct CommittedChange: Sendable {
    public enum Content: Sendable {
        /// Points of one time, milliseconds since 1970: all points of the arena. With no streams they are not stored, only
        /// told.
        case timeseries(Int64, TelemetryStreams, PointArena)
        /// Attributes, with their time of update: all points of the arena. Also those that a save of changed ones only has
        /// left alone.
        case attributes(AttributeScope, Int64, PointArena)
        /// Points went; `latest` of some keys with them, and what is the latest value now is to be read.
        case timeseriesDeleted(keys: [String])
        case attributesDeleted(AttributeScope, keys: [String])
        /// An alarm that the entity shows, its own or one of another, was raised, changed or deleted.
        case alarm(AlarmID, isDeleted: Bool)
    }

    public var origin: SaveOrigin
    public var entity: UUID128
    public var content: Content

    public init(origin: SaveOrigin, entity: UUID128, content: Content) {
        self.origin = origin
        self.entity = entity
        self.content = content
    }
}

/// Who hears of committed values. Called on the threads that write: both methods return soon and wait for nothing.
public protocol CommittedValuesListener: AnyObject, Sendable {
    /// Whether changes of the entity are to be told. Asked once a save; nothing is copied for those whom nobody wants.
    func wants(_ entity: UUID128, _ origin: borrowing SaveOrigin) -> Bool
    /// Changes that ``wants(_:_:)`` has wanted: those of one entity in the order in which they were written, as far as one
    /// writer wrote them.
    func committed(_ changes: [CommittedChange])
}

/// Tells who listens of values that this process has written, once they are committed and before whoever saved them knows.
/// Safe from any thread. Costs a comparison a transaction while nobody listens.
public final class CommittedValues: Sendable {
    private let listeners = Mutex<[any CommittedValuesListener]>([])
    private let count = Atomic<Int>(0)

    public init() {}

    /// Whether anybody listens.
    public var isHeard: Bool { count.load(ordering: .relaxed) > 0 }

    public func add(_ listener: any CommittedValuesListener) {
        listeners.withLock {
            $0.append(listener)
            count.store($0.count, ordering: .relaxed)
        }
    }

    /// What is being told meanwhile may still arrive.
    public func remove(_ listener: any CommittedValuesListener) {
        listeners.withLock {
            $0.removeAll { $0 === listener }
            count.store($0.count, ordering: .relaxed)
        }
    }

    /// Tells what was committed by a statement or transaction.
    func tell(_ changes: [CommittedChange]) {
        guard isHeard, !changes.isEmpty else { return }
        for listener in listeners.withLock({ $0 }) {
            let wanted = changes.filter { listener.wants($0.entity, $0.origin) }
            if !wanted.isEmpty { listener.committed(wanted) }
        }
    }

    /// Tells what a writer has committed of its batches.
    ///
    /// - Parameter isStored: For each save of the batches, in order.
    func tell(_ batches: [WriteBatch], _ isStored: [Bool]) {
        guard isHeard else { return }
        for listener in listeners.withLock({ $0 }) {
            var changes: [CommittedChange] = []
            var first = 0
            for batch in batches {
                batch.changes(of: listener, isStored[first..<first + batch.tokens.count], to: &changes)
                first += batch.tokens.count
            }
            if !changes.isEmpty { listener.committed(changes) }
        }
    }
}

extension WriteBatch {
    /// Appends the stored saves that the listener wants.
    fileprivate func changes(
        of listener: any CommittedValuesListener, _ isStored: ArraySlice<Bool>, to changes: inout [CommittedChange]
    ) {
        var (telemetryRow, attributeRow) = (0, 0)
        for save in tokens.indices {
            let firstTelemetry = telemetryRow
            while telemetryRow < telemetry.count, telemetry[telemetryRow].request == save { telemetryRow += 1 }
            let firstAttribute = attributeRow
            while attributeRow < attributes.count, attributes[attributeRow].request == save { attributeRow += 1 }
            guard isStored[isStored.startIndex + save] else { continue }
            if firstTelemetry < telemetryRow {
                let row = telemetry[firstTelemetry]
                guard listener.wants(row.entity, origins[save]) else { continue }
                let points = arena(telemetry[firstTelemetry..<telemetryRow].lazy.map(\.value))
                changes.append(
                    CommittedChange(
                        origin: origins[save], entity: row.entity,
                        content: .timeseries(row.timestamp, TelemetryStreams(rawValue: row.streams), points)))
            } else if firstAttribute < attributeRow {
                let row = attributes[firstAttribute]
                guard listener.wants(row.entity, origins[save]),
                    let scope = AttributeScope(rawValue: row.scope)
                else { continue }
                let points = arena(attributes[firstAttribute..<attributeRow].lazy.map(\.value))
                changes.append(
                    CommittedChange(
                        origin: origins[save], entity: row.entity,
                        content: .attributes(scope, row.timestamp, points)))
            }
        }
    }

    private func arena(_ values: some Collection<WriteValue>) -> PointArena {
        var arena = PointArena()
        arena.points.reserveCapacity(values.count)
        bytes.withUnsafeBufferPointer { source in
            for value in values {
                let keyStart = Int(value.keyOffset)
                let key = UnsafeBufferPointer(rebasing: source[keyStart..<keyStart + Int(value.keyLength)])
                switch value.kind {
                case .boolean, .long, .double: arena.append(key: key, kind: value.kind, bits: value.bits)
                case .string, .json:
                    let start = Int(value.bits >> 32)
                    let text = UnsafeBufferPointer(rebasing: source[start..<start + Int(value.bits & 0xFFFF_FFFF)])
                    arena.append(key: key, kind: value.kind, text: text)
                }
            }
        }
        return arena
    }
}
