import JSON
import Messages
import Model
import Queue
import Reactor
import ScriptEngine
import Storage
import Synchronization
import Telemetry
import Testing

@testable import RuleEngine

/// Scripts that end when the test says, in any order: those of one with the body `wait` are true, `odd` asks whether the
/// value `v` of the message is odd, others return what is in them.
private final class LateScripts: ScriptEvaluator {
    let language = ScriptLanguage.javaScript
    private let waiting = Mutex<[CheckedContinuation<Void, Never>]>([])
    private let bodies = Mutex<[ScriptHandle: String]>([:])

    var waitingCount: Int { waiting.withLock { $0.count } }

    /// Lets one of those that wait end.
    func end(_ pick: (Int) -> Int) {
        waiting.withLock { $0.isEmpty ? nil : $0.remove(at: pick($0.count)) }?.resume()
    }

    func compile(_ source: ScriptSource) async throws(ScriptError) -> ScriptHandle {
        let handle = ScriptHandle()
        bodies.withLock { $0[handle] = source.body }
        return handle
    }

    func invoke(_ script: ScriptHandle, _ message: ScriptMessage) async throws(ScriptError) -> JSONValue {
        await withCheckedContinuation { continuation in waiting.withLock { $0.append(continuation) } }
        let data = (try? JSONValue.parse(message.data)) ?? nil
        switch bodies.withLock({ $0[script] }) ?? "" {
        case "wait": return true
        case "odd": return .bool((data.objectValue?["v"]?.integerValue ?? 0) % 2 == 1)
        case "twice": return [["msg": data], ["msg": data]]
        case let body: return (try? JSONValue.parse(body)) ?? nil
        }
    }

    func release(_ script: ScriptHandle) { bodies.withLock { $0[script] = nil } }
}

/// The order of an originator's messages behind nodes that wait (docs/architecture.md, guarantee 4).
@Suite struct OriginatorOrderTests {
    private static let filter = "org.thingsboard.rule.engine.filter.TbJsFilterNode"
    private static let transform = "org.thingsboard.rule.engine.transform.TbTransformMsgNode"
    private static let hasKeys = "org.thingsboard.rule.engine.filter.TbCheckMessageNode"
    private static let acknowledge = "org.thingsboard.rule.engine.flow.TbAckNode"
    private static let checkpoint = "org.thingsboard.rule.engine.flow.TbCheckpointNode"

    private static func script(_ name: String, _ body: String, type: String = filter) -> (String, String, String) {
        (name, type, #"{"scriptLang":"JS","jsScript":"\#(body)"}"#)
    }

    private static func save(_ name: String) -> (String, String, String) {
        (name, ChainBuilder.timeseries, ChainBuilder.saveConfiguration)
    }

    /// Messages with the key "slow" leave it along `True`.
    private static let slow = ("slow?", hasKeys, #"{"messageNames":["slow"],"metadataNames":[],"checkAllKeys":true}"#)

    enum Shape: String, CaseIterable, Sendable {
        case oneScript, twoScripts, someWait, pathsThatDiffer, copies, copiesOfCopies, nestedChain, saveScriptSave
        case acknowledgedFirst, severalMessages, checkpoint

        /// How often each message is saved.
        var saves: Int {
            switch self {
            case .copies, .saveScriptSave, .severalMessages: 2
            case .copiesOfCopies: 3
            default: 1
            }
        }

        func chains() -> [ChainBuilder] {
            typealias Tests = OriginatorOrderTests
            var chain = ChainBuilder()
            switch self {
            case .oneScript:
                chain.nodes = [script("s", "wait"), save("a")]
                chain.connections = [("s", "True", "a")]
            case .twoScripts:
                chain.nodes = [script("s", "wait"), script("t", "wait"), save("a")]
                chain.connections = [("s", "True", "t"), ("t", "True", "a")]
            case .someWait:
                chain.nodes = [Tests.slow, script("s", "wait"), save("a")]
                chain.connections = [("slow?", "True", "s"), ("slow?", "False", "a"), ("s", "True", "a")]
            case .pathsThatDiffer:
                chain.nodes = [script("s", "odd"), script("t", "wait"), save("a"), save("b")]
                chain.connections = [("s", "True", "t"), ("s", "False", "a"), ("t", "True", "b")]
            case .copies:
                chain.nodes = [Tests.slow, script("s", "wait"), save("a"), save("b")]
                chain.connections = [
                    ("slow?", "True", "s"), ("slow?", "True", "b"), ("slow?", "False", "a"), ("slow?", "False", "b"),
                    ("s", "True", "a"),
                ]
            case .copiesOfCopies:
                chain.nodes = [script("s", "wait"), script("t", "wait"), save("a"), save("b"), save("c")]
                chain.connections = [
                    ("s", "True", "t"), ("s", "True", "a"), ("t", "True", "b"), ("t", "True", "c"),
                ]
            case .nestedChain:
                var inner = ChainBuilder()
                inner.isRoot = false
                inner.nodes = [Tests.slow, script("s", "wait"), ("done", ChainBuilder.output, #"{"version":0}"#)]
                inner.connections = [("slow?", "True", "s"), ("slow?", "False", "done"), ("s", "True", "done")]
                inner.first = "slow?"
                chain.nodes = [
                    (
                        "call", ChainBuilder.input,
                        #"{"ruleChainId":"\#(inner.id)","forwardMsgToDefaultRuleChain":true}"#
                    ),
                    save("a"),
                ]
                chain.connections = [("call", "done", "a")]
                chain.first = "call"
                return [chain, inner]
            case .saveScriptSave:
                chain.nodes = [save("a"), script("s", "wait"), save("b")]
                chain.connections = [("a", "Success", "s"), ("s", "True", "b")]
            case .acknowledgedFirst:
                chain.nodes = [script("s", "odd"), ("ok", Tests.acknowledge, "{}"), script("t", "wait"), save("a")]
                chain.connections = [
                    ("s", "True", "ok"), ("ok", "Success", "t"), ("t", "True", "a"), ("s", "False", "a"),
                ]
            case .severalMessages:
                chain.nodes = [script("s", "twice", type: Tests.transform), script("t", "wait"), save("a")]
                chain.connections = [("s", "Success", "t"), ("t", "True", "a")]
            case .checkpoint:
                chain.nodes = [Tests.slow, script("s", "wait"), ("move", Tests.checkpoint, "{}"), save("a")]
                chain.connections = [
                    ("slow?", "True", "s"), ("slow?", "False", "move"), ("s", "True", "move"), ("move", "Success", "a"),
                ]
            }
            chain.first = chain.nodes[0].name
            return [chain]
        }
    }

    /// Delivers messages in an order that is known and keeps their outcomes.
    private final class Bench: Sendable {
        let harness: ShardHarness
        let outcomes = Mutex<[Int: DeliveryOutcome]>([:])
        init(_ chains: [ChainBuilder], _ scripts: LateScripts) async throws {
            harness = try await ShardHarness(
                try chains.map { try $0.definition() }, completesAtOnce: false, scripts: [scripts])
        }

        func deliver(_ number: Int, of originator: Int, slow: Bool = true, queue: String? = nil) async {
            let data = slow ? #"{"v":\#(number),"slow":1}"# : #"{"v":\#(number)}"#
            let message = RuleMessage(
                id: .random(), timestamp: Int64(number), type: MessageType("POST_TELEMETRY_REQUEST"),
                originator: EntityID(type: .device, uuid: UUID128(high: 7, low: UInt64(originator))),
                tenantID: ShardHarness.tenant, metadata: MessageMetadata([:]), payload: .text(data), queueName: queue)
            // The tasks of a loop begin in order.
            await harness.loop.perform { [self] in
                Task(executorPreference: harness.loop) { [self] in
                    let outcome = try await harness.queue.send(message)
                    outcomes.withLock { $0[number] = outcome }
                }
            }
        }

        /// The numbers of the messages that were saved, in order, by originator.
        var saved: [UInt64: [Int64]] {
            var all: [UInt64: [Int64]] = [:]
            for save in harness.sink.saved {
                if case .long(let number)? = save.values["v"] { all[save.entity.low, default: []].append(number) }
            }
            return all
        }
    }

    /// The same numbers for the same seed.
    private struct Dice {
        var state: UInt64
        mutating func roll(_ sides: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(sides))
        }
    }

    static let queues: [String: QueueStrategies] = [
        "Retry": QueueStrategies(
            processing: ProcessingStrategy(.retryFailedAndTimedOut, retries: 3), timeout: .seconds(600)),
        "Turns": QueueStrategies(submit: .sequentialByOriginator, timeout: .seconds(600)),
    ]

    @Test(arguments: Shape.allCases, [(1, nil), (2, nil), (3, "Retry"), (4, "Turns")] as [(UInt64, String?)])
    func whatIsSavedOfAnOriginatorIsSavedInOrder(_ shape: Shape, _ seeded: (UInt64, String?)) async throws {
        let (count, originators) = (40, 3)
        let scripts = LateScripts()
        let bench = try await Bench(shape.chains(), scripts)
        defer { bench.harness.stop() }
        await bench.harness.setQueues(Self.queues)
        var dice = Dice(state: seeded.0)
        var next = 0
        while bench.outcomes.withLock({ $0.count }) < count || bench.saved.values.joined().count < count * shape.saves {
            switch dice.roll(4) {
            case 0 where next < count:
                await bench.deliver(next, of: next % originators, slow: dice.roll(3) > 0, queue: seeded.1)
                next += 1
            case 1: bench.harness.sink.completeNext()
            default: scripts.end { dice.roll($0) }
            }
            await Task.yield()
        }
        #expect(bench.outcomes.withLock { $0.values.allSatisfy { $0 == .acknowledged } })
        for (originator, numbers) in bench.saved {
            let all = (0..<count).filter { UInt64($0 % originators) == originator }
            #expect(numbers == all.flatMap { [Int64](repeating: Int64($0), count: shape.saves) })
        }
        let shard = bench.harness.service
        while bench.harness.sink.hasPending {
            bench.harness.sink.completeNext()
        }
        #expect(await bench.harness.loop.perform { shard.shard?.lanes.parkedCount } == 0)
    }

    @Test func scriptsOfOneOriginatorStillRunAtTheSameTime() async throws {
        let scripts = LateScripts()
        let bench = try await Bench(Shape.oneScript.chains(), scripts)
        defer { bench.harness.stop() }
        for number in 0..<20 { await bench.deliver(number, of: 0) }
        while scripts.waitingCount < 20 { await Task.yield() }
        for _ in 0..<20 { scripts.end { $0 - 1 } }
        while bench.saved[0]?.count != 20 { await Task.yield() }
        #expect(bench.saved[0] == (0..<20).map { Int64($0) })
    }

    @Test func oneOriginatorHoldsUpNoOther() async throws {
        let scripts = LateScripts()
        let bench = try await Bench(Shape.someWait.chains(), scripts)
        defer { bench.harness.stop() }
        await bench.deliver(1, of: 1)
        while scripts.waitingCount < 1 { await Task.yield() }
        await bench.deliver(2, of: 1, slow: false)
        await bench.deliver(3, of: 2, slow: false)
        while bench.saved[2] == nil { await Task.yield() }
        #expect(bench.saved == [2: [3]])
        scripts.end { _ in 0 }
        while bench.saved[1]?.count != 2 { await Task.yield() }
        #expect(bench.saved[1] == [1, 2])
    }

    @Test func whatWasSavedBeforeIsNotWaitedForWhereNothingFollows() async throws {
        var chain = ChainBuilder()
        chain.nodes = [Self.save("a")]
        chain.first = "a"
        let bench = try await Bench([chain], LateScripts())
        defer { bench.harness.stop() }
        for number in 0..<3 { await bench.deliver(number, of: 0) }
        // None of them is stored yet.
        while bench.saved[0]?.count != 3 { await Task.yield() }
        let shard = bench.harness.service
        #expect(await bench.harness.loop.perform { shard.shard?.lanes.isEmpty } == true)
    }

    @Test func manyThatEndBehindOneThatWaitsLeaveNothingBehind() async throws {
        let scripts = LateScripts()
        var chain = ChainBuilder()
        chain.nodes = [Self.slow, Self.script("s", "wait"), Self.script("t", "odd"), Self.save("a")]
        chain.first = "slow?"
        chain.connections = [("slow?", "True", "s"), ("s", "True", "a"), ("slow?", "False", "t"), ("t", "True", "a")]
        let bench = try await Bench([chain], scripts)
        defer { bench.harness.stop() }
        await bench.deliver(0, of: 0)
        while scripts.waitingCount < 1 { await Task.yield() }
        // Even ones end at their script, odd ones wait for the first.
        for number in 1...400 { await bench.deliver(number, of: 0, slow: false) }
        while scripts.waitingCount < 401 { await Task.yield() }
        for _ in 0..<400 { scripts.end { _ in 1 } }
        while bench.outcomes.withLock({ $0.count }) < 200 { await Task.yield() }
        #expect(bench.saved.isEmpty)
        scripts.end { _ in 0 }
        while bench.saved[0]?.count != 201 { await Task.yield() }
        #expect(bench.saved[0] == ([0] + stride(from: 1, to: 400, by: 2)).map { Int64($0) })
    }
}
