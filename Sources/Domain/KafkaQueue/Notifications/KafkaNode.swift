public import Kafka
public import Messages
public import Reactor
import Glibc
import Logging
import Metrics
import Synchronization
import Threads
import Wire

/// The topics that only this process reads: notifications and answers to its questions. One thread reads them from the
/// moment of ``start()`` on: what was sent before belongs to an earlier life of the service, and nothing is committed.
///
/// Register everything, then ``start()``, then become a member of the cluster: so that nothing is sent before it is
/// read.
public final class KafkaNode: Sendable {
    public let serviceID: String
    let hub: KafkaHub
    private let consumer: KafkaConsumer
    private let state = Mutex(State())
    private let thread = WorkerThread()
    private let received: Counter

    typealias RecordHandler = @Sendable (borrowing KafkaRecord) -> Void

    private struct State {
        var handlers: [(topic: String, properties: TopicProperties, handle: RecordHandler)] = []
        /// Called on the thread, several times a second.
        var ticks: [@Sendable () -> Void] = []
        var isStarted = false
    }

    public init(hub: KafkaHub, serviceID: String) throws(KafkaError) {
        self.hub = hub
        self.serviceID = serviceID
        var properties = hub.settings.common.merging(hub.settings.consumer)
        // What a broker says that lost its log is no reason to read everything again.
        properties["auto.offset.reset"] = "latest"
        consumer = try KafkaConsumer(properties, group: hub.settings.topics.nodeGroup(serviceID), isPolled: true)
        received = hub.metrics.counter(
            "kafka_notifications_received_total", help: "Notifications and answers for this process.")
    }

    // MARK: - What is read

    /// Registers a loop with sessions: `handler` is called on it with every notification for this transport. On `loop`,
    /// before ``start()``.
    public func onTransportNotification(
        on loop: EventLoop, _ handler: @escaping (TransportNotification) -> Void
    ) {
        let mailbox = Mailbox<TransportNotification>(on: loop) { told in for one in told { handler(one) } }
        register(topic: hub.settings.topics.transportNotifications(serviceID), mailbox) {
            decoder, bytes throws(WireError) in try decoder.transportNotification(bytes)
        }
    }

    /// The same for a core node.
    public func onCoreNotification(on loop: EventLoop, _ handler: @escaping (CoreNotification) -> Void) {
        let mailbox = Mailbox<CoreNotification>(on: loop) { told in for one in told { handler(one) } }
        register(topic: hub.settings.topics.coreNotifications(serviceID), mailbox) {
            decoder, bytes throws(WireError) in try decoder.coreNotification(bytes)
        }
    }

    /// The same for a rule engine.
    public func onRuleEngineNotification(on loop: EventLoop, _ handler: @escaping (RuleEngineNotification) -> Void) {
        let mailbox = Mailbox<RuleEngineNotification>(on: loop) { told in for one in told { handler(one) } }
        register(topic: hub.settings.topics.ruleEngineNotifications(serviceID), mailbox) {
            decoder, bytes throws(WireError) in try decoder.ruleEngineNotification(bytes)
        }
    }

    private func register<Notification: Sendable>(
        topic: String, _ mailbox: Mailbox<Notification>,
        decode: @escaping @Sendable (WireDecoder, UnsafeRawBufferPointer) throws(WireError) -> Notification
    ) {
        let decoder = WireDecoder()
        let hub = hub
        register(topic: topic, properties: hub.settings.notificationsTopic) { record in
            do throws(WireError) {
                mailbox.post(try decode(decoder, record.value))
            } catch {
                // A newer release may say what this one does not know.
                guard error != .unknown else { return }
                hub.deadLetters.add(record, error: error.description)
            }
        }
    }

    /// - Parameter handle: called on the thread.
    func register(topic: String, properties: TopicProperties, _ handle: @escaping RecordHandler) {
        state.withLock { state in
            precondition(!state.isStarted, "\(topic) is registered after the start")
            state.handlers.append((topic, properties, handle))
        }
    }

    func onTick(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.ticks.append(body) }
    }

    // MARK: - Life

    /// Creates the topics, finds their ends and starts to read. When it returns, everything that is sent from now on is
    /// read.
    public func start() async throws {
        let handlers = state.withLock { $0.handlers }
        var byTopic: [String: [RecordHandler]] = [:]
        for (topic, _, handle) in handlers { byTopic[topic, default: []].append(handle) }
        try await hub.ensureTopics(
            Dictionary(handlers.map { ($0.topic, $0.properties) }) { first, _ in first }.map { topic, properties in
                hub.specification(topic, properties, partitions: 1)
            })
        let topics = byTopic.keys.sorted()
        try await findEnds(topics)
        state.withLock { $0.isStarted = true }
        thread.start("kafka-node") { [self, byTopic] in run(byTopic) }
    }

    private func findEnds(_ topics: [String]) async throws {
        var pause = Duration.milliseconds(250)
        while true {
            let consumer = consumer
            let result: Result<[KafkaPosition], KafkaError> = await DetachedThread.result("kafka-offsets") {
                Result { () throws(KafkaError) in
                    var positions: [KafkaPosition] = []
                    for topic in topics {
                        let end = try consumer.watermarks(topic: topic, partition: 0, milliseconds: 10_000).upperBound
                        positions.append(KafkaPosition(topic: topic, partition: 0, offset: end))
                    }
                    return positions
                }
            }
            switch result {
            case .success(let positions):
                return try consumer.assign(positions)
            case .failure(let error):
                guard !Task.isCancelled else { throw error }
                hub.logger.warning("the ends of topics cannot be read yet", ["error": .string(error.description)])
                try await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(10))
            }
        }
    }

    /// Ends the reading; returns when the thread has ended.
    public func stop() async { await thread.stop() }

    private func run(_ handlers: [String: [RecordHandler]]) {
        let ticks = state.withLock { $0.ticks }
        while !thread.isStopping {
            var count = 0
            let errors = consumer.poll(upTo: 1000, milliseconds: 200) { record in
                count += 1
                for handle in handlers[record.topic] ?? [] { handle(record) }
            }
            if count > 0 { received.increment(by: count) }
            if let error = errors.first {
                hub.logger.limited(.warning, "notifications cannot be read now", ["error": .string(error.description)])
                if count == 0 { usleep(100_000) }
            }
            for tick in ticks { tick() }
        }
    }
}
