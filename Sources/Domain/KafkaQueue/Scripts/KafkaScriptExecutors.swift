public import Messages
public import Queue
import Kafka
import Logging
import Metrics
import Model
import Reactor
import Synchronization

/// Asks executors of scripts through Kafka (`rule-engine.md` 6.3, `cluster.md` 2.8): ours or the reference platform's. Safe from
/// any thread.
///
/// A request without an answer fails when its time is over, by the monotonic clock, at most a fraction of a second late. An
/// answer that comes later is left out.
public final class KafkaScriptExecutors: ScriptExecutors {
    private typealias Answer = Result<ScriptReply, ScriptRequestError>
    private typealias Waiter = CheckedContinuation<Answer, Never>

    private let hub: KafkaHub
    private let topic: KafkaProducer.Topic
    private let responseTopic: [UInt8]
    /// Upper half of the ids of this instance's requests.
    private let instance = UInt64.random(in: 0...UInt64.max)
    private let pending: Mutex<PendingReplies<Waiter>>
    private let receiver: KafkaProducer.Receiver
    private let box: Box
    private let asked: Counter
    private let timeouts: Counter
    private let refused: Counter

    /// Before the node is started.
    ///
    /// - Parameter maximumPending: `REMOTE_JS_MAX_PENDING_REQUESTS`.
    public init(node: KafkaNode, maximumPending: Int) {
        hub = node.hub
        let names = hub.settings.topics
        topic = hub.producer.topic(names.scriptRequests)
        let responses = names.scriptResponses(node.serviceID)
        responseTopic = Array(responses.utf8)
        pending = Mutex(PendingReplies(maximum: maximumPending))
        let box = Box()
        self.box = box
        receiver = hub.producer.addReceiver { reports in
            for report in reports where !report.isDelivered {
                box.executors?.finish(report.ticket, .failure(.notSent(report.error?.description ?? "")))
            }
        }
        asked = hub.metrics.counter("js_remote_requests_total", help: "Requests to executors of scripts.")
        timeouts = hub.metrics.counter(
            "js_remote_timeouts_total", help: "Requests that no executor of scripts answered in time.")
        refused = hub.metrics.counter(
            "js_remote_refused_total", help: "Requests to executors of scripts that were one too many.")
        hub.metrics.gauge("js_remote_pending", help: "Requests to executors of scripts without an answer.") {
            Double(box.executors?.pendingCount ?? 0)
        }
        node.register(topic: responses, properties: hub.settings.scriptTopic) { record in box.executors?.receive(record)
        }
        node.onTick { box.executors?.sweep() }
        box.executors = self
    }

    /// Lets callbacks reach what owns them without keeping it alive.
    private final class Box: Sendable {
        private struct Weak { weak var executors: KafkaScriptExecutors? }
        private let reference = Mutex<Weak>(Weak())
        var executors: KafkaScriptExecutors? {
            get { reference.withLock { $0.executors } }
            set { reference.withLock { $0.executors = newValue } }
        }
    }

    /// Creates the topic of requests if it is missing.
    public func ensureTopics() async throws { try await hub.ensureScriptTopic() }

    public var pendingCount: Int { pending.withLock { $0.count } }

    // MARK: - Asking

    public func ask(
        _ request: ScriptRequest, within limit: Duration
    ) async throws(ScriptRequestError) -> ScriptReply {
        asked.increment()
        let answer = await withCheckedContinuation { (continuation: Waiter) in
            let deadline = MonotonicTime.now() + limit
            guard let ticket = pending.withLock({ $0.add(continuation, until: deadline) }) else {
                refused.increment()
                hub.logger.limited(.warning, "too many requests to executors of scripts wait for their answers")
                return continuation.resume(returning: .failure(.tooMany))
            }
            send(request, ticket, expiry: WallClock.milliseconds() + limit.wholeMilliseconds)
        }
        return try answer.get()
    }

    private func send(_ request: ScriptRequest, _ ticket: UInt32, expiry: Int64) {
        let id = UUID128(high: instance, low: UInt64(ticket))
        let bytes = RequestHeaders.bytes(id)
        // Any partition, so that any executor comes to it.
        let failure = hub.produce(
            to: topic, partition: nil, key: UUID128.random().text, value: ScriptRecord.encode(request),
            headers: [
                RequestHeaders.requestID: bytes, RequestHeaders.responseTopic: responseTopic,
                RequestHeaders.expireTime: RequestHeaders.bytes(UInt64(bitPattern: expiry)),
            ], receiver: receiver, ticket: ticket)
        if let failure { finish(ticket, .failure(.notSent(failure.description))) }
    }

    private func finish(_ ticket: UInt32, _ answer: Answer) {
        pending.withLock { $0.take(ticket) }?.resume(returning: answer)
    }

    // MARK: - On the node's thread

    private func receive(_ record: borrowing KafkaRecord) {
        // Another upper half: for an earlier life of this service.
        guard let id = RequestHeaders.uuid(record.header(RequestHeaders.requestID)), id.high == instance else { return }
        let ticket = UInt32(truncatingIfNeeded: id.low)
        guard let reply = ScriptRecord.reply(record.value) else {
            hub.logger.limited(.error, "the answer of an executor of scripts cannot be read")
            return finish(ticket, .failure(.notSent("the answer cannot be read")))
        }
        finish(ticket, .success(reply))
    }

    private func sweep() {
        let late = pending.withLock { $0.takeOverdue(.now()) }
        guard !late.isEmpty else { return }
        timeouts.increment(by: late.count)
        hub.logger.limited(.warning, "no executor of scripts answered in time", ["count": .integer(late.count)])
        for waiter in late { waiter.resume(returning: .failure(.noAnswer)) }
    }
}

extension KafkaHub {
    /// Creates the topic of requests to executors of scripts if it is missing. One that is there may have any number of
    /// partitions: whoever made it decided (`cluster.md` 2.2).
    func ensureScriptTopic() async throws {
        let properties = settings.scriptTopic
        let topic = specification(
            settings.topics.scriptRequests, properties,
            partitions: properties.partitions ?? KafkaSettings.defaultScriptPartitions)
        try await ensureTopics([topic], acceptFewerPartitions: true)
    }

    /// Queues a record whose key is a text; returns why it was not taken.
    func produce(
        to topic: KafkaProducer.Topic, partition: Int32?, key: String, value: [UInt8],
        headers: KeyValuePairs<String, [UInt8]>, receiver: KafkaProducer.Receiver, ticket: UInt32 = 0
    ) -> KafkaError? {
        let key = Array(key.utf8)
        return key.withUnsafeBytes { key in
            value.withUnsafeBytes { value in
                do throws(KafkaError) {
                    try producer.produce(
                        to: topic, partition: partition, key: key, value: value, headers: headers, receiver: receiver,
                        ticket: ticket)
                    return nil
                } catch {
                    return error
                }
            }
        }
    }
}
