import JSON
import Logging
import Messages
import Metrics
import Model
import Postgres
import Queue
import Reactor
import RuleEngine
import Storage
import Synchronization
import Telemetry

/// Messages a second through queue, rule engine and acknowledgement on one loop: a chain of three nodes that decide and
/// store nothing.
final class RuleChainBenchmark: @unchecked Sendable {
    // @unchecked: everything but `finished` is touched on the loop only.
    private static let batchMessages = 100
    private static let messagesInFlight = 1000
    private static let nodeCount = 3

    private let loop: EventLoop
    private let queue: InProcessRuleEngineQueue
    private let engine: RuleEngineService
    private var producer: (any UplinkProducer)!
    private var consumer: (any RuleEngineLaneConsumer)!
    private let finished = Atomic(0)
    private let session: SessionInfo
    private var nextTicket: UInt32 = 0

    static func run(for duration: Duration) async throws {
        let benchmark = try RuleChainBenchmark()
        benchmark.loop.start()
        benchmark.loop.execute { benchmark.begin() }
        let clock = ContinuousClock()
        try await clock.sleep(for: duration / 10)
        let before = benchmark.finished.load(ordering: .relaxed)
        let began = clock.now
        try await clock.sleep(for: duration)
        let messages = benchmark.finished.load(ordering: .relaxed) - before
        let took = clock.now - began
        benchmark.loop.stop()
        benchmark.loop.join()
        Output.line(
            name: "rule chain of \(nodeCount) nodes, queue included", unit: "messages/s",
            perSecond: Double(messages) / took.inSeconds)
    }

    private init() throws {
        loop = try EventLoop(name: "rule", index: 0)
        queue = InProcessRuleEngineQueue(laneLoops: [loop]) { _ in 0 }
        let metrics = MetricsRegistry()
        // Never started: no node of the chain stores anything.
        let writer = TelemetryWriter(
            configuration: TelemetryWriterConfiguration(), partitioning: PartitionManager(scheme: .months),
            logger: .disabled, metrics: metrics
        ) { () throws(PostgresError) in throw PostgresError(message: "no database") }
        engine = RuleEngineService(chains: SwitchChain(), writer: writer, logger: .disabled, metrics: metrics)
        let profile = DeviceProfileInfo(id: DeviceProfileID(.random()), transportType: .default)
        session = SessionInfo(
            nodeID: "benchmark", sessionID: .random(),
            device: DeviceInfo(
                tenantID: SwitchChain.tenant, deviceID: DeviceID(.random()), name: "device", type: "default",
                profileID: profile.id, customerID: .null, isGateway: false),
            profile: profile)
    }

    private func begin() {
        consumer = engine.makeConsumer(on: loop, lane: 0)
        queue.attach(consumer, lane: 0)
        producer = queue.makeUplinkProducer(on: loop) { [unowned self] outcomes in
            finished.add(outcomes.count, ordering: .relaxed)
            for _ in 0..<(outcomes.count / Self.batchMessages) { submit() }
        }
        for _ in 0..<(Self.messagesInFlight / Self.batchMessages) { submit() }
    }

    private func submit() {
        let batch = UplinkBatch()
        for _ in 0..<Self.batchMessages {
            let first = UInt32(batch.arena.count)
            batch.arena.append(key: "pulseCounter", value: .long(1))
            batch.messages.append(
                UplinkMessage(
                    session: session, kind: .telemetry, timestamp: 1_732_000_000_000, firstPoint: first, pointCount: 1,
                    ticket: nextTicket))
            nextTicket &+= 1
        }
        producer.submit(batch, lane: 0)
    }
}

/// "message type switch" three times, each behind `Post telemetry` of the one before.
private struct SwitchChain: RuleChainSource {
    static let tenant = TenantID(.random())
    static let count = 3

    func defaultChain(of originator: EntityID) async throws -> RuleChainID? { nil }

    func ruleChains(of tenant: TenantID) async throws -> [RuleChainDefinition] {
        let nodes = (0..<Self.count).map { number in
            RuleNodeDefinition(
                id: RuleNodeID(.random()), type: "org.thingsboard.rule.engine.filter.TbMsgTypeSwitchNode",
                name: "switch \(number)", configurationVersion: 0, configuration: ["version": 0])
        }
        let connections = zip(nodes, nodes.dropFirst()).map {
            RuleNodeConnection(from: $0.id, to: $1.id, label: "Post telemetry")
        }
        return [
            RuleChainDefinition(
                id: RuleChainID(.random()), tenantID: tenant, name: "Root", isRoot: true, firstNodeID: nodes[0].id,
                nodes: nodes, connections: connections)
        ]
    }
}
