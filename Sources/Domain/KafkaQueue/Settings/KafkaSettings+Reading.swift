public import Configuration
import Kafka

extension KafkaSettings {
    /// Reads the variables of `cluster.md` 7.1 and 7.2.
    ///
    /// - Parameter sessionMilliseconds: after so long a group takes a member for gone, where nobody says otherwise.
    public init(_ settings: inout SettingsReader, sessionMilliseconds: Int = 10_000) {
        self.init()
        common["bootstrap.servers"] = settings.string("TB_KAFKA_SERVERS", default: "localhost:9092")
        readSecurity(&settings)
        readProducer(&settings)
        readConsumer(&settings, sessionMilliseconds)
        readTopics(&settings)
        maximumPendingRequests = settings.integer(
            "TB_QUEUE_TRANSPORT_MAX_PENDING_REQUESTS", default: maximumPendingRequests, in: 1...10_000_000)
        requestTimeout = .milliseconds(
            settings.integer("TB_QUEUE_TRANSPORT_MAX_REQUEST_TIMEOUT", default: 10_000, in: 100...3_600_000))
        // Last, so that it overrides what was read by name.
        let others = settings.string("TB_QUEUE_KAFKA_OTHER_PROPERTIES", default: "")
        for (name, value) in Self.list("TB_QUEUE_KAFKA_OTHER_PROPERTIES", others, &settings) { common[name] = value }
    }

    private mutating func readProducer(_ settings: inout SettingsReader) {
        // Taken because shared configurations have it, with no effect: a PUBACK means replicated, which is `all`.
        _ = settings.choice("TB_KAFKA_ACKS", default: "all", of: ["all", "-1", "0", "1"])
        producer["acks"] = "all"
        producer["enable.idempotence"] = "true"
        producer["linger.ms"] = String(settings.integer("TB_KAFKA_LINGER_MS", default: 5, in: 0...900_000))
        producer["batch.size"] = String(
            settings.integer("TB_KAFKA_BATCH_SIZE", default: 1_000_000, in: 1...2_147_483_647))
        producer["compression.type"] = settings.choice(
            "TB_KAFKA_COMPRESSION_TYPE", default: "none", of: ["none", "gzip", "snappy", "lz4", "zstd"])
        producer["message.max.bytes"] = String(
            settings.integer("TB_KAFKA_MAX_REQUEST_SIZE", default: 1_048_576, in: 1000...1_000_000_000))
        producer["max.in.flight.requests.per.connection"] = String(
            settings.integer("TB_KAFKA_MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION", default: 5, in: 1...5))
        let memory = settings.integer("TB_BUFFER_MEMORY", default: 33_554_432, in: 1 << 20...2_147_483_647)
        producer["queue.buffering.max.kbytes"] = String(memory >> 10)
        producer["queue.buffering.max.messages"] = "1000000"
        let timeout = settings.integer("TB_QUEUE_KAFKA_REQUEST_TIMEOUT_MS", default: 30_000, in: 1000...900_000)
        producer["message.timeout.ms"] = String(timeout)
        producer["request.timeout.ms"] = String(timeout)
    }

    private mutating func readConsumer(_ settings: inout SettingsReader, _ sessionMilliseconds: Int) {
        maximumInFlight = settings.integer("TB_QUEUE_KAFKA_MAX_POLL_RECORDS", default: 8192, in: 1...1_000_000)
        let session = settings.integer(
            "TB_QUEUE_KAFKA_SESSION_TIMEOUT_MS", default: sessionMilliseconds, in: 1000...3_600_000)
        let interval = settings.integer("TB_QUEUE_KAFKA_MAX_POLL_INTERVAL_MS", default: 300_000, in: 1000...86_400_000)
        consumer["session.timeout.ms"] = String(session)
        consumer["max.poll.interval.ms"] = String(max(session, interval))
        let partition = settings.integer(
            "TB_QUEUE_KAFKA_MAX_PARTITION_FETCH_BYTES", default: 16_777_216, in: 1000...1_000_000_000)
        let all = settings.integer(
            "TB_QUEUE_KAFKA_FETCH_MAX_BYTES", default: 134_217_728, in: 1000...2_147_483_135)
        consumer["max.partition.fetch.bytes"] = String(partition)
        consumer["fetch.max.bytes"] = String(all)
        consumer["receive.message.max.bytes"] = String(max(100_000_000, all + 512))
        // What librdkafka keeps of one partition ahead of us.
        consumer["queued.max.messages.kbytes"] = "4096"
        consumer["auto.offset.reset"] = settings.choice(
            "TB_QUEUE_KAFKA_AUTO_OFFSET_RESET", default: "earliest", of: ["earliest", "latest"])
        let inline = settings.string("TB_QUEUE_KAFKA_CONSUMER_PROPERTIES_PER_TOPIC_INLINE", default: "")
        let name = "TB_QUEUE_KAFKA_CONSUMER_PROPERTIES_PER_TOPIC_INLINE"
        for (topic, assignment) in Self.list(name, inline, &settings) {
            guard let middle = assignment.firstIndex(of: "="), middle > assignment.startIndex else {
                settings.report("\(name) has \"\(topic):\(assignment)\"; expected topic:key=value")
                continue
            }
            let key = String(PropertyList.trimmed(assignment[..<middle]))
            let value = String(PropertyList.trimmed(assignment[assignment.index(after: middle)...]))
            consumerByTopic[topic, default: KafkaProperties()][key] = value
        }
    }

    private mutating func readTopics(_ settings: inout SettingsReader) {
        topics = KafkaTopicNames(&settings)
        replicationFactor = settings.integer("TB_QUEUE_KAFKA_REPLICATION_FACTOR", default: 1, in: 1...100)
        corePartitions = settings.integer("TB_QUEUE_CORE_PARTITIONS", default: 10, in: 1...10_000)
        let standard = TopicProperties.standard
        coreTopic = Self.topic("TB_QUEUE_KAFKA_CORE_TOPIC_PROPERTIES", standard, &settings)
        ruleEngineTopic = Self.topic("TB_QUEUE_KAFKA_RE_TOPIC_PROPERTIES", standard, &settings)
        notificationsTopic = Self.topic("TB_QUEUE_KAFKA_NOTIFICATIONS_TOPIC_PROPERTIES", standard, &settings)
        transportAPITopic = Self.topic(
            "TB_QUEUE_KAFKA_TA_TOPIC_PROPERTIES", standard + ";partitions:10", &settings)
        scriptTopic = Self.topic("TB_QUEUE_KAFKA_JE_TOPIC_PROPERTIES", TopicProperties.scripts, &settings)
    }

    private static func topic(
        _ name: String, _ defaultValue: String, _ settings: inout SettingsReader
    ) -> TopicProperties {
        do throws(TopicPropertiesError) {
            return try TopicProperties(parsing: settings.string(name, default: defaultValue))
        } catch {
            settings.report("\(name): \(error.text); expected key:value;key:value")
            return TopicProperties()
        }
    }

    private static func list(
        _ name: String, _ text: String, _ settings: inout SettingsReader
    ) -> [(name: String, value: String)] {
        do throws(TopicPropertiesError) {
            return try PropertyList.parse(text)
        } catch {
            settings.report("\(name): \(error.text)")
            return []
        }
    }
}
