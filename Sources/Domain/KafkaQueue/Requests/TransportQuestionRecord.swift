import Glibc
import Kafka
import Messages
import Metrics
import Wire

/// Whom a question is to be answered, and until when: what the headers of its record say (`cluster.md` 2.8).
struct TransportQuestionAddress: Sendable {
    let id: [UInt8]
    let topic: String
    /// Milliseconds since 1970.
    let expiry: Int64

    /// `nil` when a header is missing or none that a question has.
    init?(_ record: borrowing KafkaRecord) {
        guard let id = record.header(RequestHeaders.requestID), id.count == 16,
            let topicBytes = record.header(RequestHeaders.responseTopic),
            let topic = String(validating: topicBytes, as: UTF8.self), !topic.isEmpty,
            let expiry = record.header(RequestHeaders.expireTime).flatMap({ RequestHeaders.integer($0) })
        else { return nil }
        self.id = id
        self.topic = topic
        self.expiry = Int64(bitPattern: expiry)
    }

    /// Whoever asked does not wait any more.
    var isExpired: Bool {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return expiry <= Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}

/// Sends answers to transports. Safe from any thread.
struct TransportAnswerSender: Sendable {
    private let hub: KafkaHub
    private let receiver: KafkaProducer.Receiver
    private let answered: Counter

    init(hub: KafkaHub) {
        self.hub = hub
        receiver = hub.failureReceiver(topic: "transport API responses")
        answered = hub.metrics.counter("transport_api_answered_total", help: "Questions of transports answered.")
    }

    func send(_ answer: TransportAnswer, to address: TransportQuestionAddress) {
        var encoder = WireEncoder()
        encoder.encode(answer)
        do throws(KafkaError) {
            try encoder.withBytes { value throws(KafkaError) in
                try hub.producer.produce(
                    to: hub.producer.topic(address.topic), partition: 0,
                    key: UnsafeRawBufferPointer(start: nil, count: 0),
                    value: value, headers: [RequestHeaders.requestID: address.id], receiver: receiver)
            }
            answered.increment()
        } catch {
            hub.noteRefused(error, topic: address.topic)
        }
    }
}
