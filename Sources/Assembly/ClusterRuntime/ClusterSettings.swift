import Cache
import Cluster
import Configuration
import KafkaQueue
import Messages
import ProcessRuntime
import Redis
import RedisCache
import ScriptEngine
import ServiceRuntime
import Storage
import ZooKeeperCluster

/// Everything that a process of a cluster reads. Each kind of process uses its part; what the others have is read and checked
/// all the same, because they share one environment (`cluster.md` 9.3).
struct ClusterSettings {
    /// `INSTALL_TB`, `UPGRADE_TB` (`cluster.md` 10.1): the process does that and ends.
    enum Task {
        case serve
        case install(isDemo: Bool)
        case upgrade
    }

    var task: Task
    var runtime: RuntimeSettings
    var kafka: KafkaSettings
    var zookeeper: ZooKeeperConfiguration
    /// `NEEDLETAIL_KAFKA_PATIENCE_MS`: a transport that cannot reach Kafka for so long says that it is not ready.
    var kafkaPatience: Duration
    /// `NEEDLETAIL_KAFKA_CUT_PATIENCE_MS`: a process that cannot reach Kafka for so long, while others of its kind do, leaves
    /// its work to them.
    var kafkaCutPatience: Duration
    /// `NEEDLETAIL_HTTP_CREDENTIALS_MEMORY_MS`: for so long an HTTP transport knows who a token is without asking again.
    var credentialsMemory: Duration
    var cache: CacheConfiguration
    var redis: RedisConfiguration
    var database: DatabaseSettings
    var core: CoreSettings
    var ruleEngine: RuleEngineSettings
    var scripts: ScriptSettings
    var transports: TransportSettings
    var queues: [QueueRoute]
    /// `TB_QUEUE_RULE_ENGINE_TOPIC_DELETION_DELAY_SEC`: the topic of a deleted queue lives at least so long.
    var queueDeletionDelay: Duration
    var assignedTenantProfiles: [String]
    var reader: SettingsReader

    init(_ service: ClusterService, _ source: SettingsSource) {
        var settings = SettingsReader(source)
        runtime = RuntimeSettings(from: &settings, defaultHTTPPort: service.defaultHTTPPort)
        kafka = KafkaSettings(&settings)
        zookeeper = ZooKeeperConfiguration(reading: &settings)
        kafkaPatience = settings.milliseconds("NEEDLETAIL_KAFKA_PATIENCE_MS", default: 60_000, in: 1000...86_400_000)
        kafkaCutPatience = settings.milliseconds(
            "NEEDLETAIL_KAFKA_CUT_PATIENCE_MS", default: 6000, in: 1000...86_400_000)
        credentialsMemory = settings.milliseconds(
            "NEEDLETAIL_HTTP_CREDENTIALS_MEMORY_MS", default: 1000, in: 0...60_000)
        cache = CacheConfiguration(reading: &settings)
        redis = RedisConfiguration(reading: &settings)
        database = DatabaseSettings(from: &settings)
        core = CoreSettings(serviceID: runtime.serviceID, from: &settings)
        ruleEngine = RuleEngineSettings(from: &settings)
        scripts = ScriptSettings(from: &settings)
        transports = TransportSettings(serviceID: runtime.serviceID, from: &settings, canBeOff: false)
        queues = database.schema.queues.map { QueueRoute(name: $0.name, topic: $0.topic, partitions: $0.partitions) }
        queueDeletionDelay = .seconds(
            settings.integer("TB_QUEUE_RULE_ENGINE_TOPIC_DELETION_DELAY_SEC", default: 15, in: 0...86_400))
        assignedTenantProfiles = settings.string("TB_RULE_ENGINE_ASSIGNED_TENANT_PROFILES", default: "")
            .split(separator: ",").map { String($0.filter { !$0.isWhitespace }) }.filter { !$0.isEmpty }
        // The guides set it for every process; here an executable is its service.
        _ = settings.choice("TB_QUEUE_TYPE", default: "kafka", of: ["kafka"])
        let isDemo = settings.boolean("LOAD_DEMO", default: false)
        let installs = settings.boolean("INSTALL_TB", default: false)
        let upgrades = settings.boolean("UPGRADE_TB", default: false)
        task = installs ? .install(isDemo: isDemo) : upgrades ? .upgrade : .serve
        if service.usesDatabase, database.url == nil {
            settings.report("SPRING_DATASOURCE_URL is not set; expected jdbc:postgresql://host[:port]/database")
        }
        reader = settings
    }
}
