import Cluster
import Model
import Testing

@Suite struct Murmur3Tests {
    @Test func knownWordsOfAnASCIIText() {
        let hash = Murmur3("hello")
        #expect(hash.first == 0xCBD8_A7B3_41BD_9B02)
        #expect(hash.second == 0x5B1E_906A_48AE_1D19)
    }

    @Test func theEmptyTextHashesToZero() {
        #expect(Murmur3("").first == 0)
        #expect(Murmur3("").second == 0)
    }

    @Test func uuidIsHashedAsTwoLittleEndianWords() {
        let uuid = UUID128(high: 0x784F_394C_42B6_435A, low: 0x983C_B7BE_FF27_84F9)
        let bytes = [uuid.high, uuid.low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
        }
        #expect(Murmur3(uuid) == Murmur3(bytes))
    }

    @Test func everyLengthAroundABlockHasItsOwnHash() {
        let hashes = (0...48).map { Murmur3([UInt8](repeating: 0, count: $0)) }
        #expect(Set(hashes).count == hashes.count)
    }
}

/// `cluster.md` 4.3, test vectors.
struct PartitionSample: Sendable {
    var uuid: String
    var hash: Int32
    var of10: Int
    var of6: Int
    var of12: Int

    static let all = [
        PartitionSample(uuid: "13814000-1dd2-11b2-8080-808080808080", hash: 753_439_043, of10: 3, of6: 5, of12: 11),
        PartitionSample(uuid: "00000000-0000-0000-0000-000000000000", hash: 2_108_233_942, of10: 2, of6: 4, of12: 10),
        PartitionSample(uuid: "784f394c-42b6-435a-983c-b7beff2784f9", hash: -1_365_553_268, of10: 8, of6: 2, of12: 8),
        PartitionSample(uuid: "a7ab1f20-0bd9-11ef-9f0a-1b5d5c0b9d11", hash: 1_432_915_121, of10: 1, of6: 5, of12: 5),
        PartitionSample(uuid: "f1f1f1f1-0000-1000-8000-000000000001", hash: 341_267_984, of10: 4, of6: 2, of12: 8),
    ]
}

@Suite struct PartitionerTests {
    @Test(arguments: PartitionSample.all)
    func entitiesFallIntoTheKnownPartitions(_ sample: PartitionSample) throws {
        let uuid = try #require(UUID128(sample.uuid))
        #expect(Murmur3(uuid).hash32 == sample.hash)
        #expect(Partitioner(count: 10).partition(of: uuid) == sample.of10)
        #expect(Partitioner(count: 6).partition(of: EntityID(type: .device, uuid: uuid)) == sample.of6)
        #expect(Partitioner(count: 12).partition(of: uuid) == sample.of12)
    }

    @Test func partitionsAreUsedEvenly() {
        var counts = [Int](repeating: 0, count: 10)
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<10_000 { counts[Partitioner(count: 10).partition(of: .random(using: &generator))] += 1 }
        // The standard deviation of each count is 30.
        #expect(counts.allSatisfy { (800...1200).contains($0) }, "\(counts)")
    }

    @Test func noPartitionsStopTheProcess() async {
        await #expect(processExitsWith: .failure) { _ = Partitioner(count: 0) }
    }
}

@Suite struct PartitionTableTests {
    private func members(_ ids: String...) -> [ClusterMember] {
        ids.map { ClusterMember(id: $0, roles: [.ruleEngine]) }
    }

    @Test func everyMemberComputesTheSameTable() {
        let one = PartitionTable(name: "Main", partitions: 12, members: members("a", "b", "c"))
        let other = PartitionTable(name: "Main", partitions: 12, members: members("c", "a", "b"))
        #expect(one == other)
    }

    @Test func aNewMemberTakesPartitionsAndMovesNoOther() {
        let before = PartitionTable(name: "Main", partitions: 300, members: members("a", "b", "c"))
        let after = PartitionTable(name: "Main", partitions: 300, members: members("a", "b", "c", "d"))
        var moved = 0
        for partition in 0..<300 where before.owner(of: partition) != after.owner(of: partition) {
            #expect(after.owner(of: partition)?.id == "d")
            moved += 1
        }
        #expect((45...105).contains(moved), "\(moved) of 300 moved; a quarter is 75")
    }

    @Test func aLeavingMemberMovesOnlyItsOwn() {
        let before = PartitionTable(name: "Main", partitions: 120, members: members("a", "b", "c"))
        let after = PartitionTable(name: "Main", partitions: 120, members: members("a", "c"))
        for partition in 0..<120 where before.owner(of: partition)?.id != "b" {
            #expect(before.owner(of: partition) == after.owner(of: partition))
        }
    }

    @Test func ownedPartitionsCoverTheQueueOnce() {
        let table = PartitionTable(name: "Main", partitions: 30, members: members("a", "b", "c"))
        let owned = ["a", "b", "c"].flatMap { table.partitions(ownedBy: $0) }
        #expect(owned.sorted() == Array(0..<30))
    }

    @Test func queuesAreSpreadDifferently() {
        let main = PartitionTable(name: "Main", partitions: 30, members: members("a", "b", "c"))
        let other = PartitionTable(name: "HighPriority", partitions: 30, members: members("a", "b", "c"))
        #expect(main.owners != other.owners)
    }

    @Test func nobodyOwnsAnythingWithoutMembers() {
        let table = PartitionTable(name: "Main", partitions: 3, members: [])
        #expect(table.owner(of: 2) == nil)
        #expect(table.partitions(ownedBy: "a").isEmpty)
    }
}

@Suite struct StaticMembershipTests {
    @Test func theOnlyMemberOwnsEveryPartition() {
        let membership = StaticMembership(id: "alone")
        for role in ServiceRole.allCases {
            let table = membership.view.table(name: "Main", partitions: 10, role: role)
            #expect(table.partitions(ownedBy: "alone") == Array(0..<10))
        }
    }

    @Test func theFirstViewArrivesAtOnce() async {
        var views = StaticMembership(id: "alone").views().makeAsyncIterator()
        let view = await views.next()
        #expect(view?.members.map(\.id) == ["alone"])
    }

    @Test func rolesAreTakenApart() {
        let view = MembershipView(
            epoch: 1,
            members: [
                ClusterMember(id: "b", roles: [.core, .ruleEngine]), ClusterMember(id: "a", roles: [.transport]),
            ])
        #expect(view.members(as: .core).map(\.id) == ["b"])
        #expect(view.members.map(\.id) == ["a", "b"])
    }
}
