import Configuration
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
import Testing

/// Where a test's Kafka is: librdkafka's imitation, or the brokers that the environment names.
enum Backend: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case mock
    case real

    static let bootstrap = ProcessEnvironment.read()["TEST_KAFKA_BOOTSTRAP"].flatMap { $0.isEmpty ? nil : $0 }

    /// The mock, and a real one where there is one.
    static var all: [Backend] { bootstrap == nil ? [.mock] : [.mock, .real] }

    var testDescription: String { rawValue }
}

/// A hub whose topics exist, on topics of its own.
func withHub<R>(
    _ backend: Backend = .mock, partitions: Int = 4, mock given: MockKafka? = nil,
    change: (inout KafkaSettings) -> Void = { _ in },
    _ body: (KafkaHub) async throws -> R
) async throws -> R {
    var settings = KafkaSettings()
    settings.consumer["auto.offset.reset"] = "earliest"
    settings.corePartitions = partitions
    settings.commitInterval = .milliseconds(10)
    settings.topics.prefix = "test-\(UInt32.random(in: 0...UInt32.max))"
    settings.transportAPITopic.partitions = partitions
    settings.scriptTopic.partitions = partitions
    var mock: MockKafka?
    if backend == .mock {
        let made = given ?? MockKafka()
        let prefix = settings.topics.prefix
        for topic in ["tb_rule_engine.main", "tb_core", "tb_transport.api.requests", "js_eval.requests"] {
            made.createTopic("\(prefix).\(topic)", partitions: partitions)
        }
        for topic in [
            "tb_rule_engine.main.dead_letters", "tb_core.dead_letters", "tb_transport.api.requests.dead_letters",
            "tb_transport.notifications.t1",
            "tb_transport.notifications.t2", "tb_transport.api.responses.t1", "tb_core.notifications.t1",
            "tb_rule_engine.notifications.t1", "js_eval.responses.t1",
        ] {
            made.createTopic("\(prefix).\(topic)", partitions: 1)
        }
        settings.common["bootstrap.servers"] = made.bootstrapServers
        mock = made
    } else {
        settings.common["bootstrap.servers"] = Backend.bootstrap
    }
    change(&settings)
    let hub = try KafkaHub(settings: settings, serviceID: "test", logger: .disabled, metrics: MetricsRegistry())
    try await hub.ensureRuleEngineTopics([mainRoute])
    try await KafkaCoreQueue(hub: hub).ensureTopics()
    let result = try await body(hub)
    await hub.close(within: .seconds(1))
    withExtendedLifetime(mock) {}
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
    private let all = Mutex<[RuleMessage]>([])

    func note(_ message: RuleMessage) {
        all.withLock { $0.append(message) }
        seen.withLock { $0[message.originator.uuid, default: []].append(message.timestamp) }
    }

    var messages: [RuleMessage] { all.withLock { $0 } }

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
