public import Kafka

/// How a service uses Kafka (`cluster.md` 2.4, 7.1, 7.2). Read by ``init(_:)``; the defaults are those of the
/// variables.
public struct KafkaSettings: Sendable {
    /// Of every client.
    public var common = KafkaProperties([
        "bootstrap.servers": "localhost:9092",
        // A broker that is there again is found again soon.
        "socket.connection.setup.timeout.ms": "5000", "reconnect.backoff.max.ms": "2000",
    ])
    public var producer = KafkaProperties()
    public var consumer = KafkaProperties()
    /// Consumer settings by topic, or start of topics' names; without the prefix.
    public var consumerByTopic: [String: KafkaProperties] = [:]

    public var topics = KafkaTopicNames()
    /// Of created topics.
    public var replicationFactor = 1
    public var coreTopic = TopicProperties()
    public var ruleEngineTopic = TopicProperties()
    public var notificationsTopic = TopicProperties()
    public var transportAPITopic = TopicProperties(partitions: 10)
    public var scriptTopic = TopicProperties(partitions: KafkaSettings.defaultScriptPartitions)
    static let defaultScriptPartitions = 30

    /// `TB_QUEUE_CORE_PARTITIONS`: the same in every service of a cluster.
    public var corePartitions = 10
    /// `TB_QUEUE_KAFKA_MAX_POLL_RECORDS`: records of one partition that may be in work.
    public var maximumInFlight = 8192
    /// `TB_QUEUE_TRANSPORT_MAX_PENDING_REQUESTS`: questions without an answer, at both ends.
    public var maximumPendingRequests = 10_000
    /// `TB_QUEUE_TRANSPORT_MAX_REQUEST_TIMEOUT`
    public var requestTimeout: Duration = .seconds(10)
    /// How often what is done is committed: after a crash at most so much is processed again.
    public var commitInterval: Duration = .milliseconds(100)

    public init() {}

    /// The settings of a consumer of that topic.
    ///
    /// - Parameter topic: with its prefix. The entry of the very topic counts, else the one with the longest start of
    /// its
    ///   name.
    func consumerProperties(for topic: String) -> KafkaProperties {
        let name = topics.withoutPrefix(topic)
        let entry =
            consumerByTopic[name]
            ?? consumerByTopic.filter { name.hasPrefix($0.key) }.max { $0.key.utf8.count < $1.key.utf8.count }?.value
        return common.merging(consumer).merging(entry ?? KafkaProperties())
    }
}
