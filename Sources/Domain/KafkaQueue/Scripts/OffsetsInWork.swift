/// Which records of a group's partitions are in work, so that only what is done, and everything before it, is committed.
/// Partitions come, go and come again at other offsets: what was counted of them before does no harm.
struct OffsetsInWork {
    private struct Partition {
        var inWork: Set<Int64> = []
        /// Behind the last record that was taken.
        var end: Int64 = 0
        var committed: Int64?

        var committable: Int64 { inWork.min() ?? end }
    }

    private var partitions: [Int32: Partition] = [:]

    /// Records in work, of all partitions.
    private(set) var count = 0

    mutating func begin(_ offset: Int64, of partition: Int32) {
        guard partitions[partition, default: Partition()].inWork.insert(offset).inserted else { return }
        count += 1
        partitions[partition]?.end = offset + 1
    }

    mutating func finish(_ offset: Int64, of partition: Int32) {
        guard partitions[partition]?.inWork.remove(offset) != nil else { return }
        count -= 1
    }

    /// What may be committed now and was not taken before.
    ///
    /// - Parameters:
    ///   - assigned: the partitions that are ours. Others are forgotten once nothing of them is in work.
    ///   - again: also what was taken before: nobody says whether it was committed.
    mutating func takeCommittable(_ assigned: Set<Int32>, again: Bool = false) -> [Int32: Int64] {
        var taken: [Int32: Int64] = [:]
        for (number, partition) in partitions {
            guard assigned.contains(number) else {
                if partition.inWork.isEmpty { partitions[number] = nil }
                partitions[number]?.committed = nil
                continue
            }
            guard again || partition.committable != partition.committed else { continue }
            taken[number] = partition.committable
            partitions[number]?.committed = partition.committable
        }
        return taken
    }
}
