import JSON
import Logging
import Messages
import Metrics
import Model
import Queue
import Reactor
import ScriptEngine
import Storage
import Synchronization
import Telemetry
import Testing

@testable import RuleEngine

/// A rule engine on one loop, with chains given as values and saves that end when the test says.
final class ShardHarness: Sendable {
    static let tenant = TenantID(.random())
    let loop: EventLoop
    let queue: InProcessRuleEngineQueue
    let service: RuleEngineShardBox
    let sink: RecordingSink
    let chains: ChainsOfTest
    let events = EventsOfTest()

    init(
        _ definitions: [RuleChainDefinition], completesAtOnce: Bool = true,
        eventSettings: RuleEventSettings = RuleEventSettings(), outlets: RuleEngineOutlets = RuleEngineOutlets(),
        scripts: [any ScriptEvaluator] = []
    ) async throws {
        loop = try EventLoop(name: "rule", index: 0)
        loop.start()
        let loop = loop
        queue = InProcessRuleEngineQueue(laneLoops: [loop]) { _ in 0 }
        chains = ChainsOfTest(definitions)
        sink = RecordingSink(completesAtOnce: completesAtOnce)
        service = RuleEngineShardBox()
        let (queue, chains, sink, service) = (queue, chains, sink, service)
        var outlets = outlets
        outlets.queue = outlets.queue ?? queue
        let ways = outlets
        let notes = RuleEvents(recorder: events, settings: eventSettings)
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            loop.execute {
                let shard = RuleEngineShard(
                    loop: loop, chains: chains, makeSink: { sink.attach(to: $0, $1) }, outlets: ways,
                    events: notes, scripts: ScriptEngine(evaluators: scripts, metrics: MetricsRegistry()),
                    logger: .disabled,
                    metrics: RuleEngineMetrics(registry: MetricsRegistry(), queue: QueueKey(name: "Main"), shard: 0))
                service.shard = shard
                queue.attach(shard, lane: 0)
                done.resume()
            }
        }
    }

    func stop() {
        loop.stop()
        loop.join()
    }

    /// Gives queues of these names their strategies.
    func setQueues(_ strategies: [String: QueueStrategies]) async {
        await setTable(
            strategies.map { name, strategies in
                QueueRecord(route: QueueRoute(name: name, topic: name, partitions: 1), strategies: strategies)
            })
    }

    func setTable(_ records: [QueueRecord]) async {
        let table = QueueTable(records)
        let service = service
        await loop.perform { service.shard?.setQueues(table) }
    }

    /// Messages that have a schedule and are not done.
    var scheduledCount: Int {
        get async {
            let service = service
            return await loop.perform { service.shard?.scheduledCount ?? 0 }
        }
    }

    /// Reads the chains anew.
    func reload() async {
        let service = service
        await loop.perform { service.shard?.reload(Self.tenant) }
    }

    /// Reads the chains, which no message has come to.
    func startChains() async {
        let service = service
        await loop.perform { service.shard?.reload(Self.tenant, starts: true) }
    }

    func send(
        _ type: String, data: String = "{}", metadata: [String: String] = [:], chain: RuleChainID? = nil,
        originator: UUID128 = .random(), type entityType: EntityType = .device, queue name: String? = nil
    ) async throws -> DeliveryOutcome {
        try await queue.send(
            RuleMessage(
                id: .random(), timestamp: 1_700_000_000_000, type: MessageType(type),
                originator: EntityID(type: entityType, uuid: originator), tenantID: Self.tenant,
                metadata: MessageMetadata(metadata), payload: .text(data), ruleChainID: chain,
                queueName: name))
    }
}

extension ShardHarness {
    /// Sends a message and checks its outcome.
    func expect(
        _ expected: DeliveryOutcome, _ type: String, data: String = "{}", location: SourceLocation = #_sourceLocation
    ) async throws {
        let outcome = try await send(type, data: data)
        #expect(outcome == expected, sourceLocation: location)
    }
}

/// Holds the shard on its loop.
final class RuleEngineShardBox: @unchecked Sendable {
    // @unchecked: set and used on the loop only.
    var shard: RuleEngineShard?
}

/// Keeps events.
final class EventsOfTest: EventRecorder {
    private let noted = Mutex<[NewEvent]>([])

    var all: [NewEvent] { noted.withLock { $0 } }

    func record(_ event: NewEvent) { noted.withLock { $0.append(event) } }
}

/// Chains as values; may be changed, or made to fail, by the test.
final class ChainsOfTest: RuleChainSource {
    struct Unreachable: Error {}
    private let state: Mutex<(definitions: [RuleChainDefinition], failures: Int)>
    private let defaults = Mutex<[UUID128: RuleChainID]>([:])

    init(_ definitions: [RuleChainDefinition]) {
        state = Mutex((definitions, 0))
    }

    func set(_ definitions: [RuleChainDefinition]) {
        state.withLock { $0.definitions = definitions }
    }

    func failNext(_ count: Int) {
        state.withLock { $0.failures = count }
    }

    func setDefault(_ chain: RuleChainID, of originator: UUID128) {
        defaults.withLock { $0[originator] = chain }
    }

    func defaultChain(of originator: EntityID) async throws -> RuleChainID? {
        defaults.withLock { $0[originator.uuid] }
    }

    func ruleChains(of tenant: TenantID) async throws -> [RuleChainDefinition] {
        try state.withLock { state in
            if state.failures > 0 {
                state.failures -= 1
                throw Unreachable()
            }
            return state.definitions
        }
    }
}

/// A sink that notes what is saved.
final class RecordingSink: TelemetrySink, @unchecked Sendable {
    // @unchecked: `completions` is used on the loop only; the rest is under the lock.
    struct Save: Sendable, Equatable {
        var entity: UUID128
        var timestamp: Int64
        var scope: AttributeScope?
        var values: [String: TelemetryValue]
    }

    private let completesAtOnce: Bool
    private let saves = Mutex<[Save]>([])
    private let tokens = Mutex<[UInt32]>([])
    private var completions: Mailbox<SaveCompletion>?

    init(completesAtOnce: Bool) {
        self.completesAtOnce = completesAtOnce
    }

    var saved: [Save] { saves.withLock { $0 } }

    func attach(to loop: EventLoop, _ handler: @escaping SaveCompletionHandler) -> any TelemetrySink {
        completions = Mailbox(on: loop, handler)
        return self
    }

    func complete(_ token: UInt32, isStored: Bool = true) {
        completions?.post(SaveCompletion(token: token, isStored: isStored))
    }

    /// Whether a save has not ended.
    var hasPending: Bool { tokens.withLock { !$0.isEmpty } }

    /// Ends the oldest save that has not ended.
    func completeNext() {
        if let token = tokens.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { complete(token) }
    }

    private func note(_ save: Save, _ token: UInt32) {
        tokens.withLock { $0.append(token) }
        saves.withLock { $0.append(save) }
        if completesAtOnce { complete(token, isStored: save.values["refused"] == nil) }
    }

    func saveTelemetry(
        entity: UUID128, timestamp: Int64, arena: PointArena, points: Range<Int>, streams: TelemetryStreams,
        origin: SaveOrigin, token: UInt32
    ) {
        let values = Dictionary(arena.entries(in: points).map { ($0.key, $0.value) }) { $1 }
        note(Save(entity: entity, timestamp: timestamp, scope: nil, values: values), token)
    }

    func saveAttributes(
        entity: UUID128, scope: AttributeScope, timestamp: Int64, arena: PointArena, points: Range<Int>,
        onlyChanged: Bool, origin: SaveOrigin, token: UInt32
    ) {
        let values = Dictionary(arena.entries(in: points).map { ($0.key, $0.value) }) { $1 }
        note(Save(entity: entity, timestamp: timestamp, scope: scope, values: values), token)
    }
}

/// Builds chains from names: nodes by name, connections as `from -label-> to`.
struct ChainBuilder {
    static let timeseries = "org.thingsboard.rule.engine.telemetry.TbMsgTimeseriesNode"
    static let attributes = "org.thingsboard.rule.engine.telemetry.TbMsgAttributesNode"
    static let typeSwitch = "org.thingsboard.rule.engine.filter.TbMsgTypeSwitchNode"
    static let log = "org.thingsboard.rule.engine.action.TbLogNode"
    static let input = "org.thingsboard.rule.engine.flow.TbRuleChainInputNode"
    static let output = "org.thingsboard.rule.engine.flow.TbRuleChainOutputNode"
    static let rpc = "org.thingsboard.rule.engine.rpc.TbSendRPCRequestNode"

    let id = RuleChainID(.random())
    var isRoot = true
    var first: String?
    var nodes: [(name: String, type: String, configuration: String)] = []
    /// Queues by node.
    var queues: [String: String] = [:]
    var connections: [(from: String, label: String, to: String)] = []
    /// Debug settings by node.
    var debug: [String: RuleNodeDebugSettings] = [:]

    func definition() throws -> RuleChainDefinition {
        var ids: [String: RuleNodeID] = [:]
        for node in nodes { ids[node.name] = RuleNodeID(.random()) }
        return RuleChainDefinition(
            id: id, tenantID: ShardHarness.tenant, name: "chain", isRoot: isRoot,
            firstNodeID: first.flatMap { ids[$0] },
            nodes: try nodes.map {
                RuleNodeDefinition(
                    id: try #require(ids[$0.name]), type: $0.type, name: $0.name, configurationVersion: 0,
                    configuration: try JSONValue.parse($0.configuration),
                    debug: debug[$0.name] ?? RuleNodeDebugSettings(), queueName: queues[$0.name])
            },
            connections: try connections.map {
                RuleNodeConnection(
                    from: try #require(ids[$0.from]), to: try #require(ids[$0.to]), label: $0.label)
            })
    }

    static let saveConfiguration =
        "{\"defaultTTL\":0,\"useServerTs\":false,\"processingSettings\":{\"type\":\"ON_EVERY_MESSAGE\"}}"

    /// The default root chain without the nodes that only log (`rule-engine.md` 4.1).
    static func standard() -> ChainBuilder {
        var chain = ChainBuilder()
        chain.first = "switch"
        chain.nodes = [
            ("switch", typeSwitch, "{\"version\":0}"), ("save", timeseries, saveConfiguration),
            ("attributes", attributes, "{\"scope\":\"CLIENT_SCOPE\"}"), ("rpc", rpc, "{\"timeoutInSeconds\":60}"),
        ]
        chain.connections = [
            ("switch", "Post telemetry", "save"), ("switch", "Post attributes", "attributes"),
            ("switch", "RPC Request to Device", "rpc"),
        ]
        return chain
    }
}
