public import Configuration
public import CoreNode
public import HTTPTransport
public import MQTTTransport
import ProcessRuntime
public import RuleEngine
public import Storage
public import TransportCore

/// What the rule engine and the writing of telemetry read.
public struct RuleEngineSettings: Sendable {
    public var writer: TelemetryWriterConfiguration
    /// `SQL_POSTGRES_TS_KV_PARTITIONING`.
    public var partitionScheme: PartitionScheme
    public var eventWriter: EventWriterConfiguration
    public var events: RuleEventSettings
    /// `NEEDLETAIL_RULE_ENGINE_THREADS`: event loops for rule chains.
    public var threads: Int
    public var usage: UsageSettings
    public var queueStatistics: QueueStatisticsSettings

    public init(from settings: inout SettingsReader) {
        usage = UsageSettings(
            isEnabled: settings.boolean("USAGE_STATS_REPORT_ENABLED", default: true),
            interval: .seconds(settings.integer("USAGE_STATS_REPORT_INTERVAL", default: 60, in: 1...86_400)))
        queueStatistics = QueueStatisticsSettings(
            isEnabled: settings.boolean("TB_QUEUE_RULE_ENGINE_STATS_ENABLED", default: true),
            interval: .milliseconds(
                settings.integer("TB_QUEUE_RULE_ENGINE_STATS_PRINT_INTERVAL_MS", default: 60_000, in: 100...86_400_000))
        )
        writer = TelemetryWriterConfiguration(from: &settings)
        partitionScheme =
            PartitionScheme(
                name: settings.choice(
                    "SQL_POSTGRES_TS_KV_PARTITIONING", default: "MONTHS", of: ["DAYS", "MONTHS", "YEARS", "INDEFINITE"])
            )
            ?? .months
        eventWriter = EventWriterConfiguration(from: &settings)
        events = RuleEventSettings(from: &settings)
        threads = settings.integer(
            "NEEDLETAIL_RULE_ENGINE_THREADS", default: max(1, RuntimeSettings.cores / 2), in: 1...64)
    }
}

/// What a core node reads.
public struct CoreSettings: Sendable {
    public var rest: RESTConfiguration
    public var devices: DeviceCoreSettings
    public var rpcTimeouts: RPCTimeouts
    public var retention: RetentionSettings
    /// `CACHE_SPECS_DEVICE_CREDENTIALS_MAX_SIZE`.
    public var credentialsCacheSize: Int

    public init(serviceID: String, from settings: inout SettingsReader) {
        rest = RESTConfiguration(from: &settings)
        devices = DeviceCoreSettings(serviceID: serviceID, from: &settings)
        rpcTimeouts = RPCTimeouts(from: &settings)
        retention = RetentionSettings(from: &settings)
        credentialsCacheSize = settings.integer(
            "CACHE_SPECS_DEVICE_CREDENTIALS_MAX_SIZE", default: 10_000, in: 1...100_000_000)
    }
}

/// What the transports of a process read.
public struct TransportSettings: Sendable {
    public var shared: TransportConfiguration
    public var mqtt: MQTTTransportConfiguration
    public var http: HTTPTransportConfiguration
    /// `MQTT_ENABLED`, `HTTP_ENABLED`, `TB_TRANSPORT_API_ENABLED`: switches of a process that is more than a transport.
    public var isMQTTEnabled = true
    public var isHTTPEnabled = true

    /// - Parameter canBeOff: Whether the switches count.
    public init(serviceID: String, from settings: inout SettingsReader, canBeOff: Bool) {
        shared = TransportConfiguration(serviceID: serviceID, from: &settings)
        mqtt = MQTTTransportConfiguration(from: &settings)
        http = HTTPTransportConfiguration(from: &settings)
        guard canBeOff else { return }
        let isEnabled = settings.boolean("TB_TRANSPORT_API_ENABLED", default: true)
        isMQTTEnabled = settings.boolean("MQTT_ENABLED", default: true) && isEnabled
        isHTTPEnabled = settings.boolean("HTTP_ENABLED", default: true) && isEnabled
    }
}
