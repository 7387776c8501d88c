/// Consumes the partitions of one queue that this process owns.
///
/// The owner calls ``own(_:)`` one call after the other, and ``abandon(_:)`` at any time, from any thread. What has been
/// abandoned is consumed again only when a later call of ``own(_:)`` names it.
public protocol PartitionConsumer: AnyObject, Sendable {
    /// Consume exactly `partitions`. Returns when those that an earlier call named and this one does not are drained: their
    /// messages processed or given back, their offsets committed, nothing of them in work. Whoever waits for them takes
    /// them then.
    func own(_ partitions: Set<Int>) async

    /// Stop at once: these partitions may have another owner now. What is in work is not committed; a call of ``own(_:)``
    /// that waits for one of them no longer does.
    func abandon(_ partitions: Set<Int>)
}

/// A queue whose partitions are divided among the members of one role.
public struct PartitionedQueue: Hashable, Sendable {
    /// Unique in the cluster: `core`, `rule_engine.Main`, ... Without a slash.
    public let name: String
    public let partitions: Int
    public let role: ServiceRole
    /// The tenant profile whose isolated tenant the queue belongs to; `nil` for a shared queue.
    public let tenantProfile: String?

    public init(name: String, partitions: Int, role: ServiceRole, tenantProfile: String? = nil) {
        precondition(partitions > 0, "queue \(name) has \(partitions) partitions")
        precondition(!name.isEmpty && !name.contains("/"), "queue name \"\(name)\"")
        self.name = name
        self.partitions = partitions
        self.role = role
        self.tenantProfile = tenantProfile
    }
}

extension MembershipView {
    /// Who should own what. Members that serve some tenant profiles only take these queues alone, and nobody else does
    /// while one of them is alive (`cluster.md` 4.4).
    public func table(of queue: PartitionedQueue) -> PartitionTable {
        let members = members(as: queue.role)
        let dedicated = queue.tenantProfile.map { profile in
            members.filter { $0.assignedTenantProfiles.contains(profile) }
        }
        let candidates = dedicated.flatMap { $0.isEmpty ? nil : $0 } ?? members.filter(\.assignedTenantProfiles.isEmpty)
        return PartitionTable(name: queue.name, partitions: queue.partitions, members: candidates)
    }
}
