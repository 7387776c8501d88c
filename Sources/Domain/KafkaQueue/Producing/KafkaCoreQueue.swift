public import Messages
public import Model
public import Queue
import Cluster
import Kafka
import Logging
import Metrics
import Wire

/// The producing face of the core queue on Kafka, by device id. Safe from any thread.
///
/// A message that was taken is sent until it is delivered or its time is over; one that was not delivered is counted
/// and logged. What it tells is told again: activity is reported now and then, and devices ask again.
public final class KafkaCoreQueue: CoreQueueProducer {
    private let hub: KafkaHub
    private let topic: KafkaProducer.Topic
    private let partitioner: Partitioner
    private let receiver: KafkaProducer.Receiver

    public init(hub: KafkaHub) {
        self.hub = hub
        topic = hub.producer.topic(hub.settings.topics.core)
        partitioner = Partitioner(count: hub.settings.corePartitions)
        receiver = hub.failureReceiver(topic: hub.settings.topics.core)
    }

    /// Creates the core's topic if it is missing, and its dead letters'.
    public func ensureTopics() async throws {
        let name = hub.settings.topics.core
        try await hub.ensureTopics([
            hub.specification(name, hub.settings.coreTopic, partitions: partitioner.count),
            hub.specification(hub.settings.topics.deadLetters(of: name), hub.settings.coreTopic, partitions: 1),
        ])
    }

    public func send(_ message: CoreMessage, device: DeviceID) -> Bool {
        var encoder = WireEncoder()
        encoder.encode(message)
        do throws(KafkaError) {
            try encoder.withBytes { value throws(KafkaError) in
                try hub.produce(
                    to: topic, partition: Int32(partitioner.partition(of: device.uuid)), key: device.uuid, value: value,
                    receiver: receiver, ticket: 0)
            }
            return true
        } catch {
            hub.noteRefused(error, topic: hub.settings.topics.core)
            return false
        }
    }
}

extension KafkaHub {
    /// Counts and logs records that nobody waits for and that were not delivered.
    func failureReceiver(topic: String) -> KafkaProducer.Receiver {
        let failures = metrics.counter(
            "kafka_notification_failures_total", help: "Messages between services that were not delivered.")
        let logger = logger
        return producer.addReceiver { reports in
            let failed = reports.filter { !$0.isDelivered }
            guard let first = failed.first?.error else { return }
            failures.increment(by: failed.count)
            logger.limited(
                .warning, "messages between services were not delivered",
                [
                    "kafka.topic": .string(topic), "count": .integer(failed.count), "error": .string(first.description),
                ])
        }
    }
}
