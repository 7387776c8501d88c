/// What a process tells the others about itself: the data of its node in ZooKeeper (`cluster.md` 3.2, 4.1).
public struct ServiceInfo: Sendable, Equatable {
    /// `TB_SERVICE_ID`.
    public var id: String
    /// By their published names; those that this release does not know are kept.
    public var types: [String]
    /// `MQTT`, `HTTP`, ...
    public var transports: [String]
    public var system: SystemInfo
    /// `TB_RULE_ENGINE_ASSIGNED_TENANT_PROFILES`.
    public var assignedTenantProfiles: [String]
    public var label: String
    public var isReady: Bool
    public var taskTypes: [String]
    /// `TB_QUEUE_CORE_PARTITIONS`, by which every process finds the owner of a device; 0: not told.
    public var corePartitions: Int
    /// Its newest attempt to reach Kafka failed.
    public var doubtsKafka = false

    public init(
        id: String, roles: Set<ServiceRole>, transports: [String] = [], system: SystemInfo = SystemInfo(),
        assignedTenantProfiles: [String] = [], label: String = "", isReady: Bool = false, taskTypes: [String] = [],
        corePartitions: Int = 0
    ) {
        self.id = id
        types = roles.map(\.rawValue).sorted()
        self.transports = transports
        self.system = system
        self.assignedTenantProfiles = assignedTenantProfiles
        self.label = label
        self.isReady = isReady
        self.taskTypes = taskTypes
        self.corePartitions = corePartitions
    }

    /// Whether this process can do now what that one does: it takes work of the same kind, and reaches Kafka.
    public func canStandIn(for other: ServiceInfo) -> Bool {
        id != other.id && isReady && !doubtsKafka && types == other.types && transports == other.transports
    }

    /// What the division of partitions needs of it.
    public var member: ClusterMember {
        ClusterMember(
            id: id, roles: Set(types.compactMap(ServiceRole.init(rawValue:))),
            assignedTenantProfiles: Set(assignedTenantProfiles))
    }
}

/// The load of a machine. Shares are in percent.
public struct SystemInfo: Sendable, Equatable {
    public var cpuUsage = 0
    public var cpuCount = 0
    public var memoryUsage = 0
    public var totalMemoryBytes = 0
    public var diskUsage = 0
    public var totalDiskBytes = 0

    public init() {}
}
