import Kafka
import Logging
import Metrics
import Synchronization

/// Records that cannot be read: counted, logged, kept in the topic `<topic>.dead_letters` with where they come from and
/// what is wrong with them in headers. Safe from any thread.
///
/// A letter that Kafka does not take in time is sent again until it does; one that it will never take (there is no such
/// topic, the letter is too large) is lost, counted and logged.
final class DeadLetters: Sendable {
    private struct Letter: Sendable {
        let topic: String
        let key: [UInt8]
        let value: [UInt8]
        let source: String
        let partition: String
        let offset: String
        let error: String
        let done: @Sendable () -> Void
    }

    private struct State {
        var letters: [UInt32: Letter] = [:]
        var next: UInt32 = 0
    }

    private let producer: KafkaProducer
    private let names: KafkaTopicNames
    private let logger: Logger
    private let count: Counter
    private let lost: Counter
    private let state = Mutex(State())
    /// Set once, by ``init``.
    private let receiver = Mutex(KafkaProducer.Receiver.none)

    /// Before a letter that was not delivered is sent again.
    private static let pause = Duration.seconds(1)

    init(producer: KafkaProducer, names: KafkaTopicNames, logger: Logger, metrics: MetricsRegistry) {
        self.producer = producer
        self.names = names
        self.logger = logger
        count = metrics.counter("kafka_dead_letters_total", help: "Records that could not be read.")
        lost = metrics.counter(
            "kafka_dead_letters_lost_total", help: "Records that could not be read, and were not kept either.")
        let made = producer.addReceiver { [weak self] reports in
            for report in reports { self?.reported(report.ticket, report.error) }
        }
        receiver.withLock { $0 = made }
    }

    /// - Parameter done: called once, from any thread, when the letter is stored or lost for good.
    func add(_ record: borrowing KafkaRecord, error: String, done: @escaping @Sendable () -> Void = {}) {
        count.increment()
        let topic = record.topic
        logger.limited(
            .error, "a record cannot be read; it is skipped and kept as a dead letter",
            [
                "kafka.topic": .string(topic), "kafka.partition": .integer(Int(record.partition)),
                "kafka.offset": .integer(Int(record.offset)), "error": .string(error),
            ])
        let letter = Letter(
            topic: names.deadLetters(of: topic), key: Array(record.key), value: Array(record.value), source: topic,
            partition: String(record.partition), offset: String(record.offset), error: error, done: done)
        let ticket = state.withLock { state in
            while state.letters[state.next] != nil { state.next &+= 1 }
            defer { state.next &+= 1 }
            state.letters[state.next] = letter
            return state.next
        }
        send(ticket)
    }

    /// Letters that are not known to be stored.
    var waitingCount: Int { state.withLock { $0.letters.count } }

    private func send(_ ticket: UInt32) {
        guard let letter = state.withLock({ $0.letters[ticket] }) else { return }
        let receiver = receiver.withLock { $0 }
        do throws(KafkaError) {
            var failure: KafkaError?
            letter.key.withUnsafeBytes { key in
                letter.value.withUnsafeBytes { value in
                    do throws(KafkaError) {
                        try producer.produce(
                            to: producer.topic(letter.topic), partition: nil, key: key, value: value,
                            headers: [
                                "topic": Array(letter.source.utf8), "partition": Array(letter.partition.utf8),
                                "offset": Array(letter.offset.utf8), "error": Array(letter.error.utf8),
                            ], receiver: receiver, ticket: ticket)
                    } catch {
                        failure = error
                    }
                }
            }
            if let failure { throw failure }
        } catch {
            failed(ticket, error)
        }
    }

    private func reported(_ ticket: UInt32, _ error: KafkaError?) {
        if let error { failed(ticket, error) } else { end(ticket) }
    }

    private func failed(_ ticket: UInt32, _ error: KafkaError) {
        // Nothing of this process is sent any more; who reads the record next keeps it.
        guard !error.isClientClosed else { return state.withLock { $0.letters[ticket] = nil } }
        guard error.mayPass else {
            lost.increment()
            logger.limited(.error, "a dead letter is lost", ["error": .string(error.description)])
            return end(ticket)
        }
        logger.limited(.warning, "a dead letter is not stored yet", ["error": .string(error.description)])
        Task.detached { [weak self] in
            try? await Task.sleep(for: Self.pause)
            self?.send(ticket)
        }
    }

    private func end(_ ticket: UInt32) {
        let letter = state.withLock { $0.letters.removeValue(forKey: ticket) }
        letter?.done()
    }
}
