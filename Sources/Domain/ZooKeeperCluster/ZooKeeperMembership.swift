public import Cluster
public import Logging
public import Metrics
import Synchronization
import ZooKeeper

/// Why a process could not become a member.
public enum ClusterJoinError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A live process has the same id.
    case serviceIDInUse(String)
    /// A member counts the core's partitions otherwise, and would find other owners for devices.
    case otherPartitions(own: Int, member: String, count: Int)
    /// It is leaving already.
    case left

    public var description: String {
        switch self {
        case .serviceIDInUse(let id):
            "TB_SERVICE_ID is \"\(id)\", which another live process of this cluster has; every process needs its own"
        case .otherPartitions(let own, let member, let count):
            "TB_QUEUE_CORE_PARTITIONS is \(own), and \(member) of this cluster has \(count); it must be the same in every process"
        case .left: "this process is leaving the cluster"
        }
    }
}

/// Membership and ownership of partitions by ZooKeeper (`cluster.md` 4). Safe from any thread.
///
/// While ZooKeeper is out of reach the newest view holds, and partitions are given up when the session may have ended; when
/// it is back they are taken again. Connecting is tried for ever.
public final class ZooKeeperMembership: PartitionCoordinator {
    public let local: ClusterMember
    public let lease = OwnershipLease()
    private let agent: ClusterAgent
    private let board: ViewBoard
    private let running: Task<Void, Never>

    /// Starts to connect.
    ///
    /// - Parameter info: What is published of this process; its load is measured now and then.
    public init(configuration: ZooKeeperConfiguration, info: ServiceInfo, logger: Logger, metrics: MetricsRegistry) {
        local = info.member
        ZooKeeperLibrary.setLogHandler { logger.limited(.debug, "from the client library", ["text": .string($0)]) }
        let board = ViewBoard()
        self.board = board
        let agent = ClusterAgent(
            configuration: configuration, info: info, lease: lease, logger: logger, metrics: ClusterMetrics(metrics)
        ) { board.publish($0) }
        self.agent = agent
        running = Task.detached { await agent.run() }
    }

    /// Publishes this process; returns when it has seen itself among the others, or the task is cancelled. Until this is
    /// called nobody gives it anything.
    ///
    /// - Throws: ``ClusterJoinError/serviceIDInUse(_:)`` when the id is still in use after two session timeouts; the session
    ///   that a killed predecessor left behind ends before. ``ClusterJoinError/otherPartitions(own:member:count:)`` as late.
    public func join() async throws(ClusterJoinError) {
        let agent = agent
        let error = await withTaskCancellationHandler {
            await agent.join()
        } onCancel: {
            Task { await agent.failJoiners(.left) }
        }
        if let error { throw error }
    }

    public var view: MembershipView { board.view }

    public func views() -> AsyncStream<MembershipView> { board.views() }

    public func assign(_ queue: PartitionedQueue, to consumer: any PartitionConsumer) async {
        await agent.assign(queue, to: consumer)
    }

    public func unassign(_ queueName: String) async {
        await agent.unassign(queueName)
    }

    /// What every live process says of itself, with its load of the last minute; what was known of them before while
    /// ZooKeeper cannot be asked.
    public func services() async -> [ServiceInfo] {
        await agent.services()
    }

    /// Publishes whether this process takes work.
    public func setReady(_ isReady: Bool) async {
        await agent.setReady(isReady)
    }

    /// Publishes whether this process doubts that it reaches Kafka.
    public func setDoubt(_ doubtsKafka: Bool) async {
        await agent.setDoubt(doubtsKafka)
    }

    /// Whether another process can do now what this one does, and has no such doubt; no where ZooKeeper cannot be asked.
    public func hasStandIn() async -> Bool {
        await agent.hasStandIn()
    }

    /// Gives everything to the others for a while, because this process cannot do its work: `cluster.md` 13, 12.
    public func withdraw() async {
        await agent.withdraw()
    }

    /// Ends ``withdraw()``.
    public func rejoin() async {
        await agent.rejoin()
    }

    public func leave() async {
        await agent.leave()
        await running.value
    }
}

extension ZooKeeperMembership {
    /// What another connection can take this process's session over with.
    var sessionIdentity: ZooKeeperSession.Identity? {
        get async { await agent.session?.identity }
    }
}

/// Hands the newest view to whoever asks. Safe from any thread.
private final class ViewBoard: Sendable {
    private struct State {
        var view = MembershipView(epoch: 0, members: [])
        var readers: [Int: AsyncStream<MembershipView>.Continuation] = [:]
        var nextReader = 0
    }

    private let state = Mutex(State())

    var view: MembershipView { state.withLock { $0.view } }

    func publish(_ view: MembershipView) {
        state.withLock { state in
            state.view = view
            for reader in state.readers.values { reader.yield(view) }
        }
    }

    func views() -> AsyncStream<MembershipView> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: MembershipView.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            defer { state.nextReader += 1 }
            state.readers[state.nextReader] = continuation
            continuation.yield(state.view)
            return state.nextReader
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.readers.removeValue(forKey: number) }
        }
        return stream
    }
}
