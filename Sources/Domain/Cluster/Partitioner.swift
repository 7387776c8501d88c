public import Model

/// Divides entities into a fixed number of partitions (`cluster.md` 4.3). All services of a cluster must agree on the
/// number and on the function: an entity's messages stay in order only within its partition.
public struct Partitioner: Sendable, Hashable {
    public let count: Int

    /// - Parameter count: at least 1.
    public init(count: Int) {
        precondition(count > 0 && count <= Int(Int32.max), "\(count) partitions")
        self.count = count
    }

    /// The remainder is taken first, with the sign of the hash, and its sign dropped then.
    public func partition(of uuid: UUID128) -> Int {
        abs(Int(Murmur3(uuid).hash32) % count)
    }

    public func partition(of entity: EntityID) -> Int {
        partition(of: entity.uuid)
    }

    /// The partition of a key that is no entity.
    public func partition(ofKey key: String) -> Int {
        abs(Int(Murmur3(key).hash32) % count)
    }
}
