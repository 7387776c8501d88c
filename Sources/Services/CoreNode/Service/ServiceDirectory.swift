/// A process of the cluster, and how busy its machine is (`rest-api.md` 4.19).
public struct ServiceLoad: Sendable, Equatable {
    public var serviceID: String
    /// As they are published: `TB_CORE`, `TB_TRANSPORT`, ...
    public var types: [String]
    /// Shares are in percent, totals in bytes.
    public var cpuUsage: Int64
    public var cpuCount: Int64
    public var memoryUsage: Int64
    public var totalMemory: Int64
    public var discUsage: Int64
    public var totalDiscSpace: Int64

    public init(
        serviceID: String, types: [String], cpuUsage: Int64, cpuCount: Int64, memoryUsage: Int64, totalMemory: Int64,
        discUsage: Int64, totalDiscSpace: Int64
    ) {
        self.serviceID = serviceID
        self.types = types
        self.cpuUsage = cpuUsage
        self.cpuCount = cpuCount
        self.memoryUsage = memoryUsage
        self.totalMemory = totalMemory
        self.discUsage = discUsage
        self.totalDiscSpace = totalDiscSpace
    }

    /// Who does everything is a monolith.
    var type: String { types.count == 1 ? types[0] : "MONOLITH" }
}

/// Tells of all live processes of the cluster, by service id.
public typealias ServiceDirectory = @Sendable () async -> [ServiceLoad]
