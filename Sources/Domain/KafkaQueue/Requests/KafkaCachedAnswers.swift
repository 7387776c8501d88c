public import Messages
import Kafka
import Logging
import Threads
import Wire

/// Lets devices in while this node waits for its database: whom the shared cache knows is accepted (`cluster.md` 11,
/// "Postgres down"). Limits of tenants are said to be unknown, so that nobody waits for them. Every other question is left to
/// those who can answer it, or to the time when this node can: nothing is committed.
///
/// Several nodes may do so at a time, and give the same answers.
public final class KafkaCachedAnswers: Sendable {
    private let hub: KafkaHub
    private let api: any TransportAPI
    private let consumer: KafkaConsumer
    private let sender: TransportAnswerSender
    private let thread = WorkerThread()

    /// - Parameter api: asked who devices are; that it does not know is no answer.
    public init(hub: KafkaHub, serviceID: String, api: any TransportAPI) throws {
        self.hub = hub
        self.api = api
        let names = hub.settings.topics
        var properties = hub.settings.consumerProperties(for: names.transportAPIRequests)
        properties["auto.offset.reset"] = "latest"
        consumer = try KafkaConsumer(properties, group: names.nodeGroup(serviceID), isPolled: true)
        sender = TransportAnswerSender(hub: hub)
    }

    /// Answers what is asked from now on.
    public func start() async throws {
        let count = try await hub.ensureTransportAPITopic()
        let topic = hub.settings.topics.transportAPIRequests
        try consumer.assign(
            (0..<count).map { KafkaPosition(topic: topic, partition: Int32($0), offset: KafkaPosition.end) })
        hub.logger.warning("the database cannot be reached; devices that the cache knows are let in")
        thread.start("kafka-cached") { [self] in run() }
    }

    /// Returns when nothing more is answered.
    public func stop() async { await thread.stop() }

    private func run() {
        let decoder = WireDecoder()
        while !thread.isStopping {
            // What cannot be read now is read later, or by others; they tell of it.
            _ = consumer.poll(upTo: 1000, milliseconds: 100) { record in accept(record, decoder) }
        }
    }

    private func accept(_ record: borrowing KafkaRecord, _ decoder: WireDecoder) {
        let now = WallClock.milliseconds()
        guard let address = TransportQuestionAddress(record, wallClock: now) else { return }
        guard !address.isExpired else { return sender.sendLate(wallClock: now, to: address) }
        guard let question = try? decoder.question(record.value) else { return }
        if case .transportLimits = question { return sender.send(.transportLimits(nil), to: address) }
        guard case .validate(let request) = question else { return }
        let (api, sender) = (api, sender)
        Task.detached {
            let answer = await api.validate(request)
            guard case .accepted = answer, !address.isExpired else { return }
            sender.send(.credentials(answer), to: address)
        }
    }
}
