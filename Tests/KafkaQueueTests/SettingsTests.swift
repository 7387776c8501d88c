import Configuration
import Kafka
import KafkaQueue
import Messages
import Model
import Testing

@Suite struct SettingsTests {
    private func read(_ environment: [String: String]) -> (KafkaSettings, [String]) {
        var reader = SettingsReader(environment: environment)
        let settings = KafkaSettings(&reader)
        return (settings, reader.problems)
    }

    @Test func defaultsAreThoseOfTheVariables() {
        let (settings, problems) = read([:])
        #expect(problems.isEmpty)
        #expect(settings.common["bootstrap.servers"] == "localhost:9092")
        #expect(settings.producer["linger.ms"] == "5")
        #expect(settings.producer["acks"] == "all")
        #expect(settings.corePartitions == 10)
        #expect(settings.transportAPITopic.partitions == 10)
        #expect(settings.coreTopic.configuration["retention.ms"] == "604800000")
        #expect(settings.topics.core == "tb_core")
    }

    @Test func prefixIsInFrontOfTopicsAndGroups() {
        let (settings, _) = read(["TB_QUEUE_PREFIX": "blue"])
        #expect(settings.topics.core == "blue.tb_core")
        #expect(settings.topics.coreGroup == "blue.tb-core-node")
        #expect(settings.topics.transportNotifications("t1") == "blue.tb_transport.notifications.t1")
        #expect(settings.topics.ruleEngineGroup(queue: "Main") == "blue.re-Main-consumer")
        let tenant = TenantID(.null)
        #expect(
            settings.topics.ruleEngine(topic: "tb_rule_engine.main", isolated: tenant)
                == "blue.tb_rule_engine.main.isolated.\(tenant)")
    }

    @Test func topicPropertiesAreKeysAndValues() throws {
        let properties = try TopicProperties(parsing: "retention.ms:1; partitions:7 ;;cleanup.policy:compact")
        #expect(properties.partitions == 7)
        #expect(properties.configuration == ["retention.ms": "1", "cleanup.policy": "compact"])
        #expect(throws: TopicPropertiesError.self) { try TopicProperties(parsing: "partitions:0") }
        #expect(throws: TopicPropertiesError.self) { try TopicProperties(parsing: "retention.ms") }
    }

    @Test func sharedConfigurationsAreTaken() {
        // The Kubernetes guide's.
        let (settings, problems) = read([
            "TB_KAFKA_ACKS": "1", "TB_KAFKA_BATCH_SIZE": "65536", "TB_KAFKA_LINGER_MS": "5",
            "TB_KAFKA_COMPRESSION_TYPE": "gzip", "TB_QUEUE_KAFKA_REPLICATION_FACTOR": "2",
            "TB_QUEUE_KAFKA_MAX_POLL_RECORDS": "4096", "TB_QUEUE_TRANSPORT_MAX_PENDING_REQUESTS": "1000000",
        ])
        #expect(problems.isEmpty)
        #expect(settings.producer["acks"] == "all")
        #expect(settings.producer["compression.type"] == "gzip")
        #expect(settings.replicationFactor == 2)
        #expect(settings.maximumInFlight == 4096)
    }

    @Test(arguments: [
        ("TB_KAFKA_ACKS", "2"), ("TB_KAFKA_COMPRESSION_TYPE", "rar"), ("TB_QUEUE_KAFKA_CORE_TOPIC_PROPERTIES", "x"),
        ("TB_QUEUE_KAFKA_OTHER_PROPERTIES", "novalue"), ("TB_QUEUE_CORE_PARTITIONS", "0"),
        ("TB_QUEUE_KAFKA_CONSUMER_PROPERTIES_PER_TOPIC_INLINE", "topic:noassignment"),
    ])
    func wrongValueIsNamed(_ name: String, _ value: String) {
        let (_, problems) = read([name: value])
        #expect(problems.count == 1)
        #expect(problems.first?.contains(name) == true)
    }

    @Test func credentialsComeFromTheLoginModule() {
        let jaas = #"org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p\"q";"#
        let (settings, problems) = read([
            "TB_QUEUE_KAFKA_USE_CONFLUENT_CLOUD": "true", "TB_QUEUE_KAFKA_CONFLUENT_SASL_JAAS_CONFIG": jaas,
        ])
        #expect(problems.isEmpty)
        #expect(settings.common["sasl.username"] == "u")
        #expect(settings.common["sasl.password"] == "p\"q")
        #expect(settings.common["security.protocol"] == "SASL_SSL")
        let (_, missing) = read(["TB_QUEUE_KAFKA_USE_CONFLUENT_CLOUD": "true"])
        #expect(missing.count == 1)
    }

    @Test func storesArePEMOrPKCS12() {
        let tls = ["TB_KAFKA_SSL_ENABLED": "true"]
        let (pem, problems) = read(
            tls.merging([
                "TB_KAFKA_SSL_TRUSTSTORE_LOCATION": "/ca.pem", "TB_KAFKA_SSL_KEYSTORE_LOCATION": "/node.pem",
            ]) { $1 })
        #expect(problems.isEmpty)
        #expect(pem.common["security.protocol"] == "ssl")
        #expect(pem.common["ssl.ca.location"] == "/ca.pem")
        #expect(pem.common["ssl.key.location"] == "/node.pem")
        let (pkcs, _) = read(tls.merging(["TB_KAFKA_SSL_KEYSTORE_LOCATION": "/node.p12"]) { $1 })
        #expect(pkcs.common["ssl.keystore.location"] == "/node.p12")
        let (_, java) = read(tls.merging(["TB_KAFKA_SSL_KEYSTORE_LOCATION": "/node.jks"]) { $1 })
        #expect(java.count == 1)
    }

    @Test func routesFollowTenantAndName() {
        let tenant = TenantID(.random())
        let own = QueueRoute(name: "Main", topic: "m", partitions: 1, isolatedTenant: tenant)
        let high = QueueRoute(name: "HighPriority", topic: "h", partitions: 2)
        let routing = QueueRouting([mainRoute, high, own])
        #expect(routing.route(tenant: .system, queueName: nil) == mainRoute)
        #expect(routing.route(tenant: .system, queueName: "HighPriority") == high)
        #expect(routing.route(tenant: .system, queueName: "Gone") == mainRoute)
        #expect(routing.route(tenant: tenant, queueName: nil) == own)
        #expect(routing.route(tenant: tenant, queueName: "HighPriority") == high)
        #expect(routing.route(tenant: tenant, queueName: "Gone") == mainRoute)
        routing.replace([mainRoute])
        #expect(routing.route(tenant: tenant, queueName: nil) == mainRoute)
        #expect(routing.route(tenant: tenant, queueName: "HighPriority") == mainRoute)
    }
}
