import JSON
import Messages
import Model
import Queue
import Reactor
import Storage
import Testing

@testable import RuleEngine

/// What is noted of nodes and chains (`rule-engine.md` 5.10, 10.10).
@Suite struct RuleEventTests {
    private static let later = RuleNodeDebugSettings(allUntil: Int64.max)

    private func withHarness(
        _ chain: ChainBuilder, settings: RuleEventSettings = RuleEventSettings(),
        _ body: (ShardHarness) async throws -> Void
    ) async throws {
        let harness = try await ShardHarness([try chain.definition()], eventSettings: settings)
        defer { harness.stop() }
        try await body(harness)
    }

    private func messages(_ harness: ShardHarness) -> [NewEvent.NodeMessage] {
        harness.events.all.compactMap { event in
            if case .ruleNodeDebug(let message) = event.body { message } else { nil }
        }
    }

    @Test func withoutDebugSettingsNoMessageIsNoted() async throws {
        try await withHarness(.standard()) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
            #expect(messages(harness).isEmpty)
        }
    }

    @Test func aTimeThatHasPassedNotesNothing() async throws {
        var chain = ChainBuilder.standard()
        chain.debug = ["switch": RuleNodeDebugSettings(allUntil: 1)]
        try await withHarness(chain) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
            #expect(messages(harness).isEmpty)
        }
    }

    @Test func everythingIsNotedOnItsWayInAndOut() async throws {
        var chain = ChainBuilder.standard()
        chain.debug = ["switch": Self.later, "save": Self.later]
        try await withHarness(chain) { harness in
            let device = UUID128.random()
            let outcome = try await harness.send(
                "POST_TELEMETRY_REQUEST", data: "{\"a\":1}", metadata: ["k": "v"], originator: device)
            #expect(outcome == .acknowledged)
            let noted = messages(harness)
            #expect(noted.map(\.direction) == [.into, .out, .into, .out])
            #expect(noted.map(\.label) == ["", "Post telemetry", "Post telemetry", "Success"])
            #expect(noted.allSatisfy { $0.originator == EntityID(type: .device, uuid: device) })
            #expect(noted.allSatisfy { $0.data == "{\"a\":1}" && $0.metadata == "{\"k\":\"v\"}" && $0.error == nil })
            #expect(Set(noted.map(\.messageID)).count == 1)
        }
    }

    @Test func failuresAloneAreNotedWithTheirError() async throws {
        var chain = ChainBuilder.standard()
        chain.debug = ["save": RuleNodeDebugSettings(failures: true)]
        try await withHarness(chain) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
            #expect(messages(harness).isEmpty)
            try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: "{}")
            let noted = messages(harness)
            #expect(noted.map(\.direction) == [.out])
            #expect(noted.map(\.label) == ["Failure"])
            #expect(noted[0].error?.hasPrefix("Msg body is empty") ?? false)
        }
    }

    @Test func aNodeThatEndsAMessageSaysSo() async throws {
        var chain = ChainBuilder.standard()
        chain.debug = ["rpc": Self.later]
        try await withHarness(chain) { harness in
            let data = "{\"method\":\"m\",\"params\":\"{}\"}"
            try await harness.expect(.acknowledged, "RPC_CALL_FROM_SERVER_TO_DEVICE", data: data)
            #expect(messages(harness).prefix(2).map(\.label) == ["RPC Request to Device", "ACK"])
        }
    }

    @Test func theRateOfATenantIsBoundedAndSaidOnce() async throws {
        var chain = ChainBuilder.standard()
        chain.debug = ["switch": Self.later]
        var settings = RuleEventSettings()
        settings.debugRate = DebugRate("3:1000000")
        try await withHarness(chain, settings: settings) { harness in
            for _ in 0..<5 { try await harness.expect(.acknowledged, "CUSTOM") }
            #expect(messages(harness).count == 3)
            let ofChain = harness.events.all.filter { event in
                if case .ruleChainDebug(let text) = event.body {
                    text == "Reached debug mode rate limit!"
                } else {
                    false
                }
            }
            #expect(ofChain.map(\.entity) == [chain.id.uuid])
        }
    }

    @Test func errorsOfANodeAreNotedNowAndThen() async throws {
        var settings = RuleEventSettings()
        settings.nodeErrorInterval = 1_000_000
        try await withHarness(.standard(), settings: settings) { harness in
            for _ in 0..<3 { try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: "{}") }
            let errors = harness.events.all.filter { event in
                if case .error("onRuleMsg", let text) = event.body {
                    text.hasPrefix("Msg body is empty")
                } else {
                    false
                }
            }
            #expect(errors.count == 1)
        }
    }

    private func lives(_ harness: ShardHarness) -> [UUID128: [String]] {
        harness.events.all.reduce(into: [:]) { lives, event in
            guard case .lifecycle(let name, let error) = event.body else { return }
            lives[event.entity, default: []].append(error == nil ? name : name + ": " + (error ?? ""))
        }
    }

    @Test func livesOfNodesAndChainsAreNoted() async throws {
        var definition = try ChainBuilder.standard().definition()
        let harness = try await ShardHarness([definition])
        defer { harness.stop() }
        try await harness.expect(.acknowledged, "CUSTOM")
        let entities = [definition.id.uuid] + definition.nodes.map(\.id.uuid)
        #expect(lives(harness) == Dictionary(uniqueKeysWithValues: entities.map { ($0, ["STARTED"]) }))
        let (changed, gone) = (definition.nodes[1].id.uuid, definition.nodes[3].id.uuid)
        definition.nodes[1].configuration = ["surprise": 1]
        definition.nodes.remove(at: 3)
        harness.chains.set([definition])
        let service = harness.service
        _ = await harness.loop.perform { service.shard?.reload(ShardHarness.tenant) }
        while lives(harness)[gone]?.count != 2 { await Task.yield() }
        #expect(lives(harness)[gone] == ["STARTED", "STOPPED"])
        #expect(lives(harness)[changed] == ["STARTED", "UPDATED: unknown configuration key surprise"])
        #expect(lives(harness)[definition.id.uuid] == ["STARTED", "UPDATED"])
        #expect(lives(harness)[definition.nodes[0].id.uuid] == ["STARTED"])
    }

    @Test func chainsThatAreSavedStartBeforeTheirFirstMessage() async throws {
        try await withHarness(.standard()) { harness in
            let service = harness.service
            _ = await harness.loop.perform { service.shard?.reload(ShardHarness.tenant, starts: true) }
            while lives(harness).isEmpty { await Task.yield() }
            #expect(lives(harness).count == 5)
        }
    }

    @Test func messagesAreCountedByNodeAndChain() async throws {
        let definition = try ChainBuilder.standard().definition()
        let harness = try await ShardHarness([definition])
        defer { harness.stop() }
        try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
        try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: "{}")
        let service = harness.service
        let counts = await harness.loop.perform { service.shard?.takeCounts() ?? [:] }[ShardHarness.tenant]
        #expect(counts?[definition.id.uuid] == RuleCounts(processed: 2, errors: 0))
        #expect(counts?[definition.nodes[0].id.uuid] == RuleCounts(processed: 2, errors: 0))
        #expect(counts?[definition.nodes[1].id.uuid] == RuleCounts(processed: 2, errors: 1))
        #expect(counts?[definition.nodes[2].id.uuid] == nil)
        let again = await harness.loop.perform { service.shard?.takeCounts() ?? [:] }
        #expect(again.isEmpty)
    }
}

@Suite struct DebugRateTests {
    @Test(arguments: ["", "x", "1", "1:0", "0:1", "1:2:3", "1:2,x"])
    func otherTextIsNone(_ text: String) { #expect(DebugRate(text) == nil) }

    @Test func tokensComeBackWithTime() throws {
        var state = DebugRateState(try #require(DebugRate("4:4")), now: 0)
        let first = (0..<6).map { _ in state.take(now: 0) }
        #expect(first == [.allowed, .allowed, .allowed, .allowed, .exhausted, .refused])
        // One that came back between is not a new window: nobody is told again.
        let second = (0..<2).map { _ in state.take(now: 1000) }
        #expect(second == [.allowed, .refused])
        let third = (0..<5).map { _ in state.take(now: 5000) }
        #expect(third == [.allowed, .allowed, .allowed, .allowed, .exhausted])
    }

    @Test func everyBoundHolds() throws {
        var state = DebugRateState(try #require(DebugRate("10:1,2:100")), now: 0)
        let answers = (0..<3).map { _ in state.take(now: 0) }
        #expect(answers == [.allowed, .allowed, .exhausted])
    }
}
