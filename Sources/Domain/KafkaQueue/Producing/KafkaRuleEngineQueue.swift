import Kafka
public import Messages
public import Queue
public import Reactor
import Cluster
import Logging
import Metrics
import Model
import Threads
import Wire

/// The producing face of the rule engine's queues on Kafka. An outcome is a delivery report with `acks=all`:
/// `acknowledged` says that every in-sync replica has the record, `lost` that nobody can be told so.
///
/// Records are keyed by their originator's id in text form, and go to the partition that the originator has in the
/// queue (`cluster.md` 4.3), so that messages of one originator stay in order.
public final class KafkaRuleEngineQueue: RuleEngineQueue {
    private let hub: KafkaHub
    private let routing: QueueRouting
    private let senders: WaitingSenders
    private let receiver: KafkaProducer.Receiver
    let failures: Counter

    /// - Parameter maximumPendingSends: bound of ``send(_:)``.
    public init(hub: KafkaHub, routing: QueueRouting, maximumPendingSends: Int = 10_000) {
        self.hub = hub
        self.routing = routing
        let senders = WaitingSenders(capacity: maximumPendingSends)
        self.senders = senders
        let logger = hub.logger
        receiver = hub.producer.addReceiver { reports in
            let lost = reports.filter { !$0.isDelivered }
            if let error = lost.first?.error { KafkaHub.noteLost(lost.count, error, logger) }
            for report in reports {
                let failure = report.error.map { KafkaRuleEngineQueue.outcome(of: $0) }
                senders.finish(report.ticket, failure ?? .acknowledged)
            }
        }
        failures = hub.metrics.counter(
            "kafka_delivery_failures_total", help: "Records for the rule engine that Kafka did not take.")
    }

    /// Creates the topics of the queues that are missing, and their dead letters'.
    public func ensureTopics() async throws { try await hub.ensureRuleEngineTopics(routing.routes) }

    /// Sends to these queues from now on: their topics are there, and the client knows all their partitions.
    public func setRoutes(_ routes: [QueueRoute]) async throws {
        guard routes.contains(where: { $0.name == QueueRoute.main && $0.isolatedTenant == nil }) else {
            return hub.logger.error("there is no queue Main; messages go where they went before")
        }
        try await hub.ensureRuleEngineTopics(routes)
        try await hub.learnPartitions(routes)
        routing.replace(routes)
    }

    public func makeUplinkProducer(on loop: EventLoop, outcomes: @escaping OutcomeHandler) -> any UplinkProducer {
        precondition(loop.isCurrent, "a producer is made on its loop")
        return KafkaUplinkProducer(hub: hub, routing: routing, loop: loop, failures: failures, outcomes: outcomes)
    }

    public var keepsMessages: Bool { true }

    public func send(_ message: RuleMessage) async throws(QueueError) -> DeliveryOutcome {
        let route = routing.route(tenant: message.tenantID, queueName: message.queueName)
        var encoder = WireEncoder()
        // What is a copy already goes where it belongs.
        let isCopied = route.duplicates && message.duplicate == nil
        if !isCopied { encoder.encode(message) }
        let outcome = await withCheckedContinuation { (continuation: CheckedContinuation<DeliveryOutcome?, Never>) in
            guard let ticket = senders.add(continuation, tenant: message.tenantID) else {
                return continuation.resume(returning: nil)
            }
            do throws(KafkaError) {
                if isCopied {
                    try hub.produceCopies(of: message, &encoder, route: route, receiver: receiver, ticket: ticket)
                } else {
                    try hub.produce(
                        encoder, route: route, originator: message.originator.uuid, receiver: receiver, ticket: ticket)
                }
            } catch {
                hub.noteRefused(error, topic: route.topic)
                senders.finish(ticket, error.isQueueFull ? nil : Self.outcome(of: error))
            }
        }
        guard let outcome else { throw .full }
        if outcome != .acknowledged { failures.increment() }
        if outcome == .failed { throw .tooLarge }
        return outcome
    }

    /// `failed` where sending it again does not help.
    private static func outcome(of error: KafkaError) -> DeliveryOutcome { error.isTooLarge ? .failed : .lost }
}

extension KafkaHub {
    /// Creates the missing topics of rule engine queues.
    public func ensureRuleEngineTopics(_ routes: [QueueRoute]) async throws {
        let names = settings.topics
        try await ensureTopics(
            routes.flatMap { route in
                let topic = names.ruleEngine(topic: route.topic, isolated: route.isolatedTenant)
                return [
                    specification(topic, settings.ruleEngineTopic, partitions: route.partitions),
                    specification(names.deadLetters(of: topic), settings.ruleEngineTopic, partitions: 1),
                ]
            })
    }

    /// Lets the producer look at the topics again until it knows the partitions of these queues.
    func learnPartitions(_ routes: [QueueRoute]) async throws {
        let producer = producer
        let wanted = routes.map {
            (settings.topics.ruleEngine(topic: $0.topic, isolated: $0.isolatedTenant), $0.partitions)
        }
        let result: Result<Void, KafkaError> = await DetachedThread.result("kafka-metadata") {
            Result { () throws(KafkaError) in
                for (name, partitions) in wanted {
                    let known = try producer.partitionCount(of: producer.topic(name), milliseconds: 10_000)
                    guard known >= partitions else {
                        throw KafkaError(
                            "learn partitions of \(name)", code: 3, text: "\(known) are known, \(partitions) needed")
                    }
                }
            }
        }
        try result.get()
    }

    /// Queues the encoded message for the partition of its originator.
    func produce(
        _ encoder: borrowing WireEncoder, route: QueueRoute, originator: UUID128, receiver: KafkaProducer.Receiver,
        ticket: UInt32
    ) throws(KafkaError) {
        let topic = producer.topic(settings.topics.ruleEngine(topic: route.topic, isolated: route.isolatedTenant))
        let partition = Int32(Partitioner(count: route.partitions).partition(of: originator))
        try encoder.withBytes { value throws(KafkaError) in
            try produce(
                to: topic, partition: partition, key: originator, value: value, receiver: receiver, ticket: ticket)
        }
    }

    /// Queues a copy of a message for every partition (`rule-engine.md` 5.3). The one of its originator's partition keeps the
    /// id and is queued last: its delivery is the outcome. When there is no room for all, copies may come again.
    func produceCopies(
        of message: RuleMessage, _ encoder: inout WireEncoder, route: QueueRoute, receiver: KafkaProducer.Receiver,
        ticket: UInt32
    ) throws(KafkaError) {
        let topic = producer.topic(settings.topics.ruleEngine(topic: route.topic, isolated: route.isolatedTenant))
        let originator = message.originator.uuid
        let own = Partitioner(count: route.partitions).partition(of: originator)
        let correlation = UUID128.random()
        for partition in (0..<route.partitions).filter({ $0 != own }) + [own] {
            var copy = message
            if partition != own { copy.id = .random() }
            copy.duplicate = MessageDuplicate(correlationID: correlation, partition: Int32(partition))
            encoder.encode(copy)
            try encoder.withBytes { value throws(KafkaError) in
                try produce(
                    to: topic, partition: Int32(partition), key: originator, value: value,
                    receiver: partition == own ? receiver : .none, ticket: partition == own ? ticket : 0)
            }
        }
    }

    func produce(
        to topic: KafkaProducer.Topic, partition: Int32, key: UUID128, value: UnsafeRawBufferPointer,
        receiver: KafkaProducer.Receiver, ticket: UInt32
    ) throws(KafkaError) {
        var failure: KafkaError?
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 36) { text in
            key.write(to: text)
            do throws(KafkaError) {
                try producer.produce(
                    to: topic, partition: partition, key: UnsafeRawBufferPointer(text), value: value,
                    receiver: receiver, ticket: ticket)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Says why records were taken and not delivered.
    static func noteLost(_ count: Int, _ error: KafkaError, _ logger: Logger) {
        logger.limited(
            .error,
            error.isTooLarge
                ? "messages were larger than the broker takes (message.max.bytes, max.message.bytes)"
                : "messages were not delivered to Kafka; their senders get no acknowledgement",
            ["count": .integer(count), "error": .string(error.description)])
    }

    /// Says why a record was not taken.
    func noteRefused(_ error: KafkaError, topic: String) {
        guard !error.isQueueFull else { return }
        logger.limited(
            .error, error.isTooLarge ? "a message is larger than Kafka takes" : "a message was not taken by Kafka",
            ["kafka.topic": .string(topic), "error": .string(error.description)])
    }
}
