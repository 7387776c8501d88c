// swift-tools-version: 6.2
import PackageDescription

// The layers, from the bottom up. A target may import only targets of layers below its own, and inside its layer only
// targets that are listed before it (docs/architecture.md, "Layers").

/// Settings of every Swift target. CI treats warnings as errors.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
] + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

/// Settings of targets on the way of a message: memory that one loop owns needs no check for overlapping access in release
/// builds, where the checks cost a twelfth of the transport's time.
let fast: [SwiftSetting] = [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]
let hotTargets: Set<String> = [
    "Bytes", "JSON", "Reactor", "MQTTProtocol", "WebSocket", "Telemetry", "Messages", "Queue", "Wire", "KafkaQueue",
    "TransportCore", "MQTTTransport", "RuleEngine", "Storage", "TBEL",
]

func swiftTarget(_ layer: String, _ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(layer)/\(name)",
        swiftSettings: strict + (hotTargets.contains(name) ? fast : []))
}

func systemLibrary(_ name: String, pkgConfig: String? = nil, apt: String) -> Target {
    .systemLibrary(name: name, path: "Sources/C/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name), "TestSupport"] + dependencies,
        path: "Tests/\(name)Tests", swiftSettings: strict)
}

let c: [Target] = [
    .target(name: "CLinux", path: "Sources/C/CLinux"),
    .target(
        name: "CSimdJSON", path: "Sources/C/CSimdJSON",
        cxxSettings: [.unsafeFlags(["-O3", "-DNDEBUG"])], linkerSettings: [.linkedLibrary("simdjson")]),
    .target(
        name: "CProtobuf", path: "Sources/C/CProtobuf", linkerSettings: [.linkedLibrary("protobuf")]),
    systemLibrary("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
    systemLibrary("CHTTPParser", apt: "libhttp-parser-dev"),
    systemLibrary("CPostgres", pkgConfig: "libpq", apt: "libpq-dev"),
    systemLibrary("CCrypt", apt: "libcrypt-dev"),
    systemLibrary("CZooKeeper", apt: "libzookeeper-mt-dev"),
    systemLibrary("CKafka", pkgConfig: "rdkafka", apt: "librdkafka-dev"),
    .target(name: "CMessages", path: "Sources/C/CMessages", linkerSettings: [.linkedLibrary("protobuf-c")]),
    systemLibrary("CHiredis", apt: "libhiredis-dev"),
    systemLibrary("CYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
    .target(name: "CSettings", path: "Sources/C/CSettings"),
    .target(name: "CCurl", path: "Sources/C/CCurl", linkerSettings: [.linkedLibrary("curl")]),
    systemLibrary("CJavaScriptCore", pkgConfig: "javascriptcoregtk-4.1", apt: "libjavascriptcoregtk-4.1-dev"),
    .target(name: "CScriptWorker", path: "Sources/C/CScriptWorker"),
    .target(name: "CZlib", path: "Sources/C/CZlib", linkerSettings: [.linkedLibrary("z")]),
]

let clients: [Target] = [
    swiftTarget("Clients", "Threads", ["CLinux"]),
    swiftTarget("Clients", "JSON", ["CSimdJSON"]),
    swiftTarget("Clients", "Postgres", ["CPostgres"]),
    swiftTarget("Clients", "Protobuf", ["CProtobuf"]),
    swiftTarget("Clients", "Crypto", ["COpenSSL", "CCrypt"]),
    swiftTarget("Clients", "ZooKeeper", ["CZooKeeper"]),
    swiftTarget("Clients", "Kafka", ["CKafka", "CLinux", "Threads"]),
    swiftTarget("Clients", "Redis", ["CHiredis", "COpenSSL", "Threads"]),
    swiftTarget("Clients", "YAML", ["CYAML"]),
    swiftTarget("Clients", "Mail", ["CCurl", "Crypto"]),
    swiftTarget("Clients", "GitAccess", ["CCurl"]),
    swiftTarget("Clients", "Compression", ["CZlib"]),
    swiftTarget("Clients", "JavaScript", ["CJavaScriptCore"]),
]

let platform: [Target] = [
    swiftTarget("Platform", "Bytes"),
    swiftTarget("Platform", "Logging", ["CLinux"]),
    swiftTarget("Platform", "Metrics"),
    swiftTarget("Platform", "Configuration", ["YAML", "CSettings"]),
    swiftTarget("Platform", "Reactor", ["Bytes", "CLinux", "COpenSSL"]),
    swiftTarget("Platform", "MQTTProtocol", ["Bytes"]),
    swiftTarget("Platform", "HTTPServer", ["Bytes", "Reactor", "CHTTPParser", "Logging", "Metrics"]),
    swiftTarget("Platform", "WebSocket", ["Bytes", "HTTPServer", "Crypto"]),
    swiftTarget("Platform", "ScriptWire"),
    swiftTarget("Platform", "HTTPClient", ["Bytes", "Reactor", "CHTTPParser"]),
    swiftTarget("Platform", "TimeZones"),
    swiftTarget("Platform", "TBEL", ["JSON"]),
]

let domain: [Target] = [
    swiftTarget("Domain", "Model"),
    swiftTarget("Domain", "Telemetry", ["Model", "JSON"]),
    swiftTarget("Domain", "AlarmRules", ["Telemetry", "JSON", "TimeZones"]),
    swiftTarget("Domain", "Messages", ["Model", "Telemetry"]),
    swiftTarget("Domain", "Cluster", ["Model"]),
    swiftTarget("Domain", "ZooKeeperCluster", ["Cluster", "ZooKeeper", "Threads", "Logging", "Metrics", "Configuration"]),
    swiftTarget("Domain", "Cache", ["Metrics", "Configuration"]),
    swiftTarget("Domain", "RedisCache", ["Cache", "Redis", "Logging", "Metrics", "Configuration"]),
    swiftTarget("Domain", "Queue", ["Model", "Telemetry", "Messages", "Cluster", "Reactor", "Metrics"]),
    swiftTarget("Domain", "Wire", ["Model", "Telemetry", "Messages", "CMessages"]),
    swiftTarget(
        "Domain", "KafkaQueue",
        ["Model", "Telemetry", "Messages", "Cluster", "Queue", "Wire", "Kafka", "Reactor", "Logging", "Metrics",
         "Configuration", "CLinux", "Threads", "JSON"]),
    swiftTarget("Domain", "PrivatePostgres", ["Postgres", "Logging", "CLinux", "Threads"]),
    swiftTarget(
        "Domain", "Storage",
        ["Model", "Telemetry", "Messages", "Queue", "JSON", "Crypto", "Postgres", "Reactor", "Logging", "Metrics",
         "Configuration", "Threads"]),
]

let services: [Target] = [
    swiftTarget("Services", "ServiceHealth", ["HTTPServer", "JSON", "Metrics"]),
    swiftTarget(
        "Services", "TransportCore",
        ["Model", "Telemetry", "Messages", "Queue", "JSON", "Protobuf", "Reactor", "Logging", "Metrics",
         "Configuration"]),
    swiftTarget(
        "Services", "MQTTTransport",
        ["TransportCore", "MQTTProtocol", "HTTPServer", "WebSocket", "Bytes", "Model", "Telemetry", "Messages", "Queue",
         "JSON", "Crypto", "Reactor", "Logging", "Metrics", "Configuration"]),
    swiftTarget(
        "Services", "HTTPTransport",
        ["JSON", "TransportCore", "HTTPServer", "Bytes", "Model", "Telemetry", "Messages", "Queue", "Reactor", "Logging",
         "Metrics", "Configuration"]),
    swiftTarget(
        "Services", "ScriptEngine",
        ["Model", "Messages", "Queue", "JSON", "Crypto", "ScriptWire", "TBEL", "Reactor", "Logging", "Metrics",
         "Configuration", "Threads", "CLinux", "CScriptWorker"]),
    swiftTarget("Services", "ScriptWorker", ["JavaScript", "ScriptWire", "CLinux", "CScriptWorker"]),
    swiftTarget(
        "Services", "CalculatedFields", ["ScriptEngine", "AlarmRules", "Messages", "Model", "Telemetry", "JSON"]),
    swiftTarget(
        "Services", "RuleEngine",
        ["TransportCore", "ScriptEngine", "CalculatedFields", "AlarmRules", "Model", "Telemetry", "Messages", "Queue", "Storage", "JSON",
         "Reactor", "Logging", "Metrics", "Cluster", "Configuration"]),
    swiftTarget(
        "Services", "CoreNode",
         ["Threads", "Cache", "ScriptEngine", "CalculatedFields", "TBEL", "Model", "Telemetry", "Messages", "Queue", "Storage", "JSON", "Crypto",
          "Mail", "GitAccess", "Compression", "Postgres", "Protobuf", "Reactor", "HTTPServer", "WebSocket", "Logging", "Metrics",
          "Configuration", "Bytes", "ServiceHealth"]),
    swiftTarget(
        "Services", "LoadTester",
        ["MQTTProtocol", "HTTPClient", "JSON", "Bytes", "Reactor", "Logging", "Configuration"]),
]

/// Parts of services put together into processes.
let assembly: [Target] = [
    swiftTarget(
        "Assembly", "ProcessRuntime",
        ["CLinux", "Threads", "Configuration", "Logging", "Metrics", "Reactor", "HTTPServer", "ServiceHealth"]),
    swiftTarget(
        "Assembly", "ExecutorRuntime",
        ["ProcessRuntime", "Configuration", "Logging", "Metrics", "Reactor", "HTTPServer", "Messages", "KafkaQueue",
         "ServiceHealth", "ScriptEngine"]),
    swiftTarget(
        "Assembly", "ServiceRuntime",
        ["ProcessRuntime", "CLinux", "Threads", "Cache", "Configuration", "Logging", "Metrics", "Reactor", "HTTPServer", "Model", "Telemetry",
         "Messages", "Cluster", "Queue", "Postgres", "PrivatePostgres", "Storage", "ServiceHealth", "TransportCore",
         "MQTTTransport", "HTTPTransport", "ScriptEngine", "RuleEngine", "CoreNode"]),
    swiftTarget(
        "Assembly", "ClusterRuntime",
        ["ProcessRuntime", "ServiceRuntime", "ScriptEngine", "Configuration", "Logging", "Metrics", "Reactor", "HTTPServer",
         "Messages", "Cluster", "Queue",
         "Cache", "Redis", "RedisCache", "KafkaQueue", "ZooKeeperCluster", "Postgres", "Storage", "Model", "ServiceHealth",
         "TransportCore", "HTTPTransport", "RuleEngine", "CoreNode"]),
]

/// An executable of a cluster: one file, which runs on a machine without the toolchain.
func clusterExecutable(_ name: String) -> Target {
    .executableTarget(
        name: name, dependencies: ["ClusterRuntime"], path: "Sources/Executables/\(name)", swiftSettings: strict,
        linkerSettings: [.unsafeFlags(["-static-stdlib"], .when(configuration: .release))])
}

let executables: [Target] = [
    .executableTarget(
        name: "needletail",
        dependencies: [
            "ProcessRuntime", "ServiceRuntime", "Model", "Messages", "Queue", "Storage", "PrivatePostgres", "TransportCore",
            "MQTTTransport", "LoadTester", "Reactor", "Logging", "Metrics", "Configuration", "Postgres", "JSON", "Crypto",
        ],
        path: "Sources/Executables/needletail", swiftSettings: strict,
        // One file that runs on a machine without the toolchain.
        linkerSettings: [.unsafeFlags(["-static-stdlib"], .when(configuration: .release))]),
    clusterExecutable("mqtt-transport"), clusterExecutable("http-transport"), clusterExecutable("core-node"),
    clusterExecutable("rule-engine"),
    .executableTarget(
        name: "js-executor", dependencies: ["ScriptWorker", "ExecutorRuntime"], path: "Sources/Executables/js-executor",
        swiftSettings: strict, linkerSettings: [.unsafeFlags(["-static-stdlib"], .when(configuration: .release))]),
]

let testTargets: [Target] = [
    .target(
        name: "TestSupport", dependencies: ["Reactor", "Bytes", "PrivatePostgres", "Postgres", "Logging", "CKafka"],
        path: "Tests/TestSupport", swiftSettings: strict),
    tests("Threads"), tests("JSON"), tests("Postgres", ["PrivatePostgres", "Logging"]), tests("Crypto"),
    tests("Bytes"), tests("Logging"), tests("Metrics"), tests("YAML"), tests("Configuration", ["YAML"]), tests("Reactor", ["Bytes"]),
    tests("MQTTProtocol", ["Bytes"]), tests("TBEL", ["JSON"]), tests("HTTPServer", ["Bytes", "Reactor", "HTTPClient", "Logging", "Metrics"]),
    tests("WebSocket", ["Bytes", "HTTPServer"]),
    tests("TimeZones"), tests("AlarmRules", ["Telemetry", "JSON"]),
    tests("Model"), tests("Telemetry", ["Model", "JSON"]), tests("Cluster", ["Model"]), tests("Cache", ["Metrics", "Configuration"]),
    tests("Redis"), tests("RedisCache", ["Cache", "Redis", "Logging", "Metrics", "Configuration"]),
    tests("ZooKeeper"), tests("ZooKeeperCluster", ["Cluster", "ZooKeeper", "Logging", "Metrics"]),
    tests("Queue", ["Model", "Messages", "Telemetry", "Reactor"]),
    tests("Kafka"), tests("Wire", ["Model", "Telemetry", "Messages", "CMessages"]),
    tests(
        "KafkaQueue",
        ["Kafka", "Wire", "Queue", "Cluster", "Model", "Messages", "Telemetry", "Reactor", "Logging", "Metrics",
         "Configuration", "JSON"]),
    tests(
        "Storage",
        ["Model", "Telemetry", "Postgres", "PrivatePostgres", "Reactor", "Logging", "Metrics", "Configuration", "JSON",
         "Crypto", "Threads"]),
    tests("CalculatedFields", ["ScriptEngine", "Messages", "Model", "Telemetry", "JSON", "Metrics"]),
    tests(
        "RuleEngine",
        ["ScriptEngine", "AlarmRules", "Model", "Messages", "Queue", "Telemetry", "Storage", "Reactor", "Logging", "Metrics", "JSON"]),
    tests(
        "ScriptEngine",
        ["js-executor", "Model", "Messages", "Queue", "JSON", "Reactor", "Logging", "Metrics", "Configuration"]),
    tests("JavaScript"), tests("Protobuf"),
    tests("TransportCore", ["Model", "Messages", "Queue", "Telemetry", "Protobuf", "Reactor", "Logging", "Metrics"]),
    tests(
        "MQTTTransport",
        ["TransportCore", "MQTTProtocol", "Bytes", "Model", "Messages", "Queue", "Telemetry", "JSON", "Reactor", "Logging",
         "Metrics", "Configuration"]),
    tests(
        "HTTPTransport",
        ["TransportCore", "HTTPServer", "HTTPClient", "Model", "Messages", "Queue", "Telemetry", "Reactor", "Logging",
         "Metrics", "Configuration"]),
    tests(
        "CoreNode",
        ["Cache", "ScriptEngine", "Model", "Messages", "Storage", "Postgres", "Telemetry", "JSON", "Crypto", "HTTPServer", "Logging", "Metrics",
         "Configuration", "ServiceHealth", "Queue", "Reactor"]),
    tests("LoadTester", ["Bytes", "Configuration", "JSON", "MQTTProtocol", "Reactor"]),
]

/// Built only by Benchmarks/run, which sets the variable.
let benchmarks: [Target] = Context.environment["NEEDLETAIL_BENCHMARKS"] == nil ? [] : [
    .executableTarget(
        name: "needletail-benchmarks",
        dependencies: [
            "Bytes", "Configuration", "HTTPClient", "JSON", "Kafka", "KafkaQueue", "Logging", "Messages", "Metrics", "Model",
            "MQTTProtocol", "Postgres", "Queue", "Reactor", "RuleEngine", "ScriptEngine", "JavaScript", "Storage", "TBEL",
            "Telemetry",
        ],
        path: "Benchmarks/Sources", swiftSettings: strict),
]

let package = Package(
    name: "needletail",
    products: ["needletail", "mqtt-transport", "http-transport", "core-node", "rule-engine", "js-executor"].map {
        .executable(name: $0, targets: [$0])
    },
    targets: c + clients + platform + domain + services + assembly + executables + testTargets + benchmarks,
    cxxLanguageStandard: .cxx17
)
