/// Which member owns which partition, by rendezvous hashing: the owner is the member with the highest weight for the
/// partition. Every member computes the same table from the same members, and one that joins or leaves moves only the
/// partitions that become or were its own.
public struct PartitionTable: Sendable, Equatable {
    /// What is divided: the name of a queue, so that different queues do not put all first partitions on one member.
    public let name: String
    /// By partition; empty when there is no member.
    public let owners: [ClusterMember]

    /// - Parameter members: in any order; ids are unique.
    public init(name: String, partitions: Int, members: [ClusterMember]) {
        self.name = name
        let members = members.sorted { $0.id < $1.id }
        guard !members.isEmpty else {
            owners = []
            return
        }
        owners = (0..<partitions).map { Self.owner(of: $0, name: name, among: members) }
    }

    public func owner(of partition: Int) -> ClusterMember? {
        owners.isEmpty ? nil : owners[partition]
    }

    /// The partitions of the member with that id, ascending.
    public func partitions(ownedBy id: String) -> [Int] {
        owners.indices.filter { owners[$0].id == id }
    }

    private static func owner(of partition: Int, name: String, among members: [ClusterMember]) -> ClusterMember {
        var best = members[0]
        var bestWeight = weight(partition, name, best)
        for member in members.dropFirst() {
            let weight = weight(partition, name, member)
            // Members are sorted, so that a tie goes to the lower id everywhere.
            if weight > bestWeight { (best, bestWeight) = (member, weight) }
        }
        return best
    }

    private static func weight(_ partition: Int, _ name: String, _ member: ClusterMember) -> UInt64 {
        Murmur3("\(member.id)\u{0}\(name)\u{0}\(partition)").first
    }
}
