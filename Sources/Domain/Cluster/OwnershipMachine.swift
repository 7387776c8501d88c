/// Decides, for one process and one queue, when to take the lock of a partition, when to consume it and when to let go.
///
/// It does no I/O and knows no time. Locks belong to a session; an answer that names another session than the present one is
/// late and ignored. Per partition:
///
///     idle ──► acquiring ──► held ──► owned ──► draining ──► releasing ──► idle
///                 ▲  │                  │           │
///                 │  ▼                  └── lease lapses: abandon, back to held
///               waiting  (another has the lock)
///
/// The end of a session leads from everywhere to idle, and abandons what was owned or draining.
public struct OwnershipMachine: Sendable {
    public enum Phase: Sendable, Equatable {
        /// Neither locked nor wanted, or there is no session.
        case idle
        /// The lock is asked for.
        case acquiring
        /// Another session has the lock; its end is watched for.
        case waiting
        /// Locked but not consumed: the lease is not valid.
        case held
        /// Locked and consumed.
        case owned
        /// Locked; the consumer finishes what it has begun.
        case draining
        /// The lock is being given back.
        case releasing
    }

    public enum Input: Sendable, Equatable {
        /// What this process should own, by the newest view. Not wanting anything is how it leaves.
        case desired(Set<Int>)
        case sessionBegan(Int)
        case sessionEnded
        case leaseConfirmed
        case leaseLapsed
        case lockGranted(Int, session: Int)
        case lockTaken(Int, session: Int)
        case lockFreed(Int, session: Int)
        case lockReleased(Int, session: Int)
        case drained(Int)
        /// The consumer took too long.
        case drainExpired(Int)
    }

    public enum Action: Sendable, Hashable {
        case acquire(Int)
        case release(Int)
        /// Start to consume.
        case own(Int)
        /// Stop to consume; ``Input/drained(_:)`` answers.
        case drain(Int)
        /// Stop to consume at once; nothing answers.
        case abandon(Int)
    }

    public private(set) var phases: [Phase]
    private var desired: Set<Int> = []
    private var session: Int?
    private var isLeased = false

    public init(partitions: Int) {
        phases = [Phase](repeating: .idle, count: partitions)
    }

    /// What is consumed or may still be.
    public var active: Set<Int> {
        Set(phases.indices.filter { phases[$0] == .owned || phases[$0] == .draining })
    }

    /// What the consumer is to consume.
    public var owned: Set<Int> { Set(phases.indices.filter { phases[$0] == .owned }) }

    /// Whether nothing is locked or on the way to be.
    public var isQuiet: Bool { phases.allSatisfy { $0 == .idle || $0 == .waiting } }

    public mutating func handle(_ input: Input) -> [Action] {
        var actions: [Action] = []
        switch input {
        case .desired(let partitions):
            desired = partitions
            for partition in phases.indices { settle(partition, &actions) }
        case .sessionBegan(let number):
            if session != nil { end(&actions) }
            session = number
            for partition in phases.indices { settle(partition, &actions) }
        case .sessionEnded:
            end(&actions)
        case .leaseConfirmed:
            guard session != nil, !isLeased else { break }
            isLeased = true
            for partition in phases.indices { settle(partition, &actions) }
        case .leaseLapsed:
            isLeased = false
            for partition in phases.indices { lapse(partition, &actions) }
        case .lockGranted(let partition, let number):
            guard number == session, phases[partition] == .acquiring else { break }
            phases[partition] = .held
            settle(partition, &actions)
        case .lockTaken(let partition, let number):
            guard number == session, phases[partition] == .acquiring else { break }
            phases[partition] = .waiting
            settle(partition, &actions)
        case .lockFreed(let partition, let number):
            guard number == session, phases[partition] == .waiting else { break }
            phases[partition] = .idle
            settle(partition, &actions)
        case .lockReleased(let partition, let number):
            guard number == session, phases[partition] == .releasing else { break }
            phases[partition] = .idle
            settle(partition, &actions)
        case .drained(let partition):
            guard phases[partition] == .draining else { break }
            phases[partition] = .held
            settle(partition, &actions)
        case .drainExpired(let partition):
            guard phases[partition] == .draining else { break }
            actions.append(.abandon(partition))
            phases[partition] = .held
            settle(partition, &actions)
        }
        return actions
    }

    /// Takes the step that the partition's phase allows towards what is desired.
    private mutating func settle(_ partition: Int, _ actions: inout [Action]) {
        guard session != nil else { return }
        let isDesired = desired.contains(partition)
        switch phases[partition] {
        case .idle where isDesired:
            phases[partition] = .acquiring
            actions.append(.acquire(partition))
        case .waiting where !isDesired:
            phases[partition] = .idle
        case .held where isDesired && isLeased:
            phases[partition] = .owned
            actions.append(.own(partition))
        case .held where !isDesired:
            phases[partition] = .releasing
            actions.append(.release(partition))
        case .owned where !isDesired:
            phases[partition] = .draining
            actions.append(.drain(partition))
        default:
            // Answers are on the way, or everything is as it should be.
            break
        }
    }

    /// The lock may still be ours, but acting on it is not safe.
    private mutating func lapse(_ partition: Int, _ actions: inout [Action]) {
        guard phases[partition] == .owned || phases[partition] == .draining else { return }
        actions.append(.abandon(partition))
        phases[partition] = .held
        settle(partition, &actions)
    }

    private mutating func end(_ actions: inout [Action]) {
        session = nil
        isLeased = false
        for partition in phases.indices {
            if phases[partition] == .owned || phases[partition] == .draining { actions.append(.abandon(partition)) }
            phases[partition] = .idle
        }
    }
}
