import JSON
import Model
import Queue
import Reactor
import ScriptEngine
import Storage
import Synchronization
import Telemetry
import Testing

@testable import RuleEngine

/// Scripts whose bodies are JSON: what they return. `throw`, `broken`, `slow` and `echo` do what they say.
private final class ScriptsOfTest: ScriptEvaluator {
    let language = ScriptLanguage.javaScript
    let waiting = Mutex<[CheckedContinuation<Void, Never>]>([])
    private let bodies = Mutex<[ScriptHandle: String]>([:])
    let compilations = Mutex(0)

    func compile(_ source: ScriptSource) async throws(ScriptError) -> ScriptHandle {
        if source.body == "broken" { throw .compilation("no program") }
        let handle = ScriptHandle()
        compilations.withLock { $0 += 1 }
        bodies.withLock { $0[handle] = source.body }
        return handle
    }

    func invoke(_ script: ScriptHandle, _ message: ScriptMessage) async throws(ScriptError) -> JSONValue {
        switch bodies.withLock({ $0[script] }) ?? "" {
        case "throw": throw .runtime("ReferenceError: no")
        case "timeout": throw .timeout
        case "slow":
            await withCheckedContinuation { continuation in waiting.withLock { $0.append(continuation) } }
            return true
        case "echo":
            return [
                "msg": (try? JSONValue.parse(message.data)) ?? nil, "metadata": ["n": 5, "x": nil],
                "msgType": .string(message.type),
            ]
        case let body: return (try? JSONValue.parse(body)) ?? nil
        }
    }

    func release(_ script: ScriptHandle) { bodies.withLock { $0[script] = nil } }
}

/// Nodes with scripts (`rule-engine.md` 3.2, 3.5, 3.7, 10.4).
@Suite struct ScriptNodeTests {
    private static let filter = "org.thingsboard.rule.engine.filter.TbJsFilterNode"
    private static let switching = "org.thingsboard.rule.engine.filter.TbJsSwitchNode"
    private static let transform = "org.thingsboard.rule.engine.transform.TbTransformMsgNode"
    private let scripts = ScriptsOfTest()

    /// A chain of one node with a script, and behind each of some labels a node that saves under that label's scope.
    private func chain(
        _ type: String, _ body: String, _ language: String = "JS", labels: [String] = []
    ) throws -> RuleChainDefinition {
        var chain = ChainBuilder()
        let configuration: JSONValue = [
            "scriptLang": .string(language), "jsScript": .string(body), "tbelScript": .string(body),
        ]
        chain.nodes = [("script", type, String(decoding: configuration.serialized(), as: UTF8.self))]
        chain.first = "script"
        for label in labels {
            chain.nodes.append((label, ChainBuilder.timeseries, ChainBuilder.saveConfiguration))
            chain.connections.append(("script", label, label))
        }
        return try chain.definition()
    }

    private func withHarness(_ chain: RuleChainDefinition, _ body: (ShardHarness) async throws -> Void) async throws {
        let harness = try await ShardHarness([chain], scripts: [scripts])
        defer { harness.stop() }
        try await body(harness)
    }

    @Test(arguments: [
        ("true", "True"), ("false", "False"), ("1", "Failure"), ("null", "Failure"), ("throw", "Failure"),
    ])
    func aFilterLeadsWhereItsScriptSays(_ body: String, _ label: String) async throws {
        try await withHarness(try chain(Self.filter, body, labels: [label])) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: #"{"a":1}"#)
            #expect(harness.sink.saved.count == 1)
        }
    }

    @Test func anUnconnectedFailureOfAScriptFailsTheMessage() async throws {
        try await withHarness(try chain(Self.filter, "throw", labels: ["True"])) { harness in
            try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: #"{"a":1}"#)
        }
    }

    @Test func aSwitchLeadsAlongEveryLabelThatItNames() async throws {
        let labels = ["one", "two", "three"]
        try await withHarness(try chain(Self.switching, #"["one","THREE","one"]"#, labels: labels)) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: #"{"a":1}"#)
            #expect(harness.sink.saved.count == 2)
        }
        try await withHarness(try chain(Self.switching, "[]", labels: labels)) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: #"{"a":1}"#)
            #expect(harness.sink.saved.isEmpty)
        }
        try await withHarness(try chain(Self.switching, #"["one",null]"#, labels: labels)) { harness in
            try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: #"{"a":1}"#)
        }
    }

    @Test func aTransformationReplacesWhatItNames() async throws {
        try await withHarness(try chain(Self.transform, #"{"msg":{"b":2}}"#, labels: ["Success"])) { harness in
            let outcome = try await harness.send(
                "POST_TELEMETRY_REQUEST", data: #"{"a":1}"#, metadata: ["ts": "77"])
            #expect(outcome == .acknowledged)
            #expect(harness.sink.saved.map(\.values) == [["b": .long(2)]])
            #expect(harness.sink.saved.map(\.timestamp) == [77])
        }
    }

    @Test func aTransformationToSeveralMessagesIsDoneWhenAllAre() async throws {
        let body = #"[{"msg":{"a":1}},{"msg":{"a":2}},{"msg":{"a":3}}]"#
        let harness = try await ShardHarness(
            [try chain(Self.transform, body, labels: ["Success"])], completesAtOnce: false, scripts: [scripts])
        defer { harness.stop() }
        async let outcome = harness.send("POST_TELEMETRY_REQUEST", data: #"{"a":0}"#)
        while harness.sink.saved.count < 3 { await Task.yield() }
        #expect(harness.sink.saved.map(\.values) == [["a": .long(1)], ["a": .long(2)], ["a": .long(3)]])
        for _ in 0..<3 { harness.sink.completeNext() }
        #expect(try await outcome == .acknowledged)
    }

    @Test(arguments: ["[]", "5", "null", "\"x\""])
    func aTransformationToNoMessageFails(_ body: String) async throws {
        try await withHarness(try chain(Self.transform, body, labels: ["Success"])) { harness in
            try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: #"{"a":1}"#)
        }
    }

    @Test func metadataOfATransformationIsText() async throws {
        var builder = ChainBuilder()
        let echo = #"{"scriptLang":"JS","jsScript":"echo"}"#
        builder.nodes = [
            ("script", Self.transform, echo), ("save", ChainBuilder.timeseries, ChainBuilder.saveConfiguration),
        ]
        builder.first = "script"
        builder.connections = [("script", "Success", "save")]
        builder.debug = ["save": RuleNodeDebugSettings(failures: true, allUntil: .max)]
        try await withHarness(try builder.definition()) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: #"{"a":1}"#)
            #expect(
                harness.events.all.contains { "\($0)".contains(#"{\"n\":\"5\"}"#) || "\($0)".contains(#"{"n":"5"}"#) })
        }
    }

    @Test func aMessageThatWaitsForItsScriptHoldsUpNoOther() async throws {
        var builder = ChainBuilder()
        builder.nodes = [
            ("types", ChainBuilder.typeSwitch, #"{"version":0}"#),
            ("slow", Self.filter, #"{"scriptLang":"JS","jsScript":"slow"}"#),
            ("save", ChainBuilder.timeseries, ChainBuilder.saveConfiguration),
        ]
        builder.first = "types"
        builder.connections = [("types", "Post attributes", "slow"), ("types", "Post telemetry", "save")]
        try await withHarness(try builder.definition()) { harness in
            async let late = harness.send("POST_ATTRIBUTES_REQUEST", data: "{}")
            while scripts.waiting.withLock({ $0.isEmpty }) { await Task.yield() }
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: #"{"a":1}"#)
            scripts.waiting.withLock { $0.removeFirst() }.resume()
            #expect(try await late == .acknowledged)
        }
    }

    @Test(arguments: ["broken", "await x", "  "])
    func aNodeWhoseScriptIsNoneDoesNotStart(_ body: String) async throws {
        try await withHarness(try chain(Self.filter, body, labels: ["True", "False", "Failure"])) { harness in
            try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: #"{"a":1}"#)
            #expect(harness.sink.saved.isEmpty)
        }
    }

    @Test func aLanguageThatThereIsNotKeepsANodeFromStarting() async throws {
        try await withHarness(try chain(Self.filter, "true", "TBEL", labels: ["True", "Failure"])) { harness in
            try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: #"{"a":1}"#)
        }
        try await withHarness(try chain(Self.filter, "true", "Lua", labels: ["True", "Failure"])) { harness in
            try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: #"{"a":1}"#)
        }
    }

    @Test func aScriptThatTimesOutThreeTimesIsBlocked() async throws {
        var builder = ChainBuilder()
        builder.nodes = [("script", Self.filter, #"{"scriptLang":"JS","jsScript":"timeout"}"#)]
        builder.first = "script"
        builder.debug = ["script": RuleNodeDebugSettings(failures: true)]
        try await withHarness(try builder.definition()) { harness in
            for _ in 0..<4 { try await harness.expect(.failed, "POST_TELEMETRY_REQUEST", data: #"{"a":1}"#) }
            let texts = harness.events.all.map { "\($0)" }
            #expect(texts.count { $0.contains("Script timeout!") } >= 3)
            #expect(texts.contains { $0.contains("Script invocation is blocked due to maximum error count 3") })
        }
    }

    @Test func aScriptThatIsTheSameIsNotCompiledAgain() async throws {
        let chain = try chain(Self.filter, "true", labels: ["True"])
        try await withHarness(chain) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: #"{"a":1}"#)
            await harness.reload()
            var changed = chain
            changed.nodes[0].configuration = ["scriptLang": "JS", "jsScript": "false"]
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: #"{"a":1}"#)
            #expect(scripts.compilations.withLock { $0 } == 1)
            harness.chains.set([changed])
            await harness.reload()
            while scripts.compilations.withLock({ $0 }) < 2 { await Task.yield() }
        }
    }

    @Test func callsAreCountedByLanguage() async throws {
        try await withHarness(try chain(Self.filter, "true", labels: ["True"])) { harness in
            for _ in 0..<3 { try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: #"{"a":1}"#) }
            let service = harness.service
            let usage = await harness.loop.perform { service.shard?.takeUsage() ?? [:] }
            #expect(usage[ShardHarness.tenant]?.javaScriptExecutions == 3)
            #expect(usage[ShardHarness.tenant]?.tbelExecutions == 0)
        }
    }

    @Test func theLogNodeRunsAScriptOfItsOwn() async throws {
        try await withHarness(try chain(ChainBuilder.log, "\"text\"", labels: ["Success"])) { harness in
            try await harness.expect(.acknowledged, "POST_TELEMETRY_REQUEST", data: #"{"a":1}"#)
            #expect(harness.sink.saved.count == 1)
        }
    }
}
