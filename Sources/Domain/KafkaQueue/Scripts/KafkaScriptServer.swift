public import Messages
import CLinux
import Glibc
import Kafka
import Logging
import Metrics
import Model
import Reactor
import Synchronization
import Threads

/// Serves requests for scripts that come through Kafka (`rule-engine.md` 6.3), for one or many platforms: each request says where
/// its answer goes. Kafka's group divides the partitions among executors; none of them is known to the cluster.
///
///     let server = try KafkaScriptServer(hub: hub, maximumInWork: 64) { request, left in await run(request) }
///     try await server.start()
///
/// A request whose time is over is skipped. One is done when it is answered: those that an executor had in work when it was
/// killed are answered by the next owner of their partition, if there is time. While as many are in work as may be, no more are
/// read.
public final class KafkaScriptServer: Sendable {
    /// Serves one request.
    ///
    /// - Parameter left: for so long somebody waits for the answer.
    public typealias Handler = @Sendable (_ request: ScriptRequest, _ left: Duration) async -> ScriptReply

    private let hub: KafkaHub
    private let consumer: KafkaConsumer
    private let maximumInWork: Int
    private let handler: Handler
    private let wallClock: @Sendable () -> Int64
    private let work = Mutex(OffsetsInWork())
    /// Becomes readable when a request is done.
    private let wakeDescriptor: Int32
    private let thread = WorkerThread()
    private let patience: Duration
    private let receiver: KafkaProducer.Receiver
    private let answered: Counter
    private let expired: Counter
    private let unreadable: Counter

    /// Commits are not waited for; one that was lost, while the group changed, is made up for after so long.
    private static let commitRepetition = Duration.seconds(5)

    /// - Parameters:
    ///   - maximumInWork: requests in work, those that wait for a free worker included.
    ///   - patience: how long ``stop()`` waits for what is in work.
    ///   - wallClock: milliseconds since 1970.
    public init(
        hub: KafkaHub, maximumInWork: Int, patience: Duration = .seconds(5),
        wallClock: @escaping @Sendable () -> Int64 = WallClock.milliseconds, handler: @escaping Handler
    ) throws {
        self.hub = hub
        self.maximumInWork = maximumInWork
        self.patience = patience
        self.wallClock = wallClock
        self.handler = handler
        let topic = hub.settings.topics.scriptRequests
        var properties = hub.settings.consumerProperties(for: topic)
        // Too old a request is skipped, so that the first members of a group miss none.
        properties["auto.offset.reset"] = "earliest"
        // Only what moves stands still while executors come and go.
        properties["partition.assignment.strategy"] = "cooperative-sticky"
        properties["heartbeat.interval.ms"] = "1000"
        // A request that waits here is one that no other executor takes.
        properties["queued.max.messages.kbytes"] = "1024"
        consumer = try KafkaConsumer(properties, group: hub.settings.topics.scriptGroup, isPolled: true)
        wakeDescriptor = needletail_eventfd()
        receiver = hub.failureReceiver(topic: "answers of scripts")
        answered = hub.metrics.counter(
            "js_executor_requests_total", help: "Requests for scripts.", labels: ["result": "answered"])
        expired = hub.metrics.counter("js_executor_requests_total", help: "", labels: ["result": "expired"])
        unreadable = hub.metrics.counter("js_executor_requests_total", help: "", labels: ["result": "unreadable"])
        hub.metrics.gauge("js_executor_in_work", help: "Requests for scripts that are in work.") { [weak self] in
            Double(self?.inWork ?? 0)
        }
        hub.metrics.gauge(
            "js_executor_partitions", help: "Partitions of requests that the group gave to this executor."
        ) {
            [weak self] in Double(self?.consumer.assignment.count ?? 0)
        }
    }

    deinit { _ = Glibc.close(wakeDescriptor) }

    public var inWork: Int { work.withLock { $0.count } }

    /// Whether Kafka's group counts this executor in: it may have no partition all the same, where there are more executors.
    public var isMember: Bool { consumer.isMember }

    // MARK: - Life

    /// Creates the topic of requests if it is missing, and joins the group.
    public func start() async throws {
        try await hub.ensureScriptTopic()
        try consumer.subscribe([hub.settings.topics.scriptRequests])
        thread.start("kafka-scripts") { [self] in run() }
    }

    /// Reads no more, answers what is in work, commits, and leaves the group.
    public func stop() async { await thread.stop() }

    private func run() {
        var commitsAfter = MonotonicTime.now()
        var repeatsAfter = MonotonicTime.now() + Self.commitRepetition
        while !thread.isStopping {
            let room = maximumInWork - inWork
            if room > 0 { read(upTo: room) } else { awaitRoom() }
            guard MonotonicTime.now() >= commitsAfter else { continue }
            commitsAfter = .now() + hub.settings.commitInterval
            let again = MonotonicTime.now() >= repeatsAfter
            if again { repeatsAfter = .now() + Self.commitRepetition }
            commit(again: again)
        }
        let deadline = MonotonicTime.now() + patience
        while inWork > 0, MonotonicTime.now() < deadline { awaitRoom() }
        commit(again: true)
        consumer.leave()
    }

    private func read(upTo count: Int) {
        let errors = consumer.poll(upTo: count, milliseconds: 50) { record in take(record) }
        guard let error = errors.first else { return }
        hub.logger.limited(
            .warning, "requests for scripts cannot be read now", ["error": .string(error.description)])
    }

    private func awaitRoom() {
        var waited = pollfd(fd: wakeDescriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&waited, 1, 50)
        var count: UInt64 = 0
        _ = Glibc.read(wakeDescriptor, &count, 8)
    }

    private func commit(again: Bool) {
        let topic = hub.settings.topics.scriptRequests
        let assigned = Set(consumer.assignment.map(\.partition))
        let offsets = work.withLock { $0.takeCommittable(assigned, again: again) }
        guard !offsets.isEmpty else { return }
        do throws(KafkaError) {
            try consumer.commitLater(
                offsets.map { KafkaPosition(topic: topic, partition: $0.key, offset: $0.value) })
        } catch {
            hub.logger.limited(.warning, "offsets cannot be committed now", ["error": .string(error.description)])
        }
    }

    // MARK: - Requests

    private func take(_ record: borrowing KafkaRecord) {
        let (partition, offset) = (record.partition, record.offset)
        work.withLock { $0.begin(offset, of: partition) }
        guard let address = TransportQuestionAddress(record, wallClock: wallClock()),
            let id = RequestHeaders.uuid(address.id), let request = ScriptRecord.request(record.value)
        else {
            unreadable.increment()
            hub.logger.limited(.error, "a request for a script cannot be read; it is skipped")
            return finish(offset, partition)
        }
        let left = address.left
        guard left > .zero else {
            expired.increment()
            hub.logger.limited(
                .warning, "a request for a script came after its time: this process is behind, or clocks differ",
                ["kafka.topic": .string(address.topic)])
            return finish(offset, partition)
        }
        Task.detached { [self] in
            let reply = await handler(request, left)
            send(reply, to: request, address, id)
            finish(offset, partition)
        }
    }

    private func finish(_ offset: Int64, _ partition: Int32) {
        work.withLock { $0.finish(offset, of: partition) }
        needletail_eventfd_signal(wakeDescriptor)
    }

    /// What does not fit into a record is answered by a failure that says so.
    private func send(
        _ reply: ScriptReply, to request: ScriptRequest, _ address: TransportQuestionAddress, _ id: UUID128
    ) {
        guard let error = produce(reply, to: request, address, id) else { return answered.increment() }
        guard error.isTooLarge, case .result = reply else { return hub.noteRefused(error, topic: address.topic) }
        let failure = ScriptReply.failed(.tooLarge, details: "Error: the result is larger than a message may be")
        if produce(failure, to: request, address, id) == nil { answered.increment() }
    }

    private func produce(
        _ reply: ScriptReply, to request: ScriptRequest, _ address: TransportQuestionAddress, _ id: UUID128
    ) -> KafkaError? {
        hub.produce(
            to: hub.producer.topic(address.topic), partition: 0, key: id.text,
            value: ScriptRecord.encode(reply, to: request, id: id),
            headers: [RequestHeaders.requestID: address.id, RequestHeaders.responseTopic: Array(address.topic.utf8)],
            receiver: receiver)
    }
}
