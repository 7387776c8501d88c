public import Kafka
public import Logging
public import Metrics
import Threads

/// What all Kafka queues of a process share: settings, the one producer, topics that are made sure of, logs and
/// metrics. Safe from any thread.
public final class KafkaHub: Sendable {
    public let settings: KafkaSettings
    public let logger: Logger
    public let metrics: MetricsRegistry
    let producer: KafkaProducer
    let deadLetters: DeadLetters

    /// - Parameters:
    ///   - serviceID: names this client in the broker's logs.
    /// - Throws: when librdkafka refuses a setting; it is named. Nothing is connected yet.
    public init(
        settings: KafkaSettings, serviceID: String, logger: Logger, metrics: MetricsRegistry
    ) throws(KafkaError) {
        var settings = settings
        settings.common["client.id"] = settings.common["client.id"] ?? serviceID
        self.settings = settings
        self.logger = logger
        self.metrics = metrics
        producer = try KafkaProducer(settings.common.merging(settings.producer)) { event in
            Self.log(event, logger, client: "producer")
        }
        // A consumer setting that is wrong is found now, not when the first partition comes.
        _ = try KafkaConsumer(settings.common.merging(settings.consumer), group: "check")
        deadLetters = DeadLetters(producer: producer, names: settings.topics, logger: logger, metrics: metrics)
        let producer = producer
        metrics.gauge("kafka_producer_outstanding", help: "Records that wait for their delivery report.") {
            Double(producer.outstandingCount)
        }
    }

    /// Sends what is queued and ends the producer; what cannot be sent in time is reported as lost.
    public func close(within limit: Duration = .seconds(5)) async {
        let producer = producer
        await DetachedThread.result("kafka-close") { producer.close(within: limit) }
    }

    // MARK: - Topics

    /// Creates the topics that are missing. Tries again, with growing pauses, until it succeeds or the task is
    /// cancelled: services start in any order.
    ///
    /// - Throws: what trying again does not help: a topic with fewer partitions than asked for, a setting that the
    /// broker
    ///   refuses; the last failure when the task is cancelled.
    /// - Parameter acceptFewerPartitions: topics that are there may have fewer partitions than asked for.
    /// - Returns: how many partitions each topic has.
    @discardableResult
    public func ensureTopics(
        _ topics: [KafkaTopicSpecification], acceptFewerPartitions: Bool = false
    ) async throws -> [String: Int] {
        var pause = Duration.milliseconds(250)
        while true {
            do {
                return try await ensureOnce(topics, acceptFewerPartitions)
            } catch let error as KafkaTopicError {
                throw error
            } catch let error as KafkaError where error.isPermanent {
                throw error
            } catch {
                guard !Task.isCancelled else { throw error }
                logger.warning("Kafka topics cannot be made sure of yet", ["error": .string(String(describing: error))])
                try await Task.sleep(for: pause + .milliseconds(Int.random(in: 0...250)))
                pause = min(pause * 2, .seconds(10))
            }
        }
    }

    private func ensureOnce(
        _ topics: [KafkaTopicSpecification], _ acceptFewerPartitions: Bool
    ) async throws -> [String: Int] {
        let common = settings.common
        let result: Result<[String: Int], any Error> = await DetachedThread.result("kafka-admin") {
            Result {
                let admin = try KafkaAdmin(common)
                // Who may not create topics may use those that somebody else created.
                var missing: [KafkaTopicSpecification] = []
                for topic in topics {
                    if try admin.partitionCount(of: topic.name, milliseconds: 10_000) == nil { missing.append(topic) }
                }
                try admin.create(missing, milliseconds: 10_000)
                var counts: [String: Int] = [:]
                for topic in topics {
                    guard let count = try admin.partitionCount(of: topic.name, milliseconds: 10_000) else {
                        throw KafkaError("describe topic \(topic.name)", code: 3, text: "the topic is not there yet")
                    }
                    guard count >= topic.partitions || acceptFewerPartitions else {
                        throw KafkaTopicError(topic: topic.name, partitions: count, needed: topic.partitions)
                    }
                    counts[topic.name] = count
                }
                return counts
            }
        }
        return try result.get()
    }

    /// A topic of a family.
    func specification(_ name: String, _ properties: TopicProperties, partitions: Int) -> KafkaTopicSpecification {
        KafkaTopicSpecification(
            name: name, partitions: partitions, replicationFactor: settings.replicationFactor,
            configuration: properties.configuration)
    }

    // MARK: - Logs

    static func log(_ event: KafkaEvent, _ logger: Logger, client: String) {
        switch event {
        case .error(let error):
            var values: LogMetadata = ["client": .string(client), "error": .string(error.description)]
            if let hint = hint(error.text) { values["hint"] = .string(hint) }
            logger.limited(.warning, "Kafka client error", values)
        case .fatal(let error):
            logger.limited(
                .error, "Kafka client failed for good and is replaced",
                ["client": .string(client), "error": .string(error.description)])
        case .log(let level, let facility, let text):
            // Failures of connections are events of their own.
            guard level <= 4, facility != "FAIL" else { return }
            logger.limited(
                .notice, "Kafka client says",
                ["client": .string(client), "facility": .string(facility), "text": .string(text)])
        case .committed:
            break
        }
    }

    /// What OpenSSL's words mean for an operator.
    private static func hint(_ text: String) -> String? {
        guard text.contains("SSL") else { return nil }
        if text.contains("unexpected eof") || text.contains("wrong version number") {
            return "is that listener of the broker one without TLS?"
        }
        return nil
    }
}

/// A topic that exists and is not what it must be.
public struct KafkaTopicError: Error, Sendable, Equatable, CustomStringConvertible {
    public let topic: String
    public let partitions: Int
    public let needed: Int

    public var description: String {
        "topic \(topic) has \(partitions) partitions; \(needed) are configured"
    }
}

extension KafkaError {
    /// Trying again does not help: POLICY_VIOLATION, INVALID_CONFIG, INVALID_REPLICATION_FACTOR of a settled cluster
    /// are left out, because brokers join one after the other.
    var isPermanent: Bool { [40, 44].contains(code) || operation.hasPrefix("Kafka setting") }
}
