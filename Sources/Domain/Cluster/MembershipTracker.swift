/// Who counts as a member: everybody who is there, and for the recalculation delay who has just gone (`cluster.md` 4.2).
///
/// A service that restarts within the delay under the id it had moves no partition. A service that is new counts at once, and
/// ends every delay.
public struct MembershipTracker: Sendable {
    /// `ZOOKEEPER_RECALCULATE_DELAY_MS`.
    public let delay: Duration
    /// Those who count.
    public private(set) var members: [String: ClusterMember] = [:]
    private var present: [String: ClusterMember] = [:]
    /// When those who count were missed first.
    private var departures: [String: BootTime] = [:]

    public init(delay: Duration) {
        self.delay = delay
    }

    /// When ``advance(to:)`` changes something unless somebody returns.
    public var nextChange: BootTime? { departures.values.min().map { $0 + delay } }

    /// Takes what was seen. Returns whether ``members`` changed.
    public mutating func observe(_ seen: [ClusterMember], at now: BootTime) -> Bool {
        present = Dictionary(seen.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let isNewOrOther = present.contains { members[$0.key] != $0.value }
        guard delay > .zero, !isNewOrOther else { return recalculate() }
        for id in members.keys where present[id] == nil && departures[id] == nil { departures[id] = now }
        for id in present.keys { departures[id] = nil }
        return advance(to: now)
    }

    /// Forgets who has been gone for the delay, and then everybody who is gone. Returns whether ``members`` changed.
    public mutating func advance(to now: BootTime) -> Bool {
        guard let change = nextChange, change <= now else { return false }
        return recalculate()
    }

    private mutating func recalculate() -> Bool {
        departures = [:]
        guard members != present else { return false }
        members = present
        return true
    }
}
