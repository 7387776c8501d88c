/// A service's part in the cluster. A process may have several.
public enum ServiceRole: String, Sendable, CaseIterable {
    case core = "TB_CORE"
    case ruleEngine = "TB_RULE_ENGINE"
    case transport = "TB_TRANSPORT"
    case jsExecutor = "JS_EXECUTOR"
}

/// One live process of the cluster.
public struct ClusterMember: Hashable, Sendable {
    /// The service id: unique among live members, kept over restarts where the operator sets it.
    public let id: String
    public let roles: Set<ServiceRole>
    /// The tenant profiles that a rule engine serves exclusively; empty for one that serves everybody else.
    public let assignedTenantProfiles: Set<String>

    public init(id: String, roles: Set<ServiceRole>, assignedTenantProfiles: Set<String> = []) {
        self.id = id
        self.roles = roles
        self.assignedTenantProfiles = assignedTenantProfiles
    }
}

/// Who is alive, as one member saw it at one time.
public struct MembershipView: Sendable, Equatable {
    /// Grows with every change that this process saw; views of different processes do not compare.
    public let epoch: Int
    /// By id.
    public let members: [ClusterMember]

    public init(epoch: Int, members: [ClusterMember]) {
        self.epoch = epoch
        self.members = members.sorted { $0.id < $1.id }
    }

    public func members(as role: ServiceRole) -> [ClusterMember] {
        members.filter { $0.roles.contains(role) }
    }

    /// The owners of the partitions of one queue among the members of one role.
    public func table(name: String, partitions: Int, role: ServiceRole) -> PartitionTable {
        PartitionTable(name: name, partitions: partitions, members: members(as: role))
    }
}

/// The source of membership views. Safe from any thread.
public protocol Membership: Sendable {
    /// This process.
    var local: ClusterMember { get }
    /// The newest view; contains ``local`` unless this process has lost its place.
    var view: MembershipView { get }
    /// The newest view, and every one after it; a slow reader misses views but never the newest. Ends with the task that
    /// reads it.
    func views() -> AsyncStream<MembershipView>
}
