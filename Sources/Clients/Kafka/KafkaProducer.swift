import CKafka
import CLinux
import Glibc
import Synchronization
import Threads

/// How one record ended. `ticket` is the producer's caller's name for it.
public struct DeliveryReport: Sendable {
    public var ticket: UInt32
    /// `nil`: stored, by as many replicas as `acks` says.
    public var failure: Int32?

    public var isDelivered: Bool { failure == nil }
    public var error: KafkaError? { failure.map { KafkaError("produce", rd_kafka_resp_err_t($0)) } }
}

/// Writes records and tells what became of each. Safe from any thread; producing does not block.
///
/// One thread drains librdkafka's reports and hands them to receivers in batches. When librdkafka gives up for good (a
/// fatal error of the idempotent producer), what is on the way is reported as failed and a new client takes over, so
/// that a producer works as long as its process does.
public final class KafkaProducer: Sendable {
    /// A topic of this producer.
    public struct Topic: Sendable, Hashable {
        fileprivate let index: Int
    }

    /// Whom the reports of a record go to; ``none``: nobody.
    public struct Receiver: Sendable, Hashable {
        fileprivate let number: UInt32
        public static let none = Receiver(number: 0)
    }

    /// Called on the producer's thread: hand over and return.
    public typealias ReportHandler = @Sendable ([DeliveryReport]) -> Void

    private struct Client: @unchecked Sendable {
        // @unchecked: rd_kafka_topic_t is as thread-safe as its client, and these pointers are used under the mutex.
        let handle: KafkaHandle
        let waiter: QueueWaiter
        /// By the index of a topic; `nil` for a name that librdkafka does not take.
        var topics: [OpaquePointer?] = []

        init(handle: KafkaHandle) {
            self.handle = handle
            waiter = QueueWaiter(adopting: rd_kafka_queue_get_main(handle.raw), of: handle)
        }
    }

    private struct State {
        var client: Client?
        var topicNames: [String] = []
        var receivers: [ReportHandler] = []
        var isClosing = false
    }

    private let properties: KafkaProperties
    private let onEvent: @Sendable (KafkaEvent) -> Void
    private let state: Mutex<State>
    private let finished: Int32

    /// - Parameters:
    ///   - properties: librdkafka's; idempotence and `acks=all` hold unless they say otherwise.
    ///   - onEvent: called on the producer's thread.
    public init(
        _ properties: KafkaProperties, onEvent: @escaping @Sendable (KafkaEvent) -> Void
    ) throws(KafkaError) {
        self.properties = KafkaProperties(["enable.idempotence": "true", "acks": "all", "linger.ms": "5"])
            .merging(properties)
        self.onEvent = onEvent
        finished = needletail_eventfd()
        state = Mutex(State(client: Client(handle: try KafkaHandle(RD_KAFKA_PRODUCER, self.properties))))
        DetachedThread.start("kafka-reports") { [self] in drain() }
    }

    deinit {
        _ = Glibc.close(finished)
    }

    // MARK: - Producing

    /// The same topic for the same name.
    public func topic(_ name: String) -> Topic {
        state.withLock { state in
            if let index = state.topicNames.firstIndex(of: name) { return Topic(index: index) }
            state.topicNames.append(name)
            if let client = state.client?.handle {
                state.client?.topics.append(rd_kafka_topic_new(client.raw, name, nil))
            }
            return Topic(index: state.topicNames.count - 1)
        }
    }

    public func addReceiver(_ handler: @escaping ReportHandler) -> Receiver {
        state.withLock { state in
            state.receivers.append(handler)
            return Receiver(number: UInt32(state.receivers.count))
        }
    }

    /// Queues a record; its report comes to `receiver`, unless this throws. Copies what it is given.
    ///
    /// - Parameter partition: `nil`: librdkafka chooses, by the key.
    public func produce(
        to topic: Topic, partition: Int32?, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer,
        receiver: Receiver = .none, ticket: UInt32 = 0
    ) throws(KafkaError) {
        let code = state.withLock { state -> rd_kafka_resp_err_t in
            guard let client = state.client, topic.index < client.topics.count else { return RD_KAFKA_RESP_ERR__STATE }
            guard let target = client.topics[topic.index] else { return RD_KAFKA_RESP_ERR__INVALID_ARG }
            let result = rd_kafka_produce(
                target, partition ?? NEEDLETAIL_KAFKA_PARTITION_UA, NEEDLETAIL_KAFKA_MSG_F_COPY,
                UnsafeMutableRawPointer(mutating: value.baseAddress), value.count, key.baseAddress, key.count,
                Self.opaque(receiver, ticket))
            return result == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error()
        }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError("produce", code) }
    }

    /// The same with headers.
    public func produce(
        to topic: Topic, partition: Int32?, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer,
        headers: KeyValuePairs<String, [UInt8]>, receiver: Receiver = .none, ticket: UInt32 = 0
    ) throws(KafkaError) {
        let code = state.withLock { state -> rd_kafka_resp_err_t in
            guard let client = state.client, topic.index < client.topics.count else { return RD_KAFKA_RESP_ERR__STATE }
            guard let target = client.topics[topic.index] else { return RD_KAFKA_RESP_ERR__INVALID_ARG }
            let list: OpaquePointer = rd_kafka_headers_new(headers.count)
            for (name, bytes) in headers {
                _ = bytes.withUnsafeBytes { rd_kafka_header_add(list, name, -1, $0.baseAddress, $0.count) }
            }
            let code = needletail_kafka_produce(
                client.handle.raw, target, partition ?? NEEDLETAIL_KAFKA_PARTITION_UA,
                key.baseAddress, key.count, value.baseAddress, value.count, list, Self.opaque(receiver, ticket))
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { rd_kafka_headers_destroy(list) }
            return code
        }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError("produce", code) }
    }

    /// How many partitions the topic has, as its broker says now; from then on the producer knows them. Blocks.
    public func partitionCount(of topic: Topic, milliseconds: Int32) throws(KafkaError) -> Int {
        // The client stays alive through its handle; the topic's own pointer is made for this call.
        let (handle, name) = state.withLock { ($0.client?.handle, $0.topicNames[topic.index]) }
        guard let handle, let found = rd_kafka_topic_new(handle.raw, name, nil) else {
            throw KafkaError("describe topic \(name)", RD_KAFKA_RESP_ERR__STATE)
        }
        defer { rd_kafka_topic_destroy(found) }
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(handle.raw, 0, found, &metadata, milliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else {
            throw KafkaError("describe topic \(name)", code)
        }
        defer { rd_kafka_metadata_destroy(metadata) }
        guard metadata.pointee.topic_cnt == 1 else { return 0 }
        let described = metadata.pointee.topics[0]
        guard described.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError("describe topic \(name)", described.err)
        }
        return Int(described.partition_cnt)
    }

    /// Records without a report yet, those not sent included.
    public var outstandingCount: Int {
        state.withLock { state in state.client.map { Int(rd_kafka_outq_len($0.handle.raw)) } ?? 0 }
    }

    /// Receiver and ticket in the pointer that librdkafka carries along.
    private static func opaque(_ receiver: Receiver, _ ticket: UInt32) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: UInt(receiver.number) << 32 | UInt(ticket))
    }

    // MARK: - Closing

    /// Sends what is queued, for at most that time; what is left is reported as failed. Blocks: never on a loop. Later
    /// calls of `produce` fail.
    public func close(within limit: Duration) {
        let client = state.withLock { state in state.isClosing ? nil : state.client }
        if let client { rd_kafka_flush(client.handle.raw, Int32(clamping: limit.components.seconds * 1000 + 1)) }
        state.withLock { state in
            state.isClosing = true
            state.client?.waiter.wake()
        }
        needletail_wait_readable(finished)
    }

    // MARK: - Reports

    /// The body of the producer's thread.
    private func drain() {
        while let client = state.withLock({ $0.client }) {
            let isFatal = poll(client, milliseconds: 100)
            let isClosing = state.withLock { $0.isClosing }
            if isFatal, !isClosing { replace(client) }
            if isClosing { retire(client) { state.withLock { $0.client = nil } } }
        }
        needletail_eventfd_signal(finished)
    }

    /// Handles what waits; `true` once the client has failed for good.
    private func poll(_ client: Client, milliseconds: Int32) -> Bool {
        let queue: OpaquePointer = rd_kafka_queue_get_main(client.handle.raw)
        defer { rd_kafka_queue_destroy(queue) }
        var reports: [UInt32: [DeliveryReport]] = [:]
        var isFatal = false
        var wait = milliseconds
        var count = 0
        while count < 100_000, let event = client.waiter.first(within: wait, { rd_kafka_queue_poll(queue, 0) }) {
            wait = 0
            defer { rd_kafka_event_destroy(event) }
            if rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR {
                count += Self.gather(event, into: &reports)
            } else if let told = KafkaEvent(event, client: client.handle.raw) {
                if case .fatal = told { isFatal = true }
                onEvent(told)
            }
        }
        guard !reports.isEmpty else { return isFatal }
        let receivers = state.withLock { $0.receivers }
        for (receiver, reports) in reports { receivers[Int(receiver) - 1](reports) }
        return isFatal
    }

    private static func gather(_ event: OpaquePointer, into reports: inout [UInt32: [DeliveryReport]]) -> Int {
        var count = 0
        while let message = rd_kafka_event_message_next(event) {
            count += 1
            let opaque = UInt(bitPattern: message.pointee._private)
            let receiver = UInt32(truncatingIfNeeded: opaque >> 32)
            guard receiver != 0 else { continue }
            let code = message.pointee.err
            reports[receiver, default: []].append(
                DeliveryReport(
                    ticket: UInt32(truncatingIfNeeded: opaque),
                    failure: code == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : code.rawValue))
        }
        return count
    }

    // MARK: - Life of a client

    /// Puts a new client in the place of one that has failed for good.
    private func replace(_ failed: Client) {
        guard let handle = try? KafkaHandle(RD_KAFKA_PRODUCER, properties) else {
            // The same settings were taken before; a lack of threads or memory may pass.
            var pause = timespec(tv_sec: 1, tv_nsec: 0)
            nanosleep(&pause, nil)
            return
        }
        var fresh = Client(handle: handle)
        retire(failed) {
            state.withLock { state in
                fresh.topics = state.topicNames.map { rd_kafka_topic_new(handle.raw, $0, nil) }
                state.client = fresh
            }
        }
    }

    /// Reports everything that the client still has as failed and lets go of it, after `swap` has taken it out of use.
    private func retire(_ client: Client, swap: () -> Void) {
        let topics = state.withLock { $0.client?.topics ?? [] }
        swap()
        rd_kafka_purge(client.handle.raw, NEEDLETAIL_KAFKA_PURGE_ALL)
        var rounds = 0
        while rd_kafka_outq_len(client.handle.raw) > 0, rounds < 100 {
            _ = poll(client, milliseconds: 100)
            rounds += 1
        }
        for case let topic? in topics { rd_kafka_topic_destroy(topic) }
    }
}
