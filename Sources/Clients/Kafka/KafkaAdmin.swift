import CKafka

/// A topic that should exist.
public struct KafkaTopicSpecification: Sendable, Hashable {
    public var name: String
    public var partitions: Int
    /// -1: as the broker is configured.
    public var replicationFactor: Int
    /// Settings of the topic, by Kafka's names.
    public var configuration: [String: String]

    public init(name: String, partitions: Int, replicationFactor: Int = -1, configuration: [String: String] = [:]) {
        self.name = name
        self.partitions = partitions
        self.replicationFactor = replicationFactor
        self.configuration = configuration
    }
}

/// Creates and describes topics. Every call blocks: never on a loop.
public final class KafkaAdmin: Sendable {
    private let handle: KafkaHandle

    public init(_ properties: KafkaProperties) throws(KafkaError) {
        // A consumer does not make a broker create the topics that it asks about.
        handle = try KafkaHandle(RD_KAFKA_CONSUMER, properties)
    }

    /// Creates the topics that do not exist; existing ones stay as they are.
    public func create(_ topics: [KafkaTopicSpecification], milliseconds: Int32) throws(KafkaError) {
        guard !topics.isEmpty else { return }
        var raw: [OpaquePointer?] = []
        defer { rd_kafka_NewTopic_destroy_array(&raw, raw.count) }
        var text = [CChar](repeating: 0, count: 512)
        for topic in topics {
            guard
                let made = rd_kafka_NewTopic_new(
                    topic.name, Int32(topic.partitions), Int32(topic.replicationFactor), &text, text.count)
            else {
                throw KafkaError(
                    "create topic \(topic.name)", code: RD_KAFKA_RESP_ERR__INVALID_ARG.rawValue,
                    text: "a topic of \(topic.partitions) partitions cannot be described")
            }
            raw.append(made)
            for (name, value) in topic.configuration.sorted(by: { $0.key < $1.key }) {
                rd_kafka_NewTopic_set_config(made, name, value)
            }
        }
        try run("create topics", RD_KAFKA_ADMIN_OP_CREATETOPICS, milliseconds) { options, queue in
            rd_kafka_CreateTopics(handle.raw, &raw, raw.count, options, queue)
        } read: { event throws(KafkaError) in
            guard let result = rd_kafka_event_CreateTopics_result(event) else { return }
            var count = 0
            guard let topics = rd_kafka_CreateTopics_result_topics(result, &count) else { return }
            try Self.check(topics, count, operation: "create topic") { $0.isTopicExisting }
        }
    }

    /// Deletes topics; those that do not exist are no error.
    public func delete(_ names: [String], milliseconds: Int32) throws(KafkaError) {
        guard !names.isEmpty else { return }
        var raw: [OpaquePointer?] = names.map { rd_kafka_DeleteTopic_new($0) }
        defer { rd_kafka_DeleteTopic_destroy_array(&raw, raw.count) }
        try run("delete topics", RD_KAFKA_ADMIN_OP_DELETETOPICS, milliseconds) { options, queue in
            rd_kafka_DeleteTopics(handle.raw, &raw, raw.count, options, queue)
        } read: { event throws(KafkaError) in
            guard let result = rd_kafka_event_DeleteTopics_result(event) else { return }
            var count = 0
            guard let topics = rd_kafka_DeleteTopics_result_topics(result, &count) else { return }
            try Self.check(topics, count, operation: "delete topic") { $0.isUnknownTopic }
        }
    }

    /// Adds partitions to a topic, so that it has `count`. One that has as many already is an error of the broker.
    public func grow(_ topic: String, to count: Int, milliseconds: Int32) throws(KafkaError) {
        var text = [CChar](repeating: 0, count: 512)
        guard let made = rd_kafka_NewPartitions_new(topic, count, &text, text.count) else {
            throw KafkaError(
                "grow topic \(topic)", code: RD_KAFKA_RESP_ERR__INVALID_ARG.rawValue,
                text: "a topic cannot have \(count) partitions")
        }
        var raw: [OpaquePointer?] = [made]
        defer { rd_kafka_NewPartitions_destroy_array(&raw, raw.count) }
        try run("grow topic", RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, milliseconds) { options, queue in
            rd_kafka_CreatePartitions(handle.raw, &raw, raw.count, options, queue)
        } read: { event throws(KafkaError) in
            guard let result = rd_kafka_event_CreatePartitions_result(event) else { return }
            var count = 0
            guard let topics = rd_kafka_CreatePartitions_result_topics(result, &count) else { return }
            try Self.check(topics, count, operation: "grow topic") { _ in false }
        }
    }

    /// How many partitions the topic has; `nil` when there is no such topic.
    public func partitionCount(of topic: String, milliseconds: Int32) throws(KafkaError) -> Int? {
        guard let found = rd_kafka_topic_new(handle.raw, topic, nil) else {
            throw KafkaError("describe topic \(topic)", rd_kafka_last_error())
        }
        defer { rd_kafka_topic_destroy(found) }
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(handle.raw, 0, found, &metadata, milliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else {
            throw KafkaError("describe topic \(topic)", code)
        }
        defer { rd_kafka_metadata_destroy(metadata) }
        guard metadata.pointee.topic_cnt == 1 else { return nil }
        let described = metadata.pointee.topics[0]
        if described.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART { return nil }
        guard described.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError("describe topic \(topic)", described.err)
        }
        return Int(described.partition_cnt)
    }

    // MARK: - Operations

    private static func check(
        _ topics: UnsafeMutablePointer<OpaquePointer?>, _ count: Int, operation: String,
        except isHarmless: (KafkaError) -> Bool
    ) throws(KafkaError) {
        for index in 0..<count {
            guard let topic = topics[index] else { continue }
            let code = rd_kafka_topic_result_error(topic)
            guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
            let name = String(cString: rd_kafka_topic_result_name(topic))
            let text = rd_kafka_topic_result_error_string(topic).map { String(cString: $0) } ?? ""
            let error = KafkaError("\(operation) \(name)", code: code.rawValue, text: text)
            if !isHarmless(error) { throw error }
        }
    }

    private func run(
        _ operation: String, _ kind: rd_kafka_admin_op_t, _ milliseconds: Int32,
        start: (_ options: OpaquePointer, _ queue: OpaquePointer) -> Void,
        read: (OpaquePointer) throws(KafkaError) -> Void
    ) throws(KafkaError) {
        let queue: OpaquePointer = rd_kafka_queue_new(handle.raw)
        defer { rd_kafka_queue_destroy(queue) }
        let options: OpaquePointer = rd_kafka_AdminOptions_new(handle.raw, kind)
        defer { rd_kafka_AdminOptions_destroy(options) }
        var text = [CChar](repeating: 0, count: 256)
        rd_kafka_AdminOptions_set_request_timeout(options, milliseconds, &text, text.count)
        rd_kafka_AdminOptions_set_operation_timeout(options, milliseconds, &text, text.count)
        start(options, queue)
        guard let event = rd_kafka_queue_poll(queue, milliseconds + 1000) else {
            throw KafkaError(operation, RD_KAFKA_RESP_ERR__TIMED_OUT)
        }
        defer { rd_kafka_event_destroy(event) }
        let code = rd_kafka_event_error(event)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            let text = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? ""
            throw KafkaError(operation, code: code.rawValue, text: text)
        }
        try read(event)
    }
}
