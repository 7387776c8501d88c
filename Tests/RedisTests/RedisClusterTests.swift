import TestSupport
import Testing

@testable import Redis

@Suite struct RedisSlotsTests {
    /// From the cluster specification.
    @Test func keysFallIntoTheKnownSlots() {
        #expect(RedisSlots.checksum(Array("123456789".utf8)[...]) == 0x31C3)
        #expect(RedisSlots.slot(of: Array("foo".utf8)) == 12_182)
        #expect(RedisSlots.slot(of: Array("{user1000}.following".utf8)) == RedisSlots.slot(of: Array("user1000".utf8)))
        #expect(
            RedisSlots.slot(of: Array("foo{}{bar}".utf8)) == Int(RedisSlots.checksum(Array("foo{}{bar}".utf8)[...]))
                % 16_384)
        #expect(RedisSlots.slot(of: Array("foo{{bar}}zap".utf8)) == RedisSlots.slot(of: Array("{bar".utf8)))
    }

    @Test func redirectionsNameSlotAndNode() {
        let asked = RedisAddress(host: "a", port: 1)
        let moved = RedisSlots.redirection("MOVED 3999 127.0.0.1:6381", asked: asked)
        #expect(moved?.slot == 3999)
        #expect(moved?.address == RedisAddress(host: "127.0.0.1", port: 6381))
        #expect(moved?.isAsk == false)
        #expect(RedisSlots.redirection("ASK 1 :7", asked: asked)?.address == RedisAddress(host: "a", port: 7))
        for words in ["MOVED", "MOVED x y", "MOVED 16384 a:1", "ERR no", "ASK 1 a:b"] {
            #expect(RedisSlots.redirection(words, asked: asked) == nil)
        }
    }

    @Test func answersThatAreNoSlotMapAreRefused() {
        let asked = RedisAddress(host: "a", port: 1)
        let wrong: [RedisValue] = [
            .null, .array([.integer(1)]),
            .array([.array([.integer(5), .integer(4), .array([.bytes([]), .integer(1)])])]),
            .array([.array([.integer(0), .integer(16_384), .array([.bytes([]), .integer(1)])])]),
        ]
        for value in wrong { #expect(RedisSlots(value, asked: asked) == nil) }
        let right = RedisSlots(
            .array([.array([.integer(0), .integer(10), .array([.bytes(Array("b".utf8)), .integer(2)])])]), asked: asked)
        #expect(right?.address(of: 10) == RedisAddress(host: "b", port: 2))
        #expect(right?.address(of: 11) == nil)
    }

    @Test func addressesAreParsed() {
        #expect(RedisAddress("h:1") == RedisAddress(host: "h", port: 1))
        #expect(RedisAddress("h") == RedisAddress(host: "h", port: 6379))
        #expect(RedisAddress("[::1]:7") == RedisAddress(host: "::1", port: 7))
        #expect(RedisAddress("[::1]") == RedisAddress(host: "::1", port: 6379))
        for wrong in ["", ":1", "h:0", "h:x", "h:65536"] { #expect(RedisAddress(wrong) == nil) }
    }
}

@Suite(.enabled(if: TestRedis.isAvailable, "Redis is not installed"), .serialized)
struct RedisTopologyTests {
    @Test func aClusterIsFoundFromOneNode() async throws {
        let nodes = (0..<3).map { _ in TestRedis(["--cluster-enabled", "yes", "--cluster-node-timeout", "60000"]) }
        for node in nodes { try await makeClient(node.port).ready() }
        run(
            "/usr/bin/redis-cli",
            ["--cluster", "create"] + nodes.map { "127.0.0.1:\($0.port)" } + [
                "--cluster-replicas", "0", "--cluster-yes",
            ])
        let configuration = RedisConfiguration(
            topology: .cluster([RedisAddress(host: "127.0.0.1", port: nodes[0].port)]))
        let client = try RedisClient(configuration)
        // Each node finds out for itself that all slots have owners.
        for node in nodes {
            try await eventually("the cluster") {
                let text = try? await makeClient(node.port).send(RedisCommand("CLUSTER", "INFO")).text
                return text?.contains("cluster_state:ok") == true
            }
        }
        try await eventually("a value") { (try? await client.set("ready", "1")) != nil }
        for number in 0..<300 { try await client.set("key-\(number)", "\(number)") }
        for number in 0..<300 {
            let value = try await client.get("key-\(number)")
            #expect(value == "\(number)")
        }
        var counts: [Int64] = []
        for node in nodes {
            let size = try await makeClient(node.port).send(RedisCommand("DBSIZE")).integerValue
            counts.append(size ?? 0)
        }
        #expect(counts.reduce(0, +) == 301)
        #expect(counts.allSatisfy { $0 > 50 })

        // A slot moves while the client believes in the old owner.
        let slot = RedisSlots.slot(of: Array("key-1".utf8))
        let source = try #require(try await owner(of: slot, nodes))
        let target = try #require(nodes.first { $0.port != source.port })
        run(
            "/usr/bin/redis-cli",
            [
                "--cluster", "reshard", "127.0.0.1:\(source.port)", "--cluster-from", try await id(source),
                "--cluster-to",
            ]
                + [try await id(target), "--cluster-slots", "16384", "--cluster-yes"])
        for number in 0..<300 {
            let value = try await client.get("key-\(number)")
            #expect(value == "\(number)")
        }
        for node in nodes { node.kill() }
        #expect(await client.failure(RedisCommand("GET", key: Array("key-1".utf8))) != nil)
    }

    private func owner(of slot: Int, _ nodes: [TestRedis]) async throws -> TestRedis? {
        let reply = try await makeClient(nodes[0].port).send(RedisCommand("CLUSTER", "SLOTS"))
        let slots = RedisSlots(reply, asked: RedisAddress(host: "127.0.0.1", port: nodes[0].port))
        return nodes.first { $0.port == slots?.address(of: slot)?.port }
    }

    private func id(_ node: TestRedis) async throws -> String {
        try await makeClient(node.port).send(RedisCommand("CLUSTER", "MYID")).text ?? ""
    }

    @Test func sentinelsNameTheMaster() async throws {
        let master = TestRedis()
        try await makeClient(master.port).ready()
        let replica = TestRedis(["--replicaof", "127.0.0.1 \(master.port)"])
        try await makeClient(replica.port).ready()
        let sentinel = TestRedis(
            sentinel: """
                sentinel monitor main 127.0.0.1 \(master.port) 1
                sentinel down-after-milliseconds main 2000
                sentinel failover-timeout main 2000

                """)
        let nobody = RedisAddress(host: "127.0.0.1", port: FreePort.next())
        let client = try RedisClient(
            RedisConfiguration(
                topology: .sentinel(master: "main", [nobody, RedisAddress(host: "127.0.0.1", port: sentinel.port)])))
        try await client.ready()
        try await client.set("before", "1")
        try await eventually("the replica to follow, and the sentinel to know it") {
            let value = try? await makeClient(replica.port).get("before")
            let known = try? await makeClient(sentinel.port).send(RedisCommand("SENTINEL", "replicas", "main"))
            return value == "1" && known?.arrayValue?.count == 1
        }
        master.kill()
        try await eventually("the replica to be master") { (try? await client.set("after", "2")) != nil }
        let value = try await makeClient(replica.port).get("after")
        #expect(value == "2")
        sentinel.kill()
        replica.kill()

        let unknown = try RedisClient(RedisConfiguration(topology: .sentinel(master: "other", [nobody])))
        guard case .unavailable = await unknown.failure(RedisCommand("PING")) else {
            Issue.record("reached")
            return
        }
    }
}
