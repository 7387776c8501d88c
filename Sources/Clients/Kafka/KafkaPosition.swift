import CKafka

/// An offset in a partition of a topic.
public struct KafkaPosition: Sendable, Hashable {
    public var topic: String
    public var partition: Int32
    public var offset: Int64

    /// Where the group left off; without a committed offset where `auto.offset.reset` says.
    public static let committed: Int64 = -1000
    public static let beginning: Int64 = -2
    public static let end: Int64 = -1

    public init(topic: String, partition: Int32, offset: Int64) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
    }

    static func positions(in list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) -> [KafkaPosition] {
        (0..<Int(list.pointee.cnt)).map { index in
            let element = list.pointee.elems[index]
            return KafkaPosition(
                topic: element.topic.map { String(cString: $0) } ?? "", partition: element.partition,
                offset: element.offset)
        }
    }

    /// Lends `positions` as librdkafka's list.
    static func withList<R>(
        _ positions: [KafkaPosition],
        _ body: (UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) throws(KafkaError) -> R
    ) throws(KafkaError) -> R {
        let list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t> = rd_kafka_topic_partition_list_new(
            Int32(positions.count))
        defer { rd_kafka_topic_partition_list_destroy(list) }
        for position in positions {
            let element = rd_kafka_topic_partition_list_add(list, position.topic, position.partition)
            element?.pointee.offset = position.offset
        }
        return try body(list)
    }
}
