public import Model

/// A rule engine queue as its producers and consumers need to know it (`cluster.md` 2.3, 4.4).
public struct QueueRoute: Sendable, Hashable {
    public var name: String
    /// As the queue's record has it, without prefix and tenant.
    public var topic: String
    public var partitions: Int
    /// The tenant whose own queue it is; `nil`: shared.
    public var isolatedTenant: TenantID?
    /// Whether every partition gets a copy of each message (`rule-engine.md` 5.3).
    public var duplicates: Bool

    public init(
        name: String, topic: String, partitions: Int, isolatedTenant: TenantID? = nil, duplicates: Bool = false
    ) {
        precondition(partitions > 0, "queue \(name) has \(partitions) partitions")
        self.name = name
        self.topic = topic
        self.partitions = partitions
        self.isolatedTenant = isolatedTenant
        self.duplicates = duplicates
    }

    public static let main = "Main"
}
