import Configuration
import CoreNode
import Glibc
import HTTPServer
import HTTPTransport
import Logging
import MQTTTransport
import Reactor
import Storage
import TransportCore

/// Everything that `needletail standalone` reads from the environment and its options.
struct StandaloneSettings {
    var dataDirectory: String
    var isDemo: Bool
    /// `SPRING_DATASOURCE_URL`; without it the process runs a private server.
    var databaseURL: String?
    var rest: RESTConfiguration
    var httpServer: HTTPServerConfiguration
    var httpAddress: String
    var httpPort: Int
    var log: LogSink
    var mqtt: MQTTTransportConfiguration
    var isMQTTEnabled: Bool
    var isHTTPDeviceAPIEnabled: Bool
    var transport: TransportConfiguration
    var writer: TelemetryWriterConfiguration
    /// `NEEDLETAIL_IO_THREADS`: event loops for sockets.
    var ioThreads: Int
    /// `NEEDLETAIL_RULE_ENGINE_THREADS`: event loops for rule chains.
    var ruleEngineThreads: Int
    /// `TB_QUEUE_RE_MAIN_PARTITIONS`.
    var partitions: Int
    /// `ACTORS_MAX_CONCURRENT_SESSION_PER_DEVICE`.
    var maximumSessionsPerDevice: Int
    /// `CACHE_SPECS_DEVICE_CREDENTIALS_MAX_SIZE`.
    var credentialsCacheSize: Int
    /// `SQL_POSTGRES_TS_KV_PARTITIONING`.
    var partitionScheme: PartitionScheme
    /// `TB_TRANSPORT_STATS_PRINT_INTERVAL_MS`.
    var statisticsInterval: Duration
    private var pool: DatabaseConfiguration
    /// The environment with the options laid over it.
    var environment: [String: String]
    var problems: [String]

    init(_ arguments: ParsedArguments, environment: [String: String]) {
        let environment = arguments.overlaid(on: environment)
        var settings = SettingsReader(environment: environment)
        self.environment = environment
        dataDirectory = arguments.string("data") ?? "./data"
        isDemo = arguments.flag("demo") || settings.boolean("LOAD_DEMO", default: false)
        databaseURL = settings.optionalString("SPRING_DATASOURCE_URL")
        httpAddress = settings.string("HTTP_BIND_ADDRESS", default: "0.0.0.0")
        httpPort = settings.integer("HTTP_BIND_PORT", default: 8080, in: 0...65_535)
        rest = RESTConfiguration(from: &settings)
        httpServer = HTTPServerConfiguration(address: .tcp(host: httpAddress, port: httpPort))
        httpServer.bodyLimits = BodyLimits.devices.followed(by: .administration)
        httpServer.errorRenderer = { status, message, request in
            let isDevice = request?.path.hasPrefix(HTTPTransport.prefix) ?? false
            return isDevice
                ? DeviceAPIErrors.renderer(status, message, request) : RequestRefusal.render(status, message, request)
        }
        let level = LogLevel(
            name: settings.choice(
                "NEEDLETAIL_LOG_LEVEL", default: "info",
                of: ["trace", "debug", "info", "notice", "warning", "error", "critical"]))
        let format = settings.choice("NEEDLETAIL_LOG_FORMAT", default: "text", of: ["text", "json"])
        log = LogSink(level: level ?? .info, format: format == "json" ? .json : .text)
        let cores = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        ioThreads = settings.integer("NEEDLETAIL_IO_THREADS", default: cores, in: 1...63)
        ruleEngineThreads = settings.integer(
            "NEEDLETAIL_RULE_ENGINE_THREADS", default: max(1, cores / 2), in: 1...64)
        partitions = settings.integer("TB_QUEUE_RE_MAIN_PARTITIONS", default: 10, in: 1...10_000)
        maximumSessionsPerDevice = settings.integer(
            "ACTORS_MAX_CONCURRENT_SESSION_PER_DEVICE", default: 1, in: 1...10_000)
        credentialsCacheSize = settings.integer(
            "CACHE_SPECS_DEVICE_CREDENTIALS_MAX_SIZE", default: 10_000, in: 1...100_000_000)
        let serviceID = settings.optionalString("TB_SERVICE_ID") ?? Self.hostName
        transport = TransportConfiguration(serviceID: serviceID, from: &settings)
        mqtt = MQTTTransportConfiguration(from: &settings)
        writer = TelemetryWriterConfiguration(from: &settings)
        let isTransportEnabled = settings.boolean("TB_TRANSPORT_API_ENABLED", default: true)
        isMQTTEnabled = settings.boolean("MQTT_ENABLED", default: true) && isTransportEnabled
        isHTTPDeviceAPIEnabled = settings.boolean("HTTP_ENABLED", default: true) && isTransportEnabled
        partitionScheme =
            PartitionScheme(
                name: settings.choice(
                    "SQL_POSTGRES_TS_KV_PARTITIONING", default: "MONTHS", of: ["DAYS", "MONTHS", "YEARS", "INDEFINITE"])
            )
            ?? .months
        statisticsInterval = max(
            .seconds(1), settings.milliseconds("TB_TRANSPORT_STATS_PRINT_INTERVAL_MS", default: 60_000))
        pool = DatabaseConfiguration(conninfo: "", from: &settings)
        problems = settings.problems
    }

    func database(_ conninfo: String) -> DatabaseConfiguration {
        var configuration = pool
        configuration.conninfo = conninfo
        return configuration
    }

    private static var hostName: String {
        let bytes = [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
            count = buffer.withMemoryRebound(to: CChar.self) { name in
                guard let start = name.baseAddress, gethostname(start, 255) == 0 else { return 0 }
                return strnlen(start, 255)
            }
        }
        return bytes.isEmpty ? "needletail" : String(decoding: bytes, as: UTF8.self)
    }
}
