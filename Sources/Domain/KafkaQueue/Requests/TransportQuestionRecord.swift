import Kafka
import Messages
import Metrics
import Reactor
import Wire

/// Whom a question is to be answered, and until when: what the headers of its record say (`cluster.md` 2.8).
struct TransportQuestionAddress: Sendable {
    let id: [UInt8]
    let topic: String
    /// Whether it is asked again in this node's time when it is said to be late.
    let asksAgain: Bool
    /// By this process's own clock, so that a wall clock that is set meanwhile decides nothing.
    private let deadline: MonotonicTime

    /// `nil` when a header is missing or none that a question has.
    init?(_ record: borrowing KafkaRecord, wallClock now: Int64 = WallClock.milliseconds()) {
        guard let id = record.header(RequestHeaders.requestID), id.count == 16,
            let topicBytes = record.header(RequestHeaders.responseTopic),
            let topic = String(validating: topicBytes, as: UTF8.self), !topic.isEmpty,
            let expiry = record.header(RequestHeaders.expireTime).flatMap({ RequestHeaders.integer($0) })
        else { return nil }
        self.id = id
        self.topic = topic
        asksAgain = record.header(RequestHeaders.asksAgain) != nil
        let (left, overflow) = Int64(bitPattern: expiry).subtractingReportingOverflow(now)
        deadline = .now() + .milliseconds(overflow ? 0 : min(max(left, 0), Self.longest))
    }

    /// Nobody waits longer than a day; what comes from elsewhere may say anything.
    private static let longest: Int64 = 86_400_000

    /// By the clocks of both sides, whoever asked does not wait any more.
    var isExpired: Bool { left <= .zero }

    /// For so long whoever asked waits.
    var left: Duration { deadline - .now() }
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
        let isSent = encoder.withBytes { send($0, [RequestHeaders.requestID: address.id], to: address) }
        if isSent { answered.increment() }
    }

    /// Says that a question came after its time, and what time it is here. Who waits all the same asks again in that time.
    func sendLate(wallClock now: Int64, to address: TransportQuestionAddress) {
        guard address.asksAgain else { return }
        let clock = RequestHeaders.bytes(UInt64(bitPattern: now))
        _ = send(
            UnsafeRawBufferPointer(start: nil, count: 0),
            [RequestHeaders.requestID: address.id, RequestHeaders.lateAt: clock], to: address)
    }

    private func send(
        _ value: UnsafeRawBufferPointer, _ headers: KeyValuePairs<String, [UInt8]>, to address: TransportQuestionAddress
    ) -> Bool {
        do throws(KafkaError) {
            try hub.producer.produce(
                to: hub.producer.topic(address.topic), partition: 0, key: UnsafeRawBufferPointer(start: nil, count: 0),
                value: value, headers: headers, receiver: receiver)
            return true
        } catch {
            hub.noteRefused(error, topic: address.topic)
            return false
        }
    }
}
