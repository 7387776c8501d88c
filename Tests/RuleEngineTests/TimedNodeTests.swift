import JSON
import Messages
import Model
import Queue
import ScriptEngine
import Storage
import Synchronization
import Telemetry
import Testing

@testable import RuleEngine

/// Counts its calls: gives what it was given, one more, or fails.
private final class CountingScripts: ScriptEvaluator {
    let language = ScriptLanguage.javaScript
    private let failing: Bool
    let calls = Mutex<[ScriptMessage]>([])

    init(failing: Bool = false) { self.failing = failing }

    func compile(_ source: ScriptSource) async throws(ScriptError) -> ScriptHandle { ScriptHandle() }

    func invoke(_ script: ScriptHandle, _ message: ScriptMessage) async throws(ScriptError) -> JSONValue {
        let count = calls.withLock { calls in
            calls.append(message)
            return calls.count
        }
        if failing { throw .runtime("ReferenceError: no") }
        return [
            "msg": ["n": .integer(Int64(count))], "metadata": ["made": "here"], "msgType": "POST_TELEMETRY_REQUEST",
        ]
    }

    func release(_ script: ScriptHandle) {}
}

/// Nodes that act when time has passed (`rule-engine.md` 3.5, 3.7, cases 54, 55 and 110).
@Suite(.timeLimit(.minutes(2))) struct TimedNodeTests {
    private static let telemetry = "POST_TELEMETRY_REQUEST"

    private func chain(_ type: String, _ configuration: String) throws -> RuleChainDefinition {
        var chain = ChainBuilder()
        chain.first = "node"
        chain.nodes = [
            ("node", type, configuration), ("save", ChainBuilder.timeseries, ChainBuilder.saveConfiguration),
            ("failed", AcknowledgeNode.type, #"{"version":0}"#),
        ]
        chain.connections = [("node", "Success", "save"), ("node", "Failure", "failed")]
        chain.debug = ["node": RuleNodeDebugSettings(allUntil: .max)]
        return try chain.definition()
    }

    private func until(_ condition: () async -> Bool) async throws {
        while await !condition() { try await Task.sleep(for: .milliseconds(5)) }
    }

    private func messages(_ harness: ShardHarness) -> [NewEvent.NodeMessage] {
        harness.events.all.compactMap { event in
            if case .ruleNodeDebug(let message) = event.body { message } else { nil }
        }
    }

    @Test func aDelayedMessageIsDoneAndGoesOnLaterAsAnotherOne() async throws {
        let harness = try await ShardHarness([
            try chain(DelayNode.type, #"{"periodInSeconds":0,"maxPendingMsgs":10}"#)
        ])
        defer { harness.stop() }
        try await harness.expect(.acknowledged, Self.telemetry, data: #"{"a":1}"#)
        try await until { harness.sink.saved.count == 1 }
        #expect(harness.sink.saved[0].values == ["a": .long(1)])
        let noted = messages(harness).filter { $0.label == "Success" }
        #expect(noted.count == 1)
        #expect(noted[0].messageID != messages(harness)[0].messageID)
    }

    @Test func onlySoManyMessagesWait() async throws {
        let harness = try await ShardHarness([
            try chain(DelayNode.type, #"{"periodInSeconds":3600,"maxPendingMsgs":1}"#)
        ])
        defer { harness.stop() }
        try await harness.expect(.acknowledged, Self.telemetry, data: #"{"a":1}"#)
        try await harness.expect(.acknowledged, Self.telemetry, data: #"{"a":2}"#)
        let failed = messages(harness).filter { $0.label == "Failure" }
        #expect(failed.map(\.error) == ["Max limit of pending messages reached!"])
        #expect(harness.sink.saved.isEmpty)
    }

    @Test func theTimeOfADelayMayBeInTheMessage() async throws {
        let harness = try await ShardHarness([
            try chain(
                DelayNode.type,
                """
                {"periodInSeconds":3600,"maxPendingMsgs":9,"useMetadataPeriodInSecondsPatterns":true,
                 "periodInSecondsPattern":"$[wait]"}
                """)
        ])
        defer { harness.stop() }
        try await harness.expect(.acknowledged, Self.telemetry, data: #"{"wait":0}"#)
        try await until { harness.sink.saved.count == 1 }
        try await harness.expect(.acknowledged, Self.telemetry, data: #"{"wait":"long"}"#)
        #expect(
            messages(harness).compactMap(\.error)
                == ["Can't parse period in seconds from metadata using pattern: $[wait]"])
    }

    // MARK: - Deduplication

    private func settings(_ strategy: DeduplicationMemory.Strategy) -> DeduplicationMemory.Settings {
        .init(interval: 1_000, strategy: strategy, type: MessageType("X"), retries: 0)
    }

    private func message(_ value: Int, at time: Int64) -> RuleMessage {
        RuleMessage(
            id: .random(), timestamp: 1, type: MessageType(Self.telemetry),
            originator: EntityID(type: .device, uuid: .null), tenantID: ShardHarness.tenant,
            metadata: MessageMetadata(["ts": String(time)]), payload: .text("{\"v\":\(value)}"))
    }

    @Test func ofTheMessagesOfATimeTheFirstOrTheLastGoesOn() {
        let given = [message(1, at: 300), message(2, at: 100), message(3, at: 900), message(4, at: 1_200)]
        var waiting = given
        let first = DeduplicationMemory.take(from: &waiting, settings(.first), now: 1_100, queue: nil)
        #expect(first.map(\.payload.text) == [#"{"v":2}"#])
        #expect(waiting.map(\.payload.text) == [#"{"v":4}"#])
        waiting = given
        let last = DeduplicationMemory.take(from: &waiting, settings(.last), now: 9_000, queue: "Q")
        #expect(last.map(\.payload.text) == [#"{"v":3}"#, #"{"v":4}"#])
        #expect(last.map(\.queueName) == ["Q", "Q"])
        #expect(waiting.isEmpty)
    }

    @Test func aTimeThatHasNotEndedKeepsItsMessages() {
        var waiting = [message(1, at: 300)]
        #expect(DeduplicationMemory.take(from: &waiting, settings(.first), now: 1_299, queue: nil).isEmpty)
        #expect(waiting.count == 1)
    }

    @Test func allMessagesOfATimeMayBecomeOne() throws {
        var waiting = [message(1, at: 300), message(2, at: 400)]
        let all = DeduplicationMemory.take(from: &waiting, settings(.all), now: 5_000, queue: nil)
        #expect(all.map(\.type.name) == ["X"])
        #expect(all[0].metadata.dictionary == ["ts": "5000"])
        #expect(
            try JSONValue.parse(all[0].payload.text) == [
                ["msg": ["v": 1], "metadata": ["ts": "300"]], ["msg": ["v": 2], "metadata": ["ts": "400"]],
            ])
    }

    @Test func messagesOfOneOriginatorAreDoneAtOnceAndOneGoesOn() async throws {
        let harness = try await ShardHarness([
            try chain(
                DeduplicationNode.type,
                #"{"interval":1,"strategy":"LAST","maxPendingMsgs":2,"maxRetries":3,"outMsgType":null}"#)
        ])
        defer { harness.stop() }
        let device = UUID128.random()
        for n in 1...3 {
            let outcome = try await harness.send(
                Self.telemetry, data: "{\"n\":\(n)}", metadata: ["ts": String(n)], originator: device)
            #expect(outcome == .acknowledged)
        }
        #expect(messages(harness).filter { $0.label == "Failure" }.count == 1)
        try await until { harness.sink.saved.count == 1 }
        #expect(harness.sink.saved[0].values == ["n": .long(2)])
    }

    // MARK: - Generator

    private static let generator = """
        {"msgCount":2,"periodInSeconds":1,"originatorType":"TENANT","scriptLang":"JS","jsScript":"return {};"}
        """

    @Test func aGeneratorMakesAsManyMessagesAsItIsToldTo() async throws {
        let scripts = CountingScripts()
        let harness = try await ShardHarness([try chain(GeneratorNode.type, Self.generator)], scripts: [scripts])
        defer { harness.stop() }
        await harness.startChains()
        try await until { harness.sink.saved.count == 2 }
        #expect(harness.sink.saved.map(\.values) == [["n": .long(1)], ["n": .long(2)]])
        #expect(harness.sink.saved.map(\.entity) == [ShardHarness.tenant.uuid, ShardHarness.tenant.uuid])
        // It is given what it made before.
        let calls = scripts.calls.withLock { $0 }
        #expect(calls.map(\.data) == ["{}", #"{"n":1}"#])
        #expect(calls.map(\.type) == ["", Self.telemetry])
    }

    @Test func whatAGeneratorThrowsGoesAlongFailureAndCounts() async throws {
        let harness = try await ShardHarness(
            [try chain(GeneratorNode.type, Self.generator)], scripts: [CountingScripts(failing: true)])
        defer { harness.stop() }
        await harness.startChains()
        try await until { self.messages(harness).filter { $0.label == "Failure" }.count == 2 }
        #expect(messages(harness).compactMap(\.error).allSatisfy { $0.contains("ReferenceError") })
        #expect(harness.sink.saved.isEmpty)
    }

    @Test(arguments: [
        (DeduplicationNode.type, #"{"interval":0,"strategy":"FIRST"}"#),
        (DeduplicationNode.type, #"{"interval":1,"strategy":"SOME"}"#),
        (GeneratorNode.type, #"{"periodInSeconds":0,"originatorType":"TENANT","jsScript":"x"}"#),
        (GeneratorNode.type, #"{"periodInSeconds":1,"originatorType":"DEVICE","jsScript":"x"}"#),
        (GeneratorNode.type, #"{"periodInSeconds":1,"originatorType":"ALARM","jsScript":"x"}"#),
        (DeviceProfileNode.type, #"{"persistAlarmRulesState":"yes"}"#),
    ])
    func aWrongConfigurationDoesNotStart(type: String, configuration: String) async throws {
        let harness = try await ShardHarness([try chain(type, configuration)], scripts: [CountingScripts()])
        defer { harness.stop() }
        try await harness.expect(.failed, Self.telemetry, data: #"{"a":1}"#)
    }
}
