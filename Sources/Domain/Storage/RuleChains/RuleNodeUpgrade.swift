public import JSON

/// Brings the configuration of a node from an older form to the current one when its chain is saved
/// (`rule-engine.md` 2.6). Types that have only ever had one form are left alone.
public struct RuleNodeUpgrade: Sendable {
    public var configuration: JSONObject
    public var version: Int
    /// The queue that an older form named inside the configuration.
    public var queueName: String?

    /// - Parameters:
    ///   - type: Class name of the node.
    ///   - version: Of the form of `configuration`. One beyond the current form is kept.
    public init(type: String, configuration: JSONObject, version: Int) {
        self.configuration = configuration
        self.version = max(0, version)
        guard let steps = Self.steps(of: type), version < steps.count else { return }
        for step in steps[self.version...] { apply(step) }
        self.version = steps.count
    }

    /// The newest form of the configuration of a type; 0 for one that this table does not have.
    public static func currentVersion(of type: String) -> Int { steps(of: type)?.count ?? 0 }

    // MARK: - Steps

    private enum Step {
        case swapDirection
        /// Swaps the direction of those that still have the setting.
        case swapDirectionDropping(String)
        case drop([String])
        case add(String, JSONValue)
        /// The member goes to the node.
        case moveQueueName
        case generatorOriginator
        /// A boolean becomes the name of what it chose.
        case choice(from: String, to: String, yes: String, no: String)
        /// Text under an older name.
        case rename(from: [String], to: String)
        case mapping(from: String)
        case telemetryMode
        case telemetryLimit
        case timeseriesProcessing
        case attributeFlags
        case fetchFlag
        case requestBody
    }

    private static func steps(of type: String) -> [Step]? {
        guard type.hasPrefix(RuleNodeTypeName.package) else { return nil }
        return table[String(type.dropFirst(RuleNodeTypeName.package.count))]
    }

    private static let onEveryMessage: JSONValue = ["type": "ON_EVERY_MESSAGE"]
    private static let fetchToData = Step.choice(from: "fetchToData", to: "fetchTo", yes: "DATA", no: "METADATA")
    private static let attributeMapping: [Step] = [
        .mapping(from: "attrMapping")
    ]

    private static let table: [String: [Step]] = [
        "filter.TbCheckRelationNode": [.swapDirection],
        "action.TbCreateRelationNode": [.swapDirectionDropping("entityCacheExpiration")],
        "action.TbDeleteRelationNode": [.swapDirectionDropping("entityCacheExpiration")],
        "action.TbAssignToCustomerNode": [.drop(["customerCacheExpiration"])],
        "action.TbUnassignFromCustomerNode": [.drop(["customerCacheExpiration"])],
        "flow.TbRuleChainInputNode": [.add("forwardMsgToDefaultRuleChain", false)],
        "flow.TbCheckpointNode": [.moveQueueName],
        "debug.TbMsgGeneratorNode": [.moveQueueName, .generatorOriginator],
        "deduplication.TbMsgDeduplicationNode": [.moveQueueName],
        "transform.TbCopyKeysNode": [
            .choice(from: "fromMetadata", to: "copyFrom", yes: "METADATA", no: "DATA"),
            .rename(from: ["fromMetadata"], to: "copyFrom"),
        ],
        "transform.TbDeleteKeysNode": [
            .choice(from: "fromMetadata", to: "deleteFrom", yes: "METADATA", no: "DATA"),
            .rename(from: ["dataToFetch"], to: "deleteFrom"),
        ],
        "transform.TbRenameKeysNode": [
            .choice(from: "fromMetadata", to: "renameIn", yes: "METADATA", no: "DATA"),
            .rename(from: ["fromMetadata"], to: "renameIn"),
        ],
        "metadata.TbGetAttributesNode": [fetchToData],
        "metadata.TbGetDeviceAttrNode": [fetchToData],
        "metadata.TbGetCustomerAttributeNode": attributeMapping,
        "metadata.TbGetTenantAttributeNode": attributeMapping,
        "metadata.TbGetRelatedAttributeNode": attributeMapping,
        "metadata.TbGetOriginatorFieldsNode": [.mapping(from: "fieldsMapping")],
        "metadata.TbGetTelemetryNode": [.telemetryMode, .telemetryLimit],
        "metadata.TbGetCustomerDetailsNode": [
            .choice(from: "addToMetadata", to: "fetchTo", yes: "METADATA", no: "DATA")
        ],
        "metadata.TbGetTenantDetailsNode": [
            .choice(from: "addToMetadata", to: "fetchTo", yes: "METADATA", no: "DATA")
        ],
        "metadata.TbFetchDeviceCredentialsNode": [
            .choice(from: "fetchToMetadata", to: "fetchTo", yes: "METADATA", no: "DATA")
        ],
        "metadata.CalculateDeltaNode": [.add("excludeZeroDeltas", false)],
        "geo.TbGpsGeofencingActionNode": [.add("reportPresenceStatusOnEachMessage", false)],
        "telemetry.TbMsgTimeseriesNode": [.timeseriesProcessing],
        "telemetry.TbMsgAttributesNode": [
            .add("updateAttributesOnlyOnValueChange", false), .attributeFlags,
            .add("processingSettings", onEveryMessage),
        ],
        "profile.TbDeviceProfileNode": [.fetchFlag],
        "rest.TbRestApiCallNode": [
            .rename(from: ["trimDoubleQuotes"], to: "parseToPlainText"),
            .drop(["useRedisQueueForMsgPersistence", "trimQueue", "maxQueueSize"]),
            .add("maxInMemoryBufferSizeInKb", 256), .requestBody,
        ],
        "mqtt.TbMqttNode": [.add("parseToPlainText", false), .add("protocolVersion", "MQTT_3_1")],
        "mqtt.azure.TbAzureIotHubNode": [.add("parseToPlainText", false)],
        "kafka.TbKafkaNode": [.drop(["keySerializer", "valueSerializer"])],
        "action.TbSaveToCustomCassandraTableNode": [.add("defaultTtl", 0)],
    ]

    private mutating func apply(_ step: Step) {
        switch step {
        case .swapDirection: swapDirection()
        case .swapDirectionDropping(let key):
            if configuration.removeValue(forKey: key) != nil { swapDirection() }
        case .drop(let keys):
            for key in keys { configuration.removeValue(forKey: key) }
        case .add(let key, let value):
            if !configuration.contains(key: key) { configuration[key] = value }
        case .moveQueueName:
            queueName = configuration.removeValue(forKey: "queueName")?.stringValue
        case .generatorOriginator:
            if isAbsent("originatorType"), isAbsent("originatorId") { configuration["originatorType"] = "RULE_NODE" }
        case .choice(let old, let new, let yes, let no):
            guard configuration[old]?.stringValue == nil, isAbsent(new) else { return }
            configuration[new] = .string(configuration.removeValue(forKey: old)?.boolValue ?? false ? yes : no)
        case .rename(let old, let new):
            for key in old {
                guard let value = configuration.removeValue(forKey: key), isAbsent(new) else { continue }
                configuration[new] = value
            }
        case .mapping(let old): upgradeMapping(old)
        case .telemetryMode: upgradeTelemetryMode()
        case .telemetryLimit:
            if isAbsent("limit") { configuration["limit"] = 1000 }
        case .timeseriesProcessing: upgradeTimeseriesProcessing()
        case .attributeFlags: upgradeAttributeFlags()
        case .fetchFlag:
            if configuration["persistAlarmRulesState"]?.boolValue == false {
                configuration["fetchAlarmRulesStateOnStart"] = false
            }
        case .requestBody: upgradeRequestBody()
        }
    }

    private func isAbsent(_ key: String) -> Bool { configuration[key] ?? .null == .null }

    private mutating func swapDirection() {
        switch configuration["direction"]?.stringValue {
        case "FROM": configuration["direction"] = "TO"
        case "TO": configuration["direction"] = "FROM"
        default: break
        }
    }

    private mutating func upgradeMapping(_ old: String) {
        if let mapping = configuration.removeValue(forKey: old) { configuration["dataMapping"] = mapping }
        if old == "attrMapping" {
            let isTelemetry = configuration.removeValue(forKey: "telemetry")?.boolValue ?? false
            configuration["dataToFetch"] = isTelemetry ? "LATEST_TELEMETRY" : "ATTRIBUTES"
        }
        configuration["fetchTo"] = "METADATA"
    }

    private mutating func upgradeTelemetryMode() {
        func fill(_ key: String, _ value: JSONValue) {
            let present = configuration[key]?.stringValue ?? ""
            if present.isEmpty { configuration[key] = value }
        }
        switch configuration["fetchMode"]?.stringValue {
        case "ALL":
            fill("orderBy", "ASC")
            fill("aggregation", "NONE")
        case "FIRST":
            configuration["orderBy"] = "ASC"
            configuration["aggregation"] = "NONE"
        default:
            configuration["fetchMode"] = "LAST"
            configuration["orderBy"] = "DESC"
            configuration["aggregation"] = "NONE"
        }
    }

    private mutating func upgradeTimeseriesProcessing() {
        let skips = configuration.removeValue(forKey: "skipLatestPersistence")
        let skipsLatest = skips?.boolValue ?? (skips?.stringValue == "true")
        configuration["processingSettings"] =
            skipsLatest
            ? [
                "type": "ADVANCED", "timeseries": Self.onEveryMessage, "latest": ["type": "SKIP"],
                "webSockets": Self.onEveryMessage, "calculatedFields": Self.onEveryMessage,
            ] : Self.onEveryMessage
    }

    private mutating func upgradeAttributeFlags() {
        for (key, fallback) in [
            ("notifyDevice", true), ("sendAttributesUpdatedNotification", false),
            ("updateAttributesOnlyOnValueChange", true),
        ] {
            if let text = configuration[key]?.stringValue { configuration[key] = .bool(text == "true") }
            if isAbsent(key) { configuration[key] = .bool(fallback) }
        }
    }

    private static let requestKeys: Set<String> = [
        "restEndpointUrlPattern", "requestMethod", "headers", "useSimpleClientHttpFactory", "parseToPlainText",
        "readTimeoutMs", "maxParallelRequestsCount", "enableProxy", "useSystemProxyProperties", "proxyScheme",
        "proxyHost", "proxyPort", "proxyUser", "proxyPassword", "credentials", "ignoreRequestBody",
        "maxInMemoryBufferSizeInKb", "requestBodyTemplate",
    ]

    private mutating func upgradeRequestBody() {
        configuration["requestBodyTemplate"] = .null
        for key in configuration.keys where !Self.requestKeys.contains(key) { configuration.removeValue(forKey: key) }
    }
}
