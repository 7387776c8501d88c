import JSON
import Messages
import Model
import Queue
import Reactor
import Storage
import Telemetry
import Testing

@testable import RuleEngine

/// How messages find their way through chains (`rule-engine.md` 1.5, 2.8, 5.6, 5.9).
@Suite struct RoutingTests {
    private func withHarness(
        _ definitions: [RuleChainDefinition], _ body: (ShardHarness) async throws -> Void
    ) async throws {
        let harness = try await ShardHarness(definitions)
        defer { harness.stop() }
        try await body(harness)
    }

    @Test func telemetryIsSavedAndAcknowledged() async throws {
        try await withHarness([try ChainBuilder.standard().definition()]) { harness in
            let device = UUID128.random()
            let outcome = try await harness.send(
                "POST_TELEMETRY_REQUEST", data: "{\"t\":21.5,\"on\":true}", metadata: ["ts": "1234"], originator: device
            )
            #expect(outcome == .acknowledged)
            #expect(
                harness.sink.saved == [
                    .init(entity: device, timestamp: 1234, values: ["t": .double(21.5), "on": .boolean(true)])
                ])
        }
    }

    @Test func severalTimesInOneMessageAreSavedEach() async throws {
        try await withHarness([try ChainBuilder.standard().definition()]) { harness in
            let data = "[{\"ts\":1,\"values\":{\"a\":1}},{\"ts\":2,\"values\":{\"a\":2}}]"
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: data)
            #expect(harness.sink.saved.map(\.timestamp) == [1, 2])
        }
    }

    @Test func attributesGoToTheirScope() async throws {
        try await withHarness([try ChainBuilder.standard().definition()]) { harness in
            try await harness.expect(.acknowledged, "POST_ATTRIBUTES_REQUEST", data: "{\"fw\":\"1\"}")
            #expect(harness.sink.saved.map(\.scope) == [.client])
            let shared = try await harness.send(
                "POST_ATTRIBUTES_REQUEST", data: "{\"x\":1}", metadata: ["scope": "SHARED_SCOPE"])
            #expect(shared == .acknowledged)
            #expect(harness.sink.saved.map(\.scope) == [.client, .shared])
            let unknown = try await harness.send(
                "POST_ATTRIBUTES_REQUEST", data: "{\"x\":1}", metadata: ["scope": "NO_SCOPE"])
            #expect(unknown == .failed)
        }
    }

    @Test(arguments: ["CONNECT_EVENT", "MY_TYPE", "ENTITY_CREATED"])
    func anUnconnectedLabelAcknowledges(_ type: String) async throws {
        try await withHarness([try ChainBuilder.standard().definition()]) { harness in
            try await harness.expect(.acknowledged, type)
        }
    }

    @Test func anUnconnectedFailureFailsTheMessage() async throws {
        try await withHarness([try ChainBuilder.standard().definition()]) { harness in
            for data in ["{}", "not json", "{\"a\":null}", "42", "{\"refused\":1}"] {
                try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: data)
            }
        }
    }

    @Test func aConnectedFailureGoesOn() async throws {
        var chain = ChainBuilder.standard()
        chain.nodes.append(("second", ChainBuilder.attributes, "{\"scope\":\"SERVER_SCOPE\"}"))
        chain.connections.append(("save", "failure", "second"))
        try await withHarness([try chain.definition()]) { harness in
            // The second node refuses the type, and its own Failure is not connected.
            try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: "{}")
        }
        chain.nodes[chain.nodes.count - 1].type = ChainBuilder.typeSwitch
        chain.nodes[chain.nodes.count - 1].configuration = "{\"version\":0}"
        try await withHarness([try chain.definition()]) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{}")
        }
    }

    @Test func severalTargetsRunEachAndTheMessageWaitsForAll() async throws {
        var chain = ChainBuilder.standard()
        chain.nodes.append(("again", ChainBuilder.timeseries, ChainBuilder.saveConfiguration))
        chain.connections.append(("switch", "post TELEMETRY", "again"))
        try await withHarness([try chain.definition()]) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
            #expect(harness.sink.saved.count == 2)
            // A failed branch does not fail the message.
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"refused\":1}")
        }
    }

    @Test func aMessageFollowsItsOwnChain() async throws {
        var other = ChainBuilder.standard()
        other.isRoot = false
        var root = ChainBuilder()
        root.first = "switch"
        root.nodes = [("switch", ChainBuilder.typeSwitch, "{\"version\":0}")]
        try await withHarness([try root.definition(), try other.definition()]) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
            #expect(harness.sink.saved.isEmpty)
            let own = try await harness.send("POST_TELEMETRY_REQUEST", data: "{\"a\":1}", chain: other.id)
            #expect(own == .acknowledged)
            #expect(harness.sink.saved.count == 1)
        }
    }

    @Test func aDeletedChainAcknowledgesAndAMissingRootFails() async throws {
        try await withHarness([try ChainBuilder.standard().definition()]) { harness in
            let deleted = try await harness.send("POST_TELEMETRY_REQUEST", chain: RuleChainID(.random()))
            #expect(deleted == .acknowledged)
        }
        try await withHarness([]) { harness in
            try await harness.expect(.failed, "POST_TELEMETRY_REQUEST")
        }
    }

    @Test func aChainWithoutFirstNodeAcknowledges() async throws {
        var chain = ChainBuilder.standard()
        chain.first = nil
        try await withHarness([try chain.definition()]) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST")
        }
    }

    @Test func aChainThatLeadsBackIntoItselfEnds() async throws {
        var chain = ChainBuilder.standard()
        chain.nodes.append(("second", ChainBuilder.typeSwitch, "{\"version\":0}"))
        chain.connections += [("switch", "Other", "second"), ("second", "Other", "switch")]
        try await withHarness([try chain.definition()]) { harness in
            try await harness.expect(.failed, "CUSTOM")
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
        }
    }

    @Test func anUnknownNodeTypeFailsItsMessagesOnly() async throws {
        var chain = ChainBuilder.standard()
        chain.nodes.append(("strange", "org.example.StrangeNode", "{}"))
        chain.connections.append(("switch", "Other", "strange"))
        try await withHarness([try chain.definition()]) { harness in
            try await harness.expect(.failed, "CUSTOM")
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
        }
    }

    @Test(arguments: [
        "{\"defaultTTL\":0,\"surprise\":1}", "{\"useServerTs\":\"yes\"}", "[]",
        "{\"processingSettings\":{\"type\":\"SOMETIMES\"}}",
        "{\"processingSettings\":{\"type\":\"DEDUPLICATE\",\"deduplicationIntervalSecs\":0}}",
    ])
    func aBadConfigurationFailsItsMessages(_ configuration: String) async throws {
        var chain = ChainBuilder.standard()
        chain.nodes[1].configuration = configuration
        try await withHarness([try chain.definition()]) { harness in
            try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
        }
    }

    @Test func aNodeThatCannotStartFailsItsMessagesAlsoWhereFailureIsConnected() async throws {
        var chain = ChainBuilder.standard()
        chain.nodes[1].configuration = "{\"surprise\":1}"
        chain.nodes.append(("second", ChainBuilder.timeseries, ChainBuilder.saveConfiguration))
        chain.connections.append(("save", "Failure", "second"))
        try await withHarness([try chain.definition()]) { harness in
            try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
            #expect(harness.sink.saved.isEmpty)
        }
    }

    @Test func deduplicationSavesTheFirstOfAnInterval() async throws {
        var chain = ChainBuilder.standard()
        chain.nodes[1].configuration =
            "{\"processingSettings\":{\"type\":\"DEDUPLICATE\",\"deduplicationIntervalSecs\":10}}"
        try await withHarness([try chain.definition()]) { harness in
            let device = UUID128.random()
            for ts in ["10000", "12000", "20000", "19999"] {
                let outcome = try await harness.send(
                    "POST_TELEMETRY_REQUEST", data: "{\"a\":1}", metadata: ["ts": ts], originator: device)
                #expect(outcome == .acknowledged)
            }
            #expect(harness.sink.saved.map(\.timestamp) == [10_000, 20_000])
        }
    }

    @Test func messagesWaitWhileChainsCannotBeRead() async throws {
        let harness = try await ShardHarness([try ChainBuilder.standard().definition()])
        defer { harness.stop() }
        harness.chains.failNext(2)
        async let first = harness.send("POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
        async let second = harness.send("POST_TELEMETRY_REQUEST", data: "{\"a\":2}")
        #expect(try await first == .acknowledged)
        #expect(try await second == .acknowledged)
        #expect(harness.sink.saved.count == 2)
    }

    @Test func aReloadTakesTheNewChain() async throws {
        let harness = try await ShardHarness([try ChainBuilder.standard().definition()])
        defer { harness.stop() }
        try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
        harness.chains.set([])
        let service = harness.service
        harness.loop.execute { service.shard?.reload(ShardHarness.tenant) }
        // The reload is a question to the source; its answer comes behind the messages that are under way.
        var outcome = DeliveryOutcome.acknowledged
        for _ in 0..<10_000 where outcome == .acknowledged {
            outcome = try await harness.send("POST_TELEMETRY_REQUEST")
        }
        #expect(outcome == .failed)
    }

    @Test func aCallToADeviceWithoutConnectionEndsAlongFailure() async throws {
        var chain = ChainBuilder.standard()
        chain.nodes.append(("answer", ChainBuilder.timeseries, ChainBuilder.saveConfiguration))
        chain.connections.append(("rpc", "Failure", "answer"))
        try await withHarness([try chain.definition()]) { harness in
            let call = try await harness.send(
                "RPC_CALL_FROM_SERVER_TO_DEVICE", data: "{\"method\":\"m\",\"params\":\"{}\"}")
            #expect(call == .acknowledged)
            try await harness.expect(.failed, "RPC_CALL_FROM_SERVER_TO_DEVICE", data: "{\"params\":1}")
        }
    }

    /// Chains are made by people: no number in them ends the process that runs everybody's.
    @Test(arguments: [Int.max, Int.min])
    func aTimeToLiveMayBeAnyNumber(_ seconds: Int) async throws {
        var chain = ChainBuilder.standard()
        chain.nodes.removeAll { $0.name == "save" }
        chain.nodes.append(
            (
                "save", ChainBuilder.timeseries,
                "{\"defaultTTL\":\(seconds),\"processingSettings\":{\"type\":\"ON_EVERY_MESSAGE\"}}"
            ))
        try await withHarness([try chain.definition()]) { harness in
            let values = (0..<100).map { "\"k\($0)\":1" }.joined(separator: ",")
            for _ in 0..<1_000 {
                try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\(values)}")
            }
        }
    }

    @Test(arguments: [Int.max, Int.min, -1])
    func aTimeoutThatIsNoNumberOfSecondsIsRefused(_ seconds: Int) async throws {
        var chain = ChainBuilder.standard()
        chain.nodes.removeAll { $0.name == "rpc" }
        chain.nodes.append(("rpc", ChainBuilder.rpc, "{\"timeoutInSeconds\":\(seconds)}"))
        try await withHarness([try chain.definition()]) { harness in
            try await harness.expect(
                .failed, "RPC_CALL_FROM_SERVER_TO_DEVICE", data: "{\"method\":\"m\",\"params\":\"{}\"}")
        }
    }
}

@Suite struct MessageTypeTests {
    @Test(arguments: KnownMessageType.allCases)
    func namesRoundTrip(_ type: KnownMessageType) {
        #expect(MessageType(type.name) == .known(type))
    }

    @Test func anythingElseIsCustomAndLeavesThroughOther() {
        #expect(MessageType("MY_TYPE") == .custom("MY_TYPE"))
        #expect(MessageType("MY_TYPE").label == "Other")
        #expect(MessageType("post_telemetry_request") == .custom("post_telemetry_request"))
    }
}

@Suite struct RegistryTests {
    /// What editors offer is what this build runs, in its current form.
    @Test func everyNodeIsDescribedAndEveryDescribedNodeRuns() {
        let offered = Dictionary(
            uniqueKeysWithValues: RuleNodeDescriptor.all.map { ($0.type, $0.configurationVersion) })
        let running = Dictionary(
            uniqueKeysWithValues: RuleNodeRegistry.types.map { ($0.type, $0.configurationVersion) })
        #expect(offered == running)
    }
}
