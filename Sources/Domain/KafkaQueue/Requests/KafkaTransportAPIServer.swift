public import Kafka
public import Messages
import Glibc
import Logging
import Metrics
import Model
import Synchronization
import Wire

/// Answers transports' questions that come through Kafka (`cluster.md` 2.8, 3.3). Core nodes share the topic as one
/// consumer group: Kafka gives each some of its partitions.
///
/// A question whose time is over is skipped. While as many questions are in work as may be, no more are read. A failure
/// is answered as one.
public final class KafkaTransportAPIServer: Sendable {
    private let hub: KafkaHub
    private let api: any TransportAPI
    private let consumer: KafkaConsumer
    private let maximumPending: Int
    private let inWork = Atomic<Int>(0)
    private let receiver: KafkaProducer.Receiver
    private let state = Mutex(State())
    private let answered: Counter
    private let expired: Counter

    private struct State {
        var isRunning = false
        var isStopping = false
        var stopped: [CheckedContinuation<Void, Never>] = []
    }

    public init(hub: KafkaHub, api: any TransportAPI) throws(KafkaError) {
        self.hub = hub
        self.api = api
        maximumPending = hub.settings.maximumPendingRequests
        let names = hub.settings.topics
        var properties = hub.settings.consumerProperties(for: names.transportAPIRequests)
        // At most once is enough: who asked asks again.
        properties["enable.auto.commit"] = "true"
        properties["enable.auto.offset.store"] = "true"
        properties["auto.commit.interval.ms"] = "1000"
        // A question that came before this node knew where to begin is answered; one that is too old is skipped anyway.
        properties["auto.offset.reset"] = "earliest"
        properties["heartbeat.interval.ms"] = properties["heartbeat.interval.ms"] ?? "1000"
        consumer = try KafkaConsumer(properties, group: names.transportAPIGroup, isPolled: true)
        receiver = hub.failureReceiver(topic: "transport API responses")
        answered = hub.metrics.counter("transport_api_answered_total", help: "Questions of transports answered.")
        expired = hub.metrics.counter(
            "transport_api_expired_total", help: "Questions of transports that came too late to be answered.")
    }

    /// Creates the topic of questions if it is missing, joins the group and starts to answer.
    public func start() async throws {
        let names = hub.settings.topics
        let properties = hub.settings.transportAPITopic
        try await hub.ensureTopics([
            hub.specification(names.transportAPIRequests, properties, partitions: properties.partitions ?? 10)
        ])
        try consumer.subscribe(to: names.transportAPIRequests)
        state.withLock { $0.isRunning = true }
        Thread.start("kafka-api") { [self] in run() }
    }

    /// Leaves the group, so that others take over at once, after answering what was read.
    public func stop() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                state.isStopping = true
                guard state.isRunning else { return true }
                state.stopped.append(continuation)
                return false
            }
            if isIdle { continuation.resume() }
        }
    }

    // MARK: - The thread

    private func run() {
        let decoder = WireDecoder()
        while !state.withLock({ $0.isStopping }) {
            let room = maximumPending - inWork.load(ordering: .relaxed)
            guard room > 0 else {
                usleep(2000)
                continue
            }
            let errors = consumer.poll(upTo: min(room, 1000), milliseconds: 200) { record in accept(record, decoder) }
            if let error = errors.first {
                hub.logger.limited(
                    .warning, "questions of transports cannot be read now", ["error": .string(error.description)])
            }
        }
        consumer.close()
        // What was read is answered, as far as that takes no time.
        var rounds = 0
        while inWork.load(ordering: .relaxed) > 0, rounds < 500 {
            usleep(2000)
            rounds += 1
        }
        let stopped = state.withLock { state in
            state.isRunning = false
            defer { state.stopped = [] }
            return state.stopped
        }
        for continuation in stopped { continuation.resume() }
    }

    private func accept(_ record: borrowing KafkaRecord, _ decoder: WireDecoder) {
        guard let id = record.header(RequestHeaders.requestID), id.count == 16,
            let topicBytes = record.header(RequestHeaders.responseTopic),
            let topic = String(validating: topicBytes, as: UTF8.self), !topic.isEmpty,
            let expiry = record.header(RequestHeaders.expireTime).flatMap({ RequestHeaders.integer($0) })
        else { return hub.deadLetters.add(record, error: "the headers of a question are missing") }
        guard Int64(bitPattern: expiry) > Self.wallClock() else {
            expired.increment()
            return
        }
        let question: TransportQuestion
        do throws(WireError) {
            question = try decoder.question(record.value)
        } catch {
            hub.deadLetters.add(record, error: error.description)
            return reply(.failure(error.description), id: id, topic: topic)
        }
        inWork.add(1, ordering: .relaxed)
        Task { [self] in
            let answer = await answer(question)
            inWork.subtract(1, ordering: .relaxed)
            guard Int64(bitPattern: expiry) > Self.wallClock() else {
                expired.increment()
                return
            }
            reply(answer, id: id, topic: topic)
        }
    }

    private func answer(_ question: TransportQuestion) async -> TransportAnswer {
        switch question {
        case .validate(let request): .credentials(await api.validate(request))
        case .validateOrCreate(let chain): .credentials(await api.validateOrCreate(certificateChain: chain))
        case .getOrCreateDevice(let gateway, let name, let type):
            .gatewayDevice(await api.getOrCreateDevice(gateway: gateway, name: name, type: type))
        case .provision(let request): .provision(await api.provision(request))
        case .otaPackage(let device, let tenant, let kind):
            .otaPackage(await api.otaPackage(device: device, tenant: tenant, kind: kind))
        case .otaPackageData(let id, let offset, let length):
            .otaPackageData(await api.otaPackageData(id, offset: offset, length: min(length, Self.maximumChunk)))
        case .transportLimits(let tenant): .transportLimits(await api.transportLimits(tenant))
        }
    }

    /// Bytes of an OTA package in one answer: below what a broker takes by default.
    private static let maximumChunk = 512 << 10

    private func reply(_ answer: TransportAnswer, id: [UInt8], topic: String) {
        var encoder = WireEncoder()
        encoder.encode(answer)
        do throws(KafkaError) {
            try encoder.withBytes { value throws(KafkaError) in
                try hub.producer.produce(
                    to: hub.producer.topic(topic), partition: 0, key: UnsafeRawBufferPointer(start: nil, count: 0),
                    value: value, headers: [RequestHeaders.requestID: id], receiver: receiver)
            }
            answered.increment()
        } catch {
            hub.noteRefused(error, topic: topic)
        }
    }

    private static func wallClock() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}
