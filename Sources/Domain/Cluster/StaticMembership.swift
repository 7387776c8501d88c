import Synchronization

/// The membership of a process that is alone: it owns every partition, for good.
public final class StaticMembership: PartitionCoordinator {
    public let local: ClusterMember
    public let view: MembershipView
    public let lease = OwnershipLease.unlimited
    private let shares = Mutex<[String: Share]>([:])

    private struct Share {
        let consumer: any PartitionConsumer
        /// Tells the consumer that everything is its own.
        let start: Task<Void, Never>

        func end() async {
            await start.value
            await consumer.own([])
        }
    }

    public init(local: ClusterMember) {
        self.local = local
        view = MembershipView(epoch: 1, members: [local])
    }

    public convenience init(id: String) {
        self.init(local: ClusterMember(id: id, roles: Set(ServiceRole.allCases)))
    }

    public func views() -> AsyncStream<MembershipView> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: MembershipView.self, bufferingPolicy: .bufferingNewest(1))
        continuation.yield(view)
        return stream
    }

    public func assign(_ queue: PartitionedQueue, to consumer: any PartitionConsumer) async {
        let start = Task { await consumer.own(Set(0..<queue.partitions)) }
        let previous = shares.withLock { $0.updateValue(Share(consumer: consumer, start: start), forKey: queue.name) }
        precondition(previous == nil, "queue \(queue.name) is assigned twice")
    }

    public func unassign(_ queueName: String) async {
        let share = shares.withLock { $0.removeValue(forKey: queueName) }
        await share?.end()
    }

    public func leave() async {
        let all = shares.withLock { shares in
            defer { shares = [:] }
            return Array(shares.values)
        }
        for share in all { await share.end() }
    }
}
