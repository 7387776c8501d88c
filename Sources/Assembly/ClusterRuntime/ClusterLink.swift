import Cluster
import CoreNode
import KafkaQueue
import Logging
import Metrics
import ProcessRuntime
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
    private let info: ServiceInfo
    private let (kafkaPatience, cutPatience): (Duration, Duration)
    private let ownsPartitions: Bool
    private var watch: KafkaWatch?
    private let logger: Logger
    private let isJoined = SharedFlag(false)
    /// Whether this process has not left its work to others.
    private let reachesKafka = SharedFlag(true)

    /// The clients of Kafka of a process.
    static func hub(_ runtime: ServiceRuntime, _ settings: ClusterSettings) throws -> KafkaHub {
        try KafkaHub(
            settings: settings.kafka, serviceID: settings.runtime.serviceID, logger: runtime.logger.labelled("kafka"),
            metrics: runtime.metrics)
    }

    /// Connects to nothing yet but ZooKeeper, where it publishes the process.
    init(
        runtime: ServiceRuntime, settings: ClusterSettings, roles: Set<ServiceRole>, transports: [String] = [],
        hub: KafkaHub? = nil
    ) throws {
        logger = runtime.logger
        (kafkaPatience, cutPatience) = (settings.kafkaPatience, settings.kafkaCutPatience)
        ownsPartitions = !roles.isDisjoint(with: [.core, .ruleEngine])
        self.hub = try hub ?? Self.hub(runtime, settings)
        let info = ServiceInfo(
            id: settings.runtime.serviceID, roles: roles, transports: transports,
            assignedTenantProfiles: roles.contains(.ruleEngine) ? settings.assignedTenantProfiles : [],
            corePartitions: settings.kafka.corePartitions)
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
        self.info = info
        let lease = membership.lease
        isOwner = { lease.isValid }
        let isJoined = isJoined
        runtime.health.add(HealthCheck("cluster") { isJoined.value })
        let reachesKafka = reachesKafka
        runtime.health.add(HealthCheck("kafka") { reachesKafka.value })
    }

    /// Returns when this process is a member and knows the others.
    ///
    /// - Throws: when another live process has its service id.
    func join() async throws {
        try await zookeeper?.join()
        isJoined.set(true)
        watch = try watchKafka()
    }

    /// Owners stay where nobody else reaches Kafka: they have more to do than that, and their partitions are of no use to others.
    /// A transport takes nothing then that it could acknowledge, and says so.
    private func watchKafka() throws -> KafkaWatch? {
        if ownsPartitions, zookeeper == nil { return nil }
        let (zookeeper, reachesKafka, ownsPartitions) = (zookeeper, reachesKafka, ownsPartitions)
        return KafkaWatch(
            probe: try KafkaProbe(hub: hub, topic: hub.settings.topics.core),
            judge: ReachabilityJudge(
                patience: cutPatience, longest: ownsPartitions ? nil : kafkaPatience, at: .now()),
            reactions: KafkaWatch.Reactions(
                tell: { await zookeeper?.setDoubt($0) },
                hasStandIn: { await zookeeper?.hasStandIn() ?? false },
                withdraw: {
                    // A balancer has others.
                    reachesKafka.set(false)
                    if ownsPartitions { await zookeeper?.withdraw() }
                },
                rejoin: {
                    if ownsPartitions { await zookeeper?.rejoin() }
                    reachesKafka.set(true)
                }))
    }

    /// The live processes of the cluster.
    var directory: ServiceDirectory {
        let (zookeeper, info) = (zookeeper, info)
        return { (await zookeeper?.services() ?? [info]).map(ServiceLoad.init) }
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

extension ServiceLoad {
    fileprivate init(_ info: ServiceInfo) {
        let system = info.system
        self.init(
            serviceID: info.id, types: info.types, cpuUsage: Int64(system.cpuUsage), cpuCount: Int64(system.cpuCount),
            memoryUsage: Int64(system.memoryUsage), totalMemory: Int64(system.totalMemoryBytes),
            discUsage: Int64(system.diskUsage), totalDiscSpace: Int64(system.totalDiskBytes))
    }
}

private final class SharedFlag: Sendable {
    private let flag: Atomic<Bool>

    init(_ value: Bool) { flag = Atomic(value) }

    var value: Bool { flag.load(ordering: .relaxed) }
    func set(_ value: Bool) { flag.store(value, ordering: .relaxed) }
}
