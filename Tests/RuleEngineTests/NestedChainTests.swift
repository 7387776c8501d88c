import JSON
import Model
import Queue
import Storage
import Telemetry
import Testing

@testable import RuleEngine

/// Chains that send messages into others (`rule-engine.md` 3.4, 10.3).
@Suite struct NestedChainTests {
    /// A root chain with a node "call" that leads into `target`; what comes back as "done" is saved.
    private func caller(of target: RuleChainID, prefersDefault: Bool = false) -> ChainBuilder {
        var chain = ChainBuilder()
        chain.first = "call"
        chain.nodes = [
            (
                "call", ChainBuilder.input,
                "{\"ruleChainId\":\"\(target)\",\"forwardMsgToDefaultRuleChain\":\(prefersDefault)}"
            ), ("save", ChainBuilder.timeseries, ChainBuilder.saveConfiguration),
        ]
        chain.connections = [("call", "DONE", "save")]
        return chain
    }

    /// A chain whose type switch leads telemetry to an output.
    private func callee(output: String? = "done") -> ChainBuilder {
        var chain = ChainBuilder()
        chain.isRoot = false
        chain.first = "switch"
        chain.nodes = [("switch", ChainBuilder.typeSwitch, "{\"version\":0}")]
        if let output {
            chain.nodes.append((output, ChainBuilder.output, "{\"version\":0}"))
            chain.connections = [("switch", "Post telemetry", output)]
        }
        return chain
    }

    private func withHarness(_ chains: [ChainBuilder], _ body: (ShardHarness) async throws -> Void) async throws {
        let harness = try await ShardHarness(try chains.map { try $0.definition() })
        defer { harness.stop() }
        try await body(harness)
    }

    @Test func anOutputLeadsBackAlongItsName() async throws {
        let inner = callee()
        try await withHarness([caller(of: inner.id), inner]) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
            #expect(harness.sink.saved.map(\.values) == [["a": .long(1)]])
            // Another type leaves the inner switch along a label that nothing is behind.
            try await harness.expect(.acknowledged, "CUSTOM")
            #expect(harness.sink.saved.count == 1)
        }
    }

    @Test func withoutAnOutputNothingComesBack() async throws {
        let inner = callee(output: nil)
        try await withHarness([caller(of: inner.id), inner]) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
            #expect(harness.sink.saved.isEmpty)
        }
    }

    @Test func anOutputOfAnotherNameIsNotFollowed() async throws {
        let inner = callee(output: "other")
        try await withHarness([caller(of: inner.id), inner]) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
            #expect(harness.sink.saved.isEmpty)
        }
    }

    @Test func anOutputOfTheRootChainEnds() async throws {
        var root = callee()
        root.isRoot = true
        try await withHarness([root]) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
        }
    }

    @Test func chainsThatCallEachOtherEndAlongFailure() async throws {
        var inner = callee(output: nil)
        var outer = caller(of: inner.id)
        inner.nodes.append(("back", ChainBuilder.input, "{\"ruleChainId\":\"\(outer.id)\"}"))
        inner.connections = [("switch", "Post telemetry", "back")]
        try await withHarness([outer, inner]) { harness in
            try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
            let errors: [String] = harness.events.all.compactMap { event in
                if case .error(_, let text) = event.body { text } else { nil }
            }
            #expect(errors.count == 1 && errors[0].hasPrefix("Detected rule chain processing loop"))
        }
        outer.connections.append(("call", "Failure", "save"))
        try await withHarness([outer, inner]) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
            #expect(harness.sink.saved.count == 1)
        }
    }

    @Test func aChainThatCallsItselfEndsAlongFailure() async throws {
        var chain = caller(of: RuleChainID(.random()))
        chain.nodes[0].configuration = "{\"ruleChainId\":\"\(chain.id)\"}"
        try await withHarness([chain]) { harness in
            try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
        }
        chain.connections.append(("call", "Failure", "save"))
        try await withHarness([chain]) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
            #expect(harness.sink.saved.count == 1)
        }
    }

    @Test func aChainThatIsNotTheTenantsFailsTheMessage() async throws {
        var chain = caller(of: RuleChainID(.random()))
        chain.connections.append(("call", "Failure", "save"))
        try await withHarness([chain]) { harness in
            try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
            #expect(harness.sink.saved.isEmpty)
        }
    }

    @Test func theProfilesChainGoesFirstWhereThatIsAsked() async throws {
        let (configured, preferred) = (callee(output: "other"), callee())
        try await withHarness([caller(of: configured.id, prefersDefault: true), configured, preferred]) { harness in
            let device = UUID128.random()
            harness.chains.setDefault(preferred.id, of: device)
            let outcome = try await harness.send("POST_TELEMETRY_REQUEST", data: "{\"a\":1}", originator: device)
            #expect(outcome == .acknowledged)
            #expect(harness.sink.saved.count == 1)
            // A device whose profile names none goes into the configured one.
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
            #expect(harness.sink.saved.count == 1)
        }
    }

    @Test func aMessageThatWaitsInsideComesBackToo() async throws {
        var inner = callee()
        inner.nodes.append(("store", ChainBuilder.timeseries, ChainBuilder.saveConfiguration))
        inner.connections = [("switch", "Post telemetry", "store"), ("store", "Success", "done")]
        try await withHarness([caller(of: inner.id), inner]) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
            #expect(harness.sink.saved.count == 2)
        }
    }

    @Test func chainsMayBeNestedSeveralTimes() async throws {
        let innermost = callee()
        var middle = caller(of: innermost.id)
        middle.isRoot = false
        middle.nodes[1] = ("done", ChainBuilder.output, "{\"version\":0}")
        middle.connections = [("call", "done", "done")]
        try await withHarness([caller(of: middle.id), middle, innermost]) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
            #expect(harness.sink.saved.count == 1)
        }
    }

    @Test(arguments: ["{}", "{\"ruleChainId\":\"x\"}", "{\"ruleChainId\":null}"])
    func anInputWithoutAChainDoesNotStart(_ configuration: String) async throws {
        var chain = caller(of: RuleChainID(.random()))
        chain.nodes[0].configuration = configuration
        try await withHarness([chain]) { harness in
            try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: "{\"a\":1}")
        }
    }

    @Test(arguments: [Int64.max, .min, -1, Int64(Int32.max) + 1])
    func aCallWithATimeThatIsNoneDoesNotStart(_ seconds: Int64) async throws {
        var chain = ChainBuilder()
        chain.first = "call"
        chain.nodes = [("call", ChainBuilder.rpc, "{\"timeoutInSeconds\":\(seconds)}")]
        try await withHarness([chain]) { harness in
            try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: "{\"method\":\"m\",\"params\":1}")
        }
    }
}
