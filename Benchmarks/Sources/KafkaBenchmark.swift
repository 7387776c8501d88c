import Kafka
import KafkaQueue
import Logging
import Messages
import Metrics
import Model
import Queue
import Reactor
import Synchronization
import Telemetry

/// Uplinks through the rule engine queue on Kafka, and out of it again: with encoding, delivery reports and commits.
enum KafkaBenchmark {
    private static let devices = 1000
    /// Messages of a batch, as a busy tick of a transport has them.
    private static let batchSize = 200
    private static let maximumInFlight = 20_000

    static func run(bootstrap: String, for duration: Duration) async throws {
        var settings = KafkaSettings()
        settings.common["bootstrap.servers"] = bootstrap
        settings.consumer["auto.offset.reset"] = "earliest"
        settings.topics.prefix = "bench-\(UInt32.random(in: 0...UInt32.max))"
        let hub = try KafkaHub(
            settings: settings, serviceID: "benchmark", logger: .disabled, metrics: MetricsRegistry())
        let route = QueueRoute(name: "Main", topic: "tb_rule_engine.main", partitions: 12)
        let queue = KafkaRuleEngineQueue(hub: hub, routing: QueueRouting([route]))
        try await queue.ensureTopics()
        let loops = try EventLoopGroup(count: 1, name: "bench")
        loops.start()
        let loop = loops.loops[0]
        let clock = ContinuousClock()

        let source = Source(queue: queue, loop: loop)
        loop.execute { source.start() }
        let began = clock.now
        try await Task.sleep(for: duration)
        source.stop()
        while !source.isIdle { try await Task.sleep(for: .milliseconds(1)) }
        let produced = source.acknowledged
        Output.line(
            name: "kafka produce", unit: "messages/s",
            perSecond: Double(produced) / (clock.now - began).inSeconds, note: "\(produced) messages")

        let counted = Atomic<Int>(0)
        let consumer = try KafkaRuleEngineConsumer(hub: hub, route: route, laneLoops: [loop])
        let lane = Counting { counted.add($0, ordering: .relaxed) }
        await withCheckedContinuation { continuation in
            loop.execute {
                consumer.attach(lane, lane: 0)
                continuation.resume()
            }
        }
        consumer.start()
        let reading = clock.now
        await consumer.own(Set(0..<12))
        while counted.load(ordering: .relaxed) < produced { try await Task.sleep(for: .milliseconds(1)) }
        Output.line(
            name: "kafka consume", unit: "messages/s",
            perSecond: Double(produced) / (clock.now - reading).inSeconds, note: "from the assignment on")
        await consumer.stop()
        await hub.close()
        loops.stop()
        loops.join()
    }

    /// Acknowledges and counts. Owned by its loop.
    private final class Counting: RuleEngineLaneConsumer, @unchecked Sendable {
        // @unchecked: used on the loop only.
        private let count: (Int) -> Void

        init(_ count: @escaping (Int) -> Void) { self.count = count }

        func receive(_ deliveries: inout [Delivery], from lane: RuleEngineLane) {
            for case .message(_, let ticket) in deliveries { lane.tell(.acknowledged, of: ticket) }
            count(deliveries.count)
        }
    }

    /// Keeps messages on their way until it is stopped. Owned by its loop, but for what is atomic.
    private final class Source: @unchecked Sendable {
        // @unchecked: see above.
        private let queue: KafkaRuleEngineQueue
        private let loop: EventLoop
        private let isStopping = Atomic<Bool>(false)
        private let done = Atomic<Int>(0)
        private let inFlight = Atomic<Int>(0)
        private var producer: (any UplinkProducer)?
        private var sessions: [SessionInfo] = []
        private var next = 0

        init(queue: KafkaRuleEngineQueue, loop: EventLoop) {
            self.queue = queue
            self.loop = loop
        }

        var acknowledged: Int { done.load(ordering: .relaxed) }
        var isIdle: Bool { inFlight.load(ordering: .relaxed) == 0 }
        func stop() { isStopping.store(true, ordering: .relaxed) }

        func start() {
            let profile = DeviceProfileInfo(id: DeviceProfileID(.random()), transportType: .default)
            sessions = (0..<KafkaBenchmark.devices).map { number in
                SessionInfo(
                    nodeID: "bench", sessionID: .random(),
                    device: DeviceInfo(
                        tenantID: .system, deviceID: DeviceID(.random()), name: "Device \(number)", type: "default",
                        profileID: profile.id, customerID: .null, isGateway: false), profile: profile)
            }
            producer = queue.makeUplinkProducer(on: loop) { [self] outcomes in
                done.add(outcomes.count { $0.outcome == .acknowledged }, ordering: .relaxed)
                inFlight.subtract(outcomes.count, ordering: .relaxed)
                fill()
            }
            fill()
        }

        private func fill() {
            while !isStopping.load(ordering: .relaxed),
                inFlight.load(ordering: .relaxed) + KafkaBenchmark.batchSize <= KafkaBenchmark.maximumInFlight
            {
                let batch = UplinkBatch()
                for _ in 0..<KafkaBenchmark.batchSize {
                    let first = UInt32(batch.arena.count)
                    batch.arena.append(key: "pulseCounter", value: .long(Int64(next)))
                    batch.arena.append(key: "leakage", value: .boolean(false))
                    batch.arena.append(key: "batteryLevel", value: .long(81))
                    batch.messages.append(
                        UplinkMessage(
                            session: sessions[next % sessions.count], kind: .telemetry,
                            timestamp: 1_732_000_000_000 + Int64(next), firstPoint: first, pointCount: 3, ticket: 0))
                    next += 1
                }
                inFlight.add(KafkaBenchmark.batchSize, ordering: .relaxed)
                producer?.submit(batch, lane: 0)
            }
        }
    }
}
