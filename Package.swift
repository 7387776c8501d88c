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
    "Bytes", "JSON", "Reactor", "MQTTProtocol", "Telemetry", "Messages", "Queue", "TransportCore", "MQTTTransport",
    "RuleEngine", "Storage",
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
    systemLibrary("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
    systemLibrary("CHTTPParser", apt: "libhttp-parser-dev"),
    systemLibrary("CPostgres", pkgConfig: "libpq", apt: "libpq-dev"),
    systemLibrary("CCrypt", apt: "libcrypt-dev"),
        ["Cache", "Model", "Telemetry", "Messages", "Queue", "Storage", "JSON", "Crypto", "Postgres", "Reactor", "HTTPServer",
         "Logging", "Metrics", "Configuration", "Bytes"]),
