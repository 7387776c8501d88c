import Cluster
import Testing

@Suite struct ServiceInfoTests {
    private var sample: ServiceInfo {
        var info = ServiceInfo(
            id: "tb-core-0", roles: [.core, .ruleEngine], transports: ["MQTT", "HTTP"],
            assignedTenantProfiles: ["a7ab1f20-0bd9-11ef-9f0a-1b5d5c0b9d11"], label: "blue", isReady: true,
            taskTypes: ["DUMMY"], corePartitions: 12)
        info.doubtsKafka = true
        info.system.cpuUsage = 12
        info.system.cpuCount = 2
        info.system.totalMemoryBytes = 1 << 40
        return info
    }

    @Test func survivesEncoding() throws {
        #expect(try ServiceInfo(decoding: sample.encoded()) == sample)
    }

    @Test func whoTakesWorkOfTheSameKindAndReachesKafkaCanStandIn() {
        let own = ServiceInfo(id: "a", roles: [.transport], transports: ["MQTT"])
        var other = ServiceInfo(id: "b", roles: [.transport], transports: ["MQTT"], isReady: true)
        #expect(other.canStandIn(for: own))
        #expect(!own.canStandIn(for: other))
        #expect(!other.canStandIn(for: other))
        other.doubtsKafka = true
        #expect(!other.canStandIn(for: own))
        #expect(!ServiceInfo(id: "c", roles: [.transport], transports: ["HTTP"], isReady: true).canStandIn(for: own))
        #expect(!ServiceInfo(id: "d", roles: [.core], isReady: true).canStandIn(for: own))
    }

    /// Made by the protobuf compiler: service_id "x", service_types ["TB_CORE"], ready.
    @Test func isAProtobufMessage() throws {
        let wire: [UInt8] = [0x0A, 1, 0x78, 0x12, 7] + Array("TB_CORE".utf8) + [0x38, 1]
        let info = try ServiceInfo(decoding: wire)
        #expect(info.member == ClusterMember(id: "x", roles: [.core]))
        #expect(info.isReady)
    }

    @Test func unknownFieldsAndRolesAreSkipped() throws {
        let unknown: [UInt8] =
            [0x0A, 1, 0x78, 0x12, 4] + Array("EDQS".utf8) + [0x7A, 1, 9, 0x80, 1, 5, 0x7D, 1, 2, 3, 4]
        let info = try ServiceInfo(decoding: unknown)
        #expect(info.types == ["EDQS"])
        #expect(info.member.roles == [])
    }

    @Test func everyProperPrefixIsMalformedOrNamesTheSame() throws {
        let whole = sample.encoded()
        for count in 0..<whole.count {
            guard let info = try? ServiceInfo(decoding: Array(whole.prefix(count))) else { continue }
            #expect(info.id == sample.id)
        }
        #expect(throws: MalformedServiceInfo.self) { try ServiceInfo(decoding: []) }
    }

    @Test func randomBytesAreNeverFatal() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<10_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            _ = try? ServiceInfo(decoding: bytes)
        }
    }

    @Test func dedicatedRuleEnginesServeTheirProfilesOnly() {
        let view = MembershipView(
            epoch: 1,
            members: [
                ClusterMember(id: "re-1", roles: [.ruleEngine]),
                ClusterMember(id: "re-2", roles: [.ruleEngine], assignedTenantProfiles: ["p"]),
            ])
        let shared = PartitionedQueue(name: "rule_engine.Main", partitions: 4, role: .ruleEngine)
        #expect(Set(view.table(of: shared).owners.map(\.id)) == ["re-1"])
        let isolated = PartitionedQueue(
            name: "rule_engine.Main.p", partitions: 4, role: .ruleEngine, tenantProfile: "p")
        #expect(Set(view.table(of: isolated).owners.map(\.id)) == ["re-2"])
        let orphan = PartitionedQueue(name: "rule_engine.Main.q", partitions: 4, role: .ruleEngine, tenantProfile: "q")
        #expect(Set(view.table(of: orphan).owners.map(\.id)) == ["re-1"])
    }
}
