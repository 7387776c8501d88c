import Cluster
import ZooKeeper

/// What the agent reacts to, one after the other. `generation` counts the attempts at a session; what names another than the
/// present one is late.
enum ClusterEvent: Sendable {
    case tick
    case opened(generation: Int, Result<ZooKeeperSession, ZooKeeperError>)
    case zooKeeper(generation: Int, ZooKeeperEvent)
    case heartbeat(generation: Int, sentAt: BootTime, succeeded: Bool)
    /// Another session holds this service id.
    case idTaken(generation: Int)
    /// A member is configured otherwise; this process is not published.
    case refused(generation: Int, ClusterJoinError)
    case published(generation: Int, Result<String, ZooKeeperError>)
    /// The children of the nodes' folder, and the data of those not known before.
    case nodes(generation: Int, Result<NodeListing, ZooKeeperError>)
    case lock(generation: Int, queue: String, partition: Int, LockOutcome)
    case released(generation: Int, queue: String, partition: Int)
    /// A call of the consumer's `own` with these partitions has returned.
    case consumed(queue: String, Set<Int>)
    case closed
}

/// How a request for a lock ended.
enum LockOutcome: Sendable {
    case granted
    /// Another session has it; a watch is set.
    case taken
    /// The session is over.
    case sessionEnded
}

struct NodeListing: Sendable {
    var names: [String]
    /// `nil` for a node whose data nobody can read.
    var added: [String: ServiceInfo?]
}
