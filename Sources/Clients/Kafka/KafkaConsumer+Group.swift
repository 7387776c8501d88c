import CKafka
import Synchronization

/// A consumer to which Kafka's group gives its partitions. It is polled, and made with `isPolled`.
extension KafkaConsumer {
    /// Joins the group for these topics; partitions come and go by themselves while it is polled.
    public func subscribe(_ topics: [String]) throws(KafkaError) {
        let positions = topics.map { KafkaPosition(topic: $0, partition: -1, offset: 0) }
        try KafkaPosition.withList(positions) { list throws(KafkaError) in
            let code = rd_kafka_subscribe(handle.raw, list)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError("subscribe", code) }
        }
    }

    /// The partitions that the group has given to this member; asks nobody.
    public var assignment: [KafkaPosition] {
        var list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
        guard rd_kafka_assignment(handle.raw, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return [] }
        defer { rd_kafka_topic_partition_list_destroy(list) }
        let positions = KafkaPosition.positions(in: list)
        if !positions.isEmpty { wasAssigned.store(true, ordering: .releasing) }
        return positions
    }

    /// Whether the group knows this member.
    public var isMember: Bool {
        guard let name = rd_kafka_memberid(handle.raw) else { return false }
        defer { rd_kafka_mem_free(handle.raw, name) }
        return name[0] != 0
    }

    /// Commits offsets: of the next record to read, for each partition. Waits for nothing; what is not taken is committed with
    /// what follows.
    public func commitLater(_ positions: [KafkaPosition]) throws(KafkaError) {
        try KafkaPosition.withList(positions) { list throws(KafkaError) in
            let code = rd_kafka_commit(handle.raw, list, 1)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError("commit", code) }
        }
    }

    /// Leaves the group, so that the others get the partitions at once. Blocks until commits on their way are answered, at most
    /// for some seconds. The consumer is of no use any more.
    public func leave() {
        // A member that ends between joining and its first assignment ends the process with it, where partitions move one by
        // one: librdkafka before 2.3 asserts a state that only an assignment makes.
        if assignment.isEmpty, !wasAssigned.load(ordering: .acquiring) { handle.keep() }
        // Closing alone does not leave a group whose partitions move one by one: librdkafka 2.0 forgets to say so.
        rd_kafka_unsubscribe(handle.raw)
        var rounds = 0
        while isMember, rounds < 60 {
            _ = poll(upTo: 1000, milliseconds: 50) { _ in }
            rounds += 1
        }
        rd_kafka_consumer_close(handle.raw)
    }
}
