import CKafka
import Synchronization

/// Reads records. Safe from any thread, but made to be used by one, which may block.
///
/// Partitions are given to it by ``assign(_:)``; nothing is committed unless it is told.
public final class KafkaConsumer: Sendable {
    let handle: KafkaHandle
    /// Of a consumer that is polled.
    private let waiter: QueueWaiter?
    /// The group has given it partitions, as far as anybody asked.
    let wasAssigned = Atomic(false)

    /// - Parameters:
    ///   - group: whose committed offsets count.
    ///   - isPolled: whether records are taken by ``poll(upTo:milliseconds:_:)``; else by a ``PartitionQueue`` each, with
    ///     ``events(milliseconds:)`` beside them.
    public init(_ properties: KafkaProperties, group: String, isPolled: Bool = false) throws(KafkaError) {
        var all = KafkaProperties([
            "enable.auto.commit": "false", "enable.auto.offset.store": "false", "enable.partition.eof": "false",
        ]).merging(properties)
        all["group.id"] = group
        handle = try KafkaHandle(RD_KAFKA_CONSUMER, all, hasEvents: !isPolled)
        rd_kafka_poll_set_consumer(handle.raw)
        waiter = isPolled ? QueueWaiter(adopting: rd_kafka_queue_get_consumer(handle.raw), of: handle) : nil
    }

    /// Events that nobody has read hold on to partitions, and librdkafka waits for these at its end.
    deinit {
        let queue: OpaquePointer = rd_kafka_queue_get_consumer(handle.raw)
        while let event = rd_kafka_queue_poll(queue, 0) { rd_kafka_event_destroy(event) }
        rd_kafka_queue_destroy(queue)
    }

    // MARK: - Assignment

    /// Starts to fetch these partitions, each from its offset; others go on.
    public func assign(_ positions: [KafkaPosition]) throws(KafkaError) {
        try KafkaPosition.withList(positions) { list throws(KafkaError) in
            if let error = rd_kafka_incremental_assign(handle.raw, list) { throw KafkaError("assign", adopting: error) }
        }
    }

    /// Stops to fetch these partitions and drops what was fetched of them.
    public func unassign(_ positions: [KafkaPosition]) throws(KafkaError) {
        try KafkaPosition.withList(positions) { list throws(KafkaError) in
            if let error = rd_kafka_incremental_unassign(handle.raw, list) {
                throw KafkaError("unassign", adopting: error)
            }
        }
    }

    // MARK: - Positions

    /// Stops fetching, keeping the position; what was fetched already is fetched again after ``resume(_:)``.
    public func pause(_ positions: [KafkaPosition]) throws(KafkaError) {
        try KafkaPosition.withList(positions) { list throws(KafkaError) in
            let code = rd_kafka_pause_partitions(handle.raw, list)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError("pause", code) }
        }
    }

    public func resume(_ positions: [KafkaPosition]) throws(KafkaError) {
        try KafkaPosition.withList(positions) { list throws(KafkaError) in
            let code = rd_kafka_resume_partitions(handle.raw, list)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError("resume", code) }
        }
    }

    /// Goes on from other offsets. Blocks for at most `milliseconds`.
    public func seek(_ positions: [KafkaPosition], milliseconds: Int32) throws(KafkaError) {
        try KafkaPosition.withList(positions) { list throws(KafkaError) in
            if let error = rd_kafka_seek_partitions(handle.raw, list, milliseconds) {
                throw KafkaError("seek", adopting: error)
            }
        }
    }

    /// Commits offsets: of the next record to read, for each partition. The outcome is an event.
    public func commit(_ positions: [KafkaPosition]) throws(KafkaError) {
        try KafkaPosition.withList(positions) { list throws(KafkaError) in
            let queue: OpaquePointer = rd_kafka_queue_get_consumer(handle.raw)
            defer { rd_kafka_queue_destroy(queue) }
            let code = rd_kafka_commit_queue(handle.raw, list, queue, nil, nil)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError("commit", code) }
        }
    }

    /// The committed offsets; ``KafkaPosition/offset`` below 0 where there is none. Blocks for at most `milliseconds`.
    public func committed(
        _ partitions: [KafkaPosition], milliseconds: Int32
    ) throws(KafkaError) -> [KafkaPosition] {
        try KafkaPosition.withList(partitions) { list throws(KafkaError) in
            let code = rd_kafka_committed(handle.raw, list, milliseconds)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError("read committed offsets", code) }
            return KafkaPosition.positions(in: list)
        }
    }

    /// The offsets of the oldest record and of the one to come. Blocks for at most `milliseconds`.
    public func watermarks(
        topic: String, partition: Int32, milliseconds: Int32
    ) throws(KafkaError) -> Range<Int64> {
        var low: Int64 = 0
        var high: Int64 = 0
        let code = rd_kafka_query_watermark_offsets(handle.raw, topic, partition, &low, &high, milliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError("read offsets of \(topic) \(partition)", code)
        }
        return low..<max(low, high)
    }

    /// The offset of the record to come as the last answer of the broker had it; asks nobody.
    public func knownEnd(topic: String, partition: Int32) -> Int64? {
        var low: Int64 = 0
        var high: Int64 = 0
        let code = rd_kafka_get_watermark_offsets(handle.raw, topic, partition, &low, &high)
        return code == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? high : nil
    }

    // MARK: - Records and events

    /// What happened beside records, oldest first. Only for a consumer whose partitions all have a ``PartitionQueue``.
    public func events(milliseconds: Int32 = 0) -> [KafkaEvent] {
        let queue: OpaquePointer = rd_kafka_queue_get_consumer(handle.raw)
        defer { rd_kafka_queue_destroy(queue) }
        var events: [KafkaEvent] = []
        var wait = milliseconds
        while events.count < 1000, let event = rd_kafka_queue_poll(queue, wait) {
            wait = 0
            if let told = KafkaEvent(event, client: handle.raw) { events.append(told) }
            rd_kafka_event_destroy(event)
        }
        return events
    }

    /// Makes librdkafka write the eight bytes of one to `descriptor`, an eventfd, when the first event comes.
    public func wake(_ descriptor: Int32) {
        let queue: OpaquePointer = rd_kafka_queue_get_consumer(handle.raw)
        defer { rd_kafka_queue_destroy(queue) }
        var one: UInt64 = 1
        rd_kafka_queue_io_event_enable(queue, descriptor, &one, 8)
    }

    /// Takes records of all assigned partitions: waits for the first, then takes what is there. Only for a consumer that was
    /// made to be polled.
    ///
    /// - Returns: errors of partitions that were met on the way.
    public func poll(
        upTo limit: Int, milliseconds: Int32, _ body: (consuming KafkaRecord) -> Void
    ) -> [KafkaError] {
        guard let waiter else { preconditionFailure("this consumer's records are taken by partition") }
        var errors: [KafkaError] = []
        var wait = milliseconds
        var count = 0
        while count < limit, let message = waiter.first(within: wait, { rd_kafka_consumer_poll(handle.raw, 0) }) {
            wait = 0
            count += 1
            if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
                body(KafkaRecord(adopting: message))
            } else {
                errors.append(KafkaError("fetch", message.pointee.err))
                rd_kafka_message_destroy(message)
            }
        }
        return errors
    }
}

/// The fetched records of one partition, apart from those of others: who does not take from it lets it fill up, and
/// librdkafka stops fetching that partition at its limit (`queued.max.messages.kbytes`) without throwing away what it
/// has.
public final class PartitionQueue: @unchecked Sendable {
    // @unchecked: librdkafka's queues are thread-safe, the pointer is constant.
    private let raw: OpaquePointer
    /// Keeps the client alive.
    private let consumer: KafkaConsumer

    /// Before the partition is assigned.
    ///
    /// - Parameter descriptor: an eventfd that becomes readable when a record comes into the empty queue.
    public init(of consumer: KafkaConsumer, topic: String, partition: Int32, wakes descriptor: Int32) {
        self.consumer = consumer
        raw = rd_kafka_queue_get_partition(consumer.handle.raw, topic, partition)
        rd_kafka_queue_forward(raw, nil)
        var one: UInt64 = 1
        rd_kafka_queue_io_event_enable(raw, descriptor, &one, 8)
    }

    deinit {
        rd_kafka_queue_io_event_enable(raw, -1, nil, 0)
        rd_kafka_queue_destroy(raw)
    }

    /// Takes what is there, at most `limit` records, in order.
    ///
    /// - Parameter onEnd: the partition was read to its end of the moment; called where `enable.partition.eof` is set.
    /// - Returns: how many were taken, and the error that ended it, if one did.
    public func take(
        upTo limit: Int, onEnd: () -> Void = {}, _ body: (consuming KafkaRecord) -> Void
    ) -> (count: Int, error: KafkaError?) {
        var count = 0
        // One by one: the batch calls of librdkafka 2.0 lose or repeat records beside an assignment.
        while count < limit, let message = rd_kafka_consume_queue(raw, 0) {
            switch message.pointee.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR:
                count += 1
                body(KafkaRecord(adopting: message))
            case RD_KAFKA_RESP_ERR__PARTITION_EOF:
                rd_kafka_message_destroy(message)
                onEnd()
            case let code:
                rd_kafka_message_destroy(message)
                return (count, KafkaError("fetch", code))
            }
        }
        return (count, nil)
    }
}
