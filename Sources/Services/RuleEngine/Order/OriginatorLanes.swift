import Messages
import Model

/// A message at the node that is to have it next.
struct MessageStep {
    var message: RuleMessage
    var chain: RuleChain
    var node: Int
    var duty: MessageDuty
}

/// The place of a message in the order of its originator's, from its first wait to the last of what it may do in order. Its
/// copies share it: among themselves they have no order.
final class LanePlace {
    fileprivate let lane: OriginatorLane
    /// By effect: the branches of the message that may yet have it.
    fileprivate var ahead = SIMD4<UInt32>()
    /// The lists in which it stands.
    fileprivate var listed: NodeEffects = []
    /// Branches that wait for earlier messages.
    fileprivate var parked: [MessageStep] = []

    fileprivate init(lane: OriginatorLane) { self.lane = lane }

    /// Whether anything of it is still to come.
    var isLive: Bool { ahead != SIMD4() }
}

/// One of the copies of a message that has a place, or the only one.
final class LaneBranch {
    let place: LanePlace
    /// What is to be told when it ends.
    var duty: MessageDuty
    /// What it may yet do.
    fileprivate(set) var ahead: NodeEffects = []

    init(_ place: LanePlace, _ duty: MessageDuty) {
        self.place = place
        self.duty = duty
    }
}

/// The places of one originator's messages: a list for each effect, in order of arrival. The first of a list is live.
private final class OriginatorLane {
    struct List {
        var places: [LanePlace] = []
        var head = 0
        /// How many of them have nothing more to do here, though they are not the first.
        var over = 0

        var first: LanePlace? { head < places.count ? places[head] : nil }
    }

    let originator: UUID128
    var lists = [List](repeating: List(), count: NodeEffects.count)

    init(_ originator: UUID128) { self.originator = originator }

    var isEmpty: Bool { lists.allSatisfy { $0.first == nil } }

    func append(_ place: LanePlace, to number: Int) { lists[number].places.append(place) }

    /// A place has nothing more to do of an effect.
    ///
    /// - Returns: Whether another one is the first now.
    func hasEnded(_ place: LanePlace, in number: Int) -> Bool {
        guard lists[number].first === place else {
            lists[number].over += 1
            sweep(number)
            return false
        }
        while let first = lists[number].first, first.ahead[number] == 0 {
            first.listed.remove(NodeEffects(rawValue: 1 << UInt8(number)))
            if first !== place { lists[number].over -= 1 }
            lists[number].head += 1
        }
        if lists[number].head == lists[number].places.count {
            lists[number] = List()
        } else if lists[number].head >= 64, lists[number].head * 2 >= lists[number].places.count {
            lists[number].places.removeFirst(lists[number].head)
            lists[number].head = 0
        }
        return true
    }

    /// Lets go of what is over behind a first one that stays for long.
    private func sweep(_ number: Int) {
        guard lists[number].over >= 64, lists[number].over * 2 >= lists[number].places.count - lists[number].head else {
            return
        }
        var kept: [LanePlace] = []
        for place in lists[number].places[lists[number].head...] {
            if place.ahead[number] > 0 {
                kept.append(place)
            } else {
                place.listed.remove(NodeEffects(rawValue: 1 << UInt8(number)))
            }
        }
        lists[number] = List(places: kept)
    }
}

/// Keeps the messages of each originator in order where one of them waits. Owned by the shard's loop.
///
/// A message that waits at a node takes a place, with what it may yet do. A later one of the same originator goes on until
/// a node that would do the same, and is parked there until nothing before it may. Messages wait for earlier ones only, so
/// somebody always goes on. Bounded by what the queue has in work; empty where nobody waits.
final class OriginatorLanes {
    private var lanes: [UUID128: OriginatorLane] = [:]
    /// Messages that wait for earlier ones.
    private(set) var parkedCount = 0
    private(set) var isEmpty = true

    /// Whether a message with this place, or without, is to wait before it has these effects.
    func mustWait(_ place: LanePlace?, _ originator: UUID128, _ effects: NodeEffects) -> Bool {
        guard !effects.isEmpty, let lane = place?.lane ?? lanes[originator] else { return false }
        return Self.mustWait(place, lane, effects)
    }

    private static func mustWait(_ place: LanePlace?, _ lane: OriginatorLane, _ effects: NodeEffects) -> Bool {
        var waits = false
        effects.forEach { number in
            if let first = lane.lists[number].first, first !== place { waits = true }
        }
        return waits
    }

    /// A place behind all that there are.
    func makePlace(of originator: UUID128) -> LanePlace {
        if let lane = lanes[originator] { return LanePlace(lane: lane) }
        let lane = OriginatorLane(originator)
        lanes[originator] = lane
        isEmpty = false
        return LanePlace(lane: lane)
    }

    /// Says what a branch may yet do; what may go on because of that is added to `released`.
    func set(_ branch: LaneBranch, ahead: NodeEffects, released: inout [MessageStep]) {
        let (place, lane, before) = (branch.place, branch.place.lane, branch.ahead)
        branch.ahead = ahead
        ahead.subtracting(before).forEach { number in
            place.ahead[number] += 1
            let effect = NodeEffects(rawValue: 1 << UInt8(number))
            guard place.ahead[number] == 1 else { return }
            if place.listed.insert(effect).inserted {
                lane.append(place, to: number)
            } else {
                lane.lists[number].over -= 1
            }
        }
        var next: [LanePlace] = []
        before.subtracting(ahead).forEach { number in
            place.ahead[number] -= 1
            if place.ahead[number] == 0, lane.hasEnded(place, in: number), let first = lane.lists[number].first {
                next.append(first)
            }
        }
        for place in next { release(from: place, &released) }
        if !place.isLive, lane.isEmpty, lanes[lane.originator] === lane {
            lanes[lane.originator] = nil
            isEmpty = lanes.isEmpty
        }
    }

    /// Keeps a branch until nothing before it may do what its node does.
    func park(_ step: MessageStep, _ branch: LaneBranch) {
        branch.place.parked.append(step)
        parkedCount += 1
        if let attempt = step.duty.attempt { attempt.queue.pause(attempt) }
    }

    private func release(from place: LanePlace, _ released: inout [MessageStep]) {
        guard !place.parked.isEmpty else { return }
        var kept: [MessageStep] = []
        for step in place.parked {
            if Self.mustWait(place, place.lane, step.chain.nodes[step.node].order.begins) {
                kept.append(step)
            } else {
                parkedCount -= 1
                if let attempt = step.duty.attempt { attempt.queue.goOn(attempt) }
                released.append(step)
            }
        }
        place.parked = kept
    }
}
