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
import TestSupport

/// A hub on a mock cluster whose topics exist.
func withHub<R>(
    brokers: Int = 1, partitions: Int = 4, change: (inout KafkaSettings) -> Void = { _ in },
    _ body: (KafkaHub, MockKafka) async throws -> R
) async throws -> R {
    let kafka = MockKafka(brokers: brokers)
    for topic in ["tb_rule_engine.main", "tb_core", "tb_transport.api.requests"] {
        kafka.createTopic(topic, partitions: partitions)
    }
    for topic in [
        "tb_rule_engine.main.dead_letters", "tb_transport.notifications.t1", "tb_transport.api.responses.t1",
        "tb_core.notifications.c1",
    ] {
        kafka.createTopic(topic, partitions: 1)
    }
    var settings = KafkaSettings()
    settings.common["bootstrap.servers"] = kafka.bootstrapServers
    settings.consumer["auto.offset.reset"] = "earliest"
    settings.corePartitions = partitions
    settings.commitInterval = .milliseconds(10)
    change(&settings)
    let hub = try KafkaHub(settings: settings, serviceID: "test", logger: .disabled, metrics: MetricsRegistry())
    let result = try await body(hub, kafka)
    await hub.close(within: .seconds(1))
    return result
}

let mainRoute = QueueRoute(name: "Main", topic: "tb_rule_engine.main", partitions: 4)

func message(_ number: Int, originator: UUID128) -> RuleMessage {
    RuleMessage(
        id: .random(), timestamp: Int64(number), type: .known(.postTelemetryRequest),
        originator: DeviceID(originator).entityID, tenantID: .system, metadata: MessageMetadata(),
        payload: .text("{\"n\":\(number)}"))
}

/// What lanes were given: by originator the timestamps in order. Safe from any thread.
final class Ledger: Sendable {
    private let seen = Mutex<[UUID128: [Int64]]>([:])

    func note(_ message: RuleMessage) {
        seen.withLock { $0[message.originator.uuid, default: []].append(message.timestamp) }
    }

    func of(_ originator: UUID128) -> [Int64] { seen.withLock { $0[originator] ?? [] } }
    var count: Int { seen.withLock { $0.values.reduce(0) { $0 + $1.count } } }
}

/// Notes messages, and acknowledges them at once or keeps them. Owned by its loop.
final class LedgerConsumer: RuleEngineLaneConsumer {
    private let ledger: Ledger
    private let acknowledges: Bool
    private var kept: [DeliveryTicket] = []
    private weak var lane: RuleEngineLane?

    init(_ ledger: Ledger, acknowledges: Bool = true) {
        self.ledger = ledger
        self.acknowledges = acknowledges
    }

    func receive(_ deliveries: inout [Delivery], from lane: RuleEngineLane) {
        self.lane = lane
        for case .message(let message, let ticket) in deliveries {
            ledger.note(message)
            if acknowledges { lane.tell(.acknowledged, of: ticket) } else { kept.append(ticket) }
        }
    }

    func acknowledgeKept() {
        for ticket in kept { lane?.tell(.acknowledged, of: ticket) }
        kept = []
    }
}

/// A started consumer with one lane per loop.
func makeConsumer(
    _ hub: KafkaHub, _ loops: [EventLoop], _ ledger: Ledger, acknowledges: Bool = true
) async throws -> (KafkaRuleEngineConsumer, [LoopBound<LedgerConsumer>]) {
    let consumer = try KafkaRuleEngineConsumer(hub: hub, route: mainRoute, laneLoops: loops)
    var bound: [LoopBound<LedgerConsumer>] = []
    for (index, loop) in loops.enumerated() {
        bound.append(
            try await loop.run {
                let lane = LedgerConsumer(ledger, acknowledges: acknowledges)
                consumer.attach(lane, lane: index)
                return LoopBound(lane, on: loop)
            })
    }
    consumer.start()
    return (consumer, bound)
}

extension EventLoop {
    /// Runs `body` on the loop.
    func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            execute { continuation.resume(with: Result { try body() }) }
        }
    }
}

final class Flag: Sendable {
    private let value = Mutex(false)
    var isSet: Bool { value.withLock { $0 } }
    func set() { value.withLock { $0 = true } }
}
