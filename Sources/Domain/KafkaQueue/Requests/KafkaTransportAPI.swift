public import Messages
public import Model
import Glibc
import Kafka
import Logging
import Metrics
import Reactor
import Synchronization
import Wire

/// Asks any core node, through Kafka (`cluster.md` 2.8). Safe from any thread.
///
/// At most `TB_QUEUE_TRANSPORT_MAX_PENDING_REQUESTS` questions wait; more fail at once. A question without an answer
/// fails after `TB_QUEUE_TRANSPORT_MAX_REQUEST_TIMEOUT`, by the monotonic clock, at most a fraction of a second late.
///
/// A core node whose clock is far from this process's says that a question came late. Whoever waits all the same asks again,
/// in that node's time: only the one who asked knows whether it waits.
public final class KafkaTransportAPI: TransportAPI {
    private struct Pending {
        let continuation: CheckedContinuation<TransportAnswer, Never>
        let deadline: MonotonicTime
        let question: TransportQuestion
        /// How often it was asked.
        var attempts = 1
    }

    private struct State {
        var pending: [UInt32: Pending] = [:]
        /// By deadline, because all have the same time; some are answered already.
        var order: [UInt32] = []
        var head = 0
        var next: UInt32 = 0
    }

    private let hub: KafkaHub
    private let topic: KafkaProducer.Topic
    private let responseTopic: [UInt8]
    private let maximumPending: Int
    private let timeout: Duration
    /// Upper half of the ids of this instance's questions.
    private let instance = UInt64.random(in: 0...UInt64.max)
    private let state = Mutex(State())
    private let receiver: KafkaProducer.Receiver
    private let box: Box
    private let timeouts: Counter
    private let refused: Counter
    private let repeated: Counter
    private let wallClock: @Sendable () -> Int64

    /// Nodes of different clocks may say in turn that a question is late.
    private static let mostAttempts = 4

    /// Before the node is started.
    ///
    /// - Parameter wallClock: milliseconds since 1970.
    public init(node: KafkaNode, wallClock: @escaping @Sendable () -> Int64 = WallClock.milliseconds) {
        hub = node.hub
        self.wallClock = wallClock
        let names = hub.settings.topics
        topic = hub.producer.topic(names.transportAPIRequests)
        let responses = names.transportAPIResponses(node.serviceID)
        responseTopic = Array(responses.utf8)
        maximumPending = hub.settings.maximumPendingRequests
        timeout = hub.settings.requestTimeout
        let box = Box()
        self.box = box
        receiver = hub.producer.addReceiver { reports in
            for report in reports where !report.isDelivered {
                box.api?.finish(report.ticket, .failure(report.error?.description ?? ""))
            }
        }
        timeouts = hub.metrics.counter(
            "transport_api_timeouts_total", help: "Questions to core nodes that nobody answered in time.")
        refused = hub.metrics.counter(
            "transport_api_refused_total", help: "Questions to core nodes that were one too many.")
        repeated = hub.metrics.counter(
            "transport_api_asked_again_total",
            help: "Questions repeated because a core node's clock differs from ours.")
        hub.metrics.gauge("transport_api_pending", help: "Questions to core nodes without an answer.") {
            Double(box.api?.pendingCount ?? 0)
        }
        let decoder = WireDecoder()
        node.register(topic: responses, properties: hub.settings.transportAPITopic) { record in
            box.api?.receive(record, decoder)
        }
        node.onTick { box.api?.sweep() }
        box.api = self
    }

    /// Lets callbacks reach what owns them without keeping it alive.
    private final class Box: Sendable {
        private let reference = Mutex<Weak>(Weak())
        private struct Weak { weak var api: KafkaTransportAPI? }
        var api: KafkaTransportAPI? {
            get { reference.withLock { $0.api } }
            set { reference.withLock { $0.api = newValue } }
        }
    }

    /// Creates the topic of questions if it is missing.
    public func ensureTopics() async throws {
        _ = try await hub.ensureTransportAPITopic()
    }

    public var pendingCount: Int { state.withLock { $0.pending.count } }

    // MARK: - Asking

    private func ask(_ question: TransportQuestion) async -> TransportAnswer {
        await withCheckedContinuation { (continuation: CheckedContinuation<TransportAnswer, Never>) in
            guard let ticket = add(question, continuation) else {
                refused.increment()
                hub.logger.limited(.warning, "too many questions to core nodes wait for their answers")
                return continuation.resume(returning: .failure("too many questions wait"))
            }
            send(question, ticket, expiry: wallClock() + timeout.wholeMilliseconds)
        }
    }

    /// - Parameter expiry: in the time of whoever answers, as far as it is known.
    private func send(_ question: TransportQuestion, _ ticket: UInt32, expiry: Int64) {
        var encoder = WireEncoder()
        encoder.encode(question)
        let id = RequestHeaders.bytes(UUID128(high: instance, low: UInt64(ticket)))
        do throws(KafkaError) {
            try encoder.withBytes { value throws(KafkaError) in
                var failure: KafkaError?
                id.withUnsafeBytes { key in
                    do throws(KafkaError) {
                        try hub.producer.produce(
                            to: topic, partition: nil, key: key, value: value,
                            headers: [
                                RequestHeaders.requestID: id, RequestHeaders.responseTopic: responseTopic,
                                RequestHeaders.expireTime: RequestHeaders.bytes(UInt64(bitPattern: expiry)),
                                RequestHeaders.asksAgain: [1],
                            ], receiver: receiver, ticket: ticket)
                    } catch {
                        failure = error
                    }
                }
                if let failure { throw failure }
            }
        } catch {
            finish(ticket, .failure(error.description))
        }
    }

    private func add(
        _ question: TransportQuestion, _ continuation: CheckedContinuation<TransportAnswer, Never>
    ) -> UInt32? {
        let deadline = MonotonicTime.now() + timeout
        return state.withLock { state in
            guard state.pending.count < maximumPending else { return nil }
            while state.pending[state.next] != nil { state.next &+= 1 }
            let ticket = state.next
            state.next &+= 1
            state.pending[ticket] = Pending(continuation: continuation, deadline: deadline, question: question)
            state.order.append(ticket)
            return ticket
        }
    }

    private func finish(_ ticket: UInt32, _ answer: TransportAnswer) {
        let pending = state.withLock { $0.pending.removeValue(forKey: ticket) }
        pending?.continuation.resume(returning: answer)
    }

    // MARK: - On the node's thread

    private func receive(_ record: borrowing KafkaRecord, _ decoder: WireDecoder) {
        guard let id = RequestHeaders.uuid(record.header(RequestHeaders.requestID)), id.high == instance else {
            // For an earlier life of this service.
            return
        }
        if let clock = record.header(RequestHeaders.lateAt).flatMap({ RequestHeaders.integer($0) }) {
            return askAgain(UInt32(truncatingIfNeeded: id.low), at: Int64(bitPattern: clock))
        }
        do throws(WireError) {
            finish(UInt32(truncatingIfNeeded: id.low), try decoder.answer(record.value))
        } catch {
            hub.deadLetters.add(record, error: error.description)
            finish(UInt32(truncatingIfNeeded: id.low), .failure(error.description))
        }
    }

    /// Repeats a question that still waits, in the time of the node that found it late.
    private func askAgain(_ ticket: UInt32, at clock: Int64) {
        let now = MonotonicTime.now()
        let (question, left) = state.withLock { state -> (TransportQuestion?, Duration) in
            guard let pending = state.pending[ticket], pending.deadline > now,
                pending.attempts < Self.mostAttempts
            else { return (nil, .zero) }
            state.pending[ticket]?.attempts += 1
            return (pending.question, pending.deadline - now)
        }
        guard let question else { return }
        repeated.increment()
        hub.logger.limited(
            .warning, "the clock of a core node differs from ours; the question is asked again in its time",
            ["ahead.ms": .integer(Int(clamping: clock &- wallClock()))])
        send(question, ticket, expiry: clock &+ left.wholeMilliseconds)
    }

    private func sweep() {
        let now = MonotonicTime.now()
        let late = state.withLock { state in
            var late: [Pending] = []
            while state.head < state.order.count {
                let ticket = state.order[state.head]
                if let pending = state.pending[ticket] {
                    guard pending.deadline <= now else { break }
                    state.pending[ticket] = nil
                    late.append(pending)
                }
                state.head += 1
            }
            if state.head > 1024 || state.head == state.order.count {
                state.order.removeFirst(state.head)
                state.head = 0
            }
            return late
        }
        guard !late.isEmpty else { return }
        timeouts.increment(by: late.count)
        hub.logger.limited(
            .warning, "no core node answered in time", ["count": .integer(late.count)])
        for pending in late { pending.continuation.resume(returning: .failure("no answer in time")) }
    }

    // MARK: - TransportAPI

    public func validate(_ request: DeviceCredentialsRequest) async -> DeviceCredentialsResponse {
        guard case .credentials(let response) = await ask(.validate(request)) else { return .unavailable }
        return response
    }

    public func validateOrCreate(certificateChain: String) async -> DeviceCredentialsResponse {
        let answer = await ask(.validateOrCreate(certificateChain: certificateChain))
        guard case .credentials(let response) = answer else { return .unavailable }
        return response
    }

    public func getOrCreateDevice(gateway: DeviceID, name: String, type: String) async -> GatewayDeviceResponse {
        let answer = await ask(.getOrCreateDevice(gateway: gateway, name: name, type: type))
        guard case .gatewayDevice(let response) = answer else { return .failed }
        return response
    }

    public func provision(_ request: ProvisionRequest) async -> ProvisionResponse {
        guard case .provision(let response) = await ask(.provision(request)) else { return .unavailable }
        return response
    }

    public func otaPackage(device: DeviceID, tenant: TenantID, kind: OTAPackageKind) async -> OTAPackageResponse {
        let answer = await ask(.otaPackage(device: device, tenant: tenant, kind: kind))
        guard case .otaPackage(let response) = answer else { return .unavailable }
        return response
    }

    /// Put together from as many answers as it takes.
    public func otaPackageData(_ id: OTAPackageID, offset: Int64, length: Int) async -> [UInt8]? {
        var data: [UInt8] = []
        while data.count < length {
            let wanted = min(length - data.count, maximumOTAChunk)
            let question = TransportQuestion.otaPackageData(id, offset: offset + Int64(data.count), length: wanted)
            guard case .otaPackageData(let part?) = await ask(question), part.count <= wanted else { return nil }
            data += part
            if part.count < wanted { break }
        }
        return data
    }

    public func transportLimits(_ tenant: TenantID) async -> TransportLimits? {
        guard case .transportLimits(let limits) = await ask(.transportLimits(tenant)) else { return nil }
        return limits
    }

    public func queues() async -> [QueueRoute]? {
        guard case .queues(let routes) = await ask(.queues) else { return nil }
        return routes
    }
}

extension Duration {
    var wholeMilliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
