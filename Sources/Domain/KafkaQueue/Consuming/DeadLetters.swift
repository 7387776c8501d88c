import Kafka
import Logging
import Metrics

/// Records that cannot be read: counted, logged, kept in the topic `<topic>.dead_letters` with where they come from and
/// what is wrong with them in headers. Safe from any thread.
final class DeadLetters: Sendable {
    private let producer: KafkaProducer
    private let names: KafkaTopicNames
    private let logger: Logger
    private let count: Counter

    init(producer: KafkaProducer, names: KafkaTopicNames, logger: Logger, metrics: MetricsRegistry) {
        self.producer = producer
        self.names = names
        self.logger = logger
        count = metrics.counter("kafka_dead_letters_total", help: "Records that could not be read.")
    }

    func add(_ record: borrowing KafkaRecord, error: String) {
        count.increment()
        let topic = record.topic
        logger.limited(
            .error, "a record cannot be read; it is skipped and kept as a dead letter",
            [
                "kafka.topic": .string(topic), "kafka.partition": .integer(Int(record.partition)),
                "kafka.offset": .integer(Int(record.offset)), "error": .string(error),
            ])
        do throws(KafkaError) {
            try producer.produce(
                to: producer.topic(names.deadLetters(of: topic)), partition: nil, key: record.key, value: record.value,
                headers: [
                    "topic": Array(topic.utf8), "partition": Array(String(record.partition).utf8),
                    "offset": Array(String(record.offset).utf8), "error": Array(error.utf8),
                ])
        } catch {
            logger.limited(.error, "a dead letter is lost", ["error": .string(error.description)])
        }
    }
}
