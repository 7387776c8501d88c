public import Cluster
public import Messages
import Kafka
import Logging
import Metrics
import Synchronization
import Wire

/// Answers transports' questions that come through Kafka (`cluster.md` 2.8, 3.3): those of the partitions that this node
/// owns. Kafka's groups have no part in it: who reads what is known as soon as the members are.
///
///     let server = KafkaTransportAPIServer(hub: hub, isOwner: { lease.isValid })
///     let partitions = try await server.start(answeredBy: api)
///     await membership.assign(PartitionedQueue(name: "transport_api", partitions: partitions, role: .core), to: server)
///
/// A question whose time is over is skipped; whoever asked is told the time here, in case that the clocks differ. While as many questions are in work as may be, no more are read. A failure
/// is answered as one. A question is done when it is answered: those of a node that is killed are answered by the next owner
/// of their partition, if there is time.
///
/// Who cannot be sure of its partitions goes on to answer: most questions may be answered twice. Only devices are not
/// provisioned then.
public final class KafkaTransportAPIServer: PartitionConsumer {
    private let hub: KafkaHub
    private let partitions: KafkaPartitionConsumer
    private let isOwner: @Sendable () -> Bool
    private let patience: Duration
    private let wallClock: @Sendable () -> Int64
    private let state = Mutex(State())

    private struct State {
        /// What the newest call of ``own(_:)`` named.
        var wanted: Set<Int> = []
        var isStarted = false
    }

    /// - Parameters:
    ///   - isOwner: whether this process may act as an owner now; asked from any thread.
    ///   - patience: how long ``stop()`` waits for what is in work.
    ///   - wallClock: milliseconds since 1970.
    public init(
        hub: KafkaHub, isOwner: @escaping @Sendable () -> Bool = { true }, patience: Duration = .seconds(5),
        wallClock: @escaping @Sendable () -> Int64 = WallClock.milliseconds
    ) throws {
        self.wallClock = wallClock
        self.hub = hub
        self.patience = patience
        self.isOwner = isOwner
        let names = hub.settings.topics
        let share = hub.settings.maximumPendingRequests / (hub.settings.transportAPITopic.partitions ?? 10)
        partitions = try KafkaPartitionConsumer(
            hub: hub, topic: names.transportAPIRequests, group: names.transportAPIGroup,
            properties: KafkaProperties([
                // A question that came before this node knew where to begin is answered; one that is too old is skipped.
                "auto.offset.reset": "earliest", "enable.partition.eof": "true",
            ]), maximumInFlight: max(1, share), isOwner: { true })
    }

    /// Creates the topic of questions if it is missing, and starts to serve; nothing is owned yet.
    ///
    /// - Returns: how many partitions the topic has.
    public func start(answeredBy api: any TransportAPI) async throws -> Int {
        let count = try await hub.ensureTransportAPITopic()
        state.withLock { $0.isStarted = true }
        let (hub, consumer, isOwner, wallClock) = (hub, partitions, isOwner, wallClock)
        partitions.start {
            QuestionSink(hub: hub, api: api, consumer: consumer, isOwner: isOwner, wallClock: wallClock)
        }
        return count
    }

    /// Owned partitions whose questions are answered at once.
    public var reading: Set<Int> { partitions.reading }

    public func own(_ owned: Set<Int>) async {
        state.withLock { $0.wanted = owned }
        await partitions.own(owned)
    }

    /// What is owned goes on to be answered until ``own(_:)`` says otherwise; what is given back is not waited for any more.
    public func abandon(_ lost: Set<Int>) {
        let wanted = state.withLock { $0.wanted }
        partitions.abandon(lost.subtracting(wanted))
    }

    /// Ends after answering what was read, as far as that takes no time.
    public func stop() async {
        guard state.withLock({ $0.isStarted }) else { return }
        let (partitions, patience) = (partitions, patience)
        let impatience = Task.detached {
            try await Task.sleep(for: patience)
            partitions.abandonAll()
        }
        await partitions.stop()
        impatience.cancel()
    }
}

extension KafkaHub {
    /// Creates the topic of transports' questions if it is missing; returns how many partitions it has.
    func ensureTransportAPITopic() async throws -> Int {
        let (name, properties) = (settings.topics.transportAPIRequests, settings.transportAPITopic)
        let deadLetters = settings.topics.deadLetters(of: name)
        let counts = try await ensureTopics([
            specification(name, properties, partitions: properties.partitions ?? 10),
            specification(deadLetters, properties, partitions: 1),
        ])
        return counts[name] ?? properties.partitions ?? 10
    }
}

/// Owned by the consumer's thread.
private final class QuestionSink: RecordSink {
    private let decoder = WireDecoder()
    private let api: any TransportAPI
    private let consumer: KafkaPartitionConsumer
    private let isOwner: @Sendable () -> Bool
    private let sender: TransportAnswerSender
    private let wallClock: @Sendable () -> Int64
    private let expired: Counter
    private let logger: Logger

    init(
        hub: KafkaHub, api: any TransportAPI, consumer: KafkaPartitionConsumer, isOwner: @escaping @Sendable () -> Bool,
        wallClock: @escaping @Sendable () -> Int64
    ) {
        self.api = api
        self.wallClock = wallClock
        self.consumer = consumer
        self.isOwner = isOwner
        sender = TransportAnswerSender(hub: hub)
        logger = hub.logger
        expired = hub.metrics.counter(
            "transport_api_expired_total", help: "Questions of transports that came too late to be answered.")
    }

    func take(_ record: borrowing KafkaRecord, ticket: UInt32, slot: PartitionSlot) throws(WireError) {
        let now = wallClock()
        guard let address = TransportQuestionAddress(record, wallClock: now) else {
            throw WireError.missing("header")
        }
        guard !address.isExpired else {
            expired.increment()
            sender.sendLate(wallClock: now, to: address)
            logger.limited(
                .warning, "a question came after its time: this process is behind, or its clock is not the transport's",
                ["kafka.topic": .string(address.topic)])
            return consumer.finish(CollectionOfOne(ticket), slot)
        }
        let question: TransportQuestion
        do throws(WireError) {
            question = try decoder.question(record.value)
        } catch {
            sender.send(.failure(error.description), to: address)
            throw error
        }
        let (api, consumer, isOwner, sender, expired) = (api, consumer, isOwner, sender, expired)
        Task.detached {
            defer { consumer.finish(CollectionOfOne(ticket), slot) }
            // Another node may be at it, and a device is provisioned once.
            if case .provision = question, !isOwner() { return }
            let answer = await api.answer(question)
            if address.isExpired { expired.increment() } else { sender.send(answer, to: address) }
        }
    }

    func flush(_ slot: PartitionSlot) {}
}

extension TransportAPI {
    /// The answer to any question.
    func answer(_ question: TransportQuestion) async -> TransportAnswer {
        switch question {
        case .validate(let request): .credentials(await validate(request))
        case .validateOrCreate(let chain): .credentials(await validateOrCreate(certificateChain: chain))
        case .getOrCreateDevice(let gateway, let name, let type):
            .gatewayDevice(await getOrCreateDevice(gateway: gateway, name: name, type: type))
        case .provision(let request): .provision(await provision(request))
        case .otaPackage(let device, let tenant, let kind):
            .otaPackage(await otaPackage(device: device, tenant: tenant, kind: kind))
        case .otaPackageData(let id, let offset, let length):
            .otaPackageData(await otaPackageData(id, offset: offset, length: min(length, maximumOTAChunk)))
        case .transportLimits(let tenant): .transportLimits(await transportLimits(tenant))
        case .queues: (await queues()).map { .queues($0) } ?? .failure("queues cannot be read now")
        }
    }
}

/// Bytes of an OTA package in one answer: below what a broker takes by default.
let maximumOTAChunk = 512 << 10
