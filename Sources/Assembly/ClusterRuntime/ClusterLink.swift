import Cluster
import KafkaQueue
import Logging
import Metrics
import ServiceHealth
import ServiceRuntime
import Synchronization
import ZooKeeperCluster

/// What ties a process to the cluster: its clients of Kafka, and its place among the members.
final class ClusterLink {
    let hub: KafkaHub
    let membership: any PartitionCoordinator
    /// Whether this process may act as owner of what it was given.
    let isOwner: @Sendable () -> Bool
    private let zookeeper: ZooKeeperMembership?
    private let kafkaPatience: Duration
    private let ownsPartitions: Bool
    private var watch: KafkaWatch?
    private let logger: Logger
    private let isJoined = JoinedFlag()

    /// Connects to nothing yet but ZooKeeper.
    init(
        runtime: ServiceRuntime, settings: ClusterSettings, roles: Set<ServiceRole>, transports: [String] = []
    ) throws {
        logger = runtime.logger
        kafkaPatience = settings.kafkaPatience
        ownsPartitions = !roles.isDisjoint(with: [.core, .ruleEngine])
        hub = try KafkaHub(
            settings: settings.kafka, serviceID: settings.runtime.serviceID, logger: logger.labelled("kafka"),
            metrics: runtime.metrics)
        let info = ServiceInfo(
            id: settings.runtime.serviceID, roles: roles, transports: transports,
            assignedTenantProfiles: roles.contains(.ruleEngine) ? settings.assignedTenantProfiles : [])
        if settings.zookeeper.isEnabled {
            let made = ZooKeeperMembership(
                configuration: settings.zookeeper, info: info, logger: logger.labelled("zookeeper"),
                metrics: runtime.metrics)
            zookeeper = made
            membership = made
        } else {
            zookeeper = nil
            membership = StaticMembership(local: info.member)
        }
        let lease = membership.lease
        isOwner = { lease.isValid }
        let isJoined = isJoined
        runtime.health.add(HealthCheck("cluster") { isJoined.value })
    }

    /// Returns when this process is a member and knows the others.
    ///
    /// - Throws: when another live process has its service id.
    func join() async throws {
        try await zookeeper?.join()
        isJoined.set(true)
        guard let zookeeper, ownsPartitions else { return }
        let probe = try KafkaProbe(hub: hub, topic: hub.settings.topics.core)
        watch = KafkaWatch(probe: probe, membership: zookeeper, patience: kafkaPatience)
    }

    /// Tells the others that this process takes work.
    func setReady() async {
        await zookeeper?.setReady(true)
    }

    /// Drains what is owned, and leaves.
    func leave() async {
        isJoined.set(false)
        watch?.stop()
        await membership.leave()
    }
}

private final class JoinedFlag: Sendable {
    private let flag = Atomic<Bool>(false)
    var value: Bool { flag.load(ordering: .relaxed) }
    func set(_ value: Bool) { flag.store(value, ordering: .relaxed) }
}
