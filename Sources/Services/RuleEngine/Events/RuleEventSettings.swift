public import Configuration

/// What the rule engine notes about itself (`rule-engine.md` 5.10).
public struct RuleEventSettings: Sendable {
    /// `ACTORS_RULE_CHAIN_DEBUG_MODE_RATE_LIMITS_PER_TENANT_CONFIGURATION`, unless switched off by `..._ENABLED`.
    var debugRate: DebugRate?
    /// `ACTORS_CALCULATED_FIELD_DEBUG_MODE_RATE_LIMITS_PER_TENANT_CONFIGURATION`, unless switched off by `..._ENABLED`.
    var fieldDebugRate: DebugRate?
    /// `ACTORS_RULE_NODE_ERROR_FREQUENCY`, `ACTORS_RULE_CHAIN_ERROR_FREQUENCY`: least time between two error events of
    /// one node or chain, in milliseconds.
    var nodeErrorInterval: Int64 = 3_000
    var chainErrorInterval: Int64 = 3_000
    /// `ACTORS_STATISTICS_PERSIST_FREQUENCY`, unless switched off by `ACTORS_STATISTICS_ENABLED`.
    public var statisticsInterval: Duration?

    public init() {
        debugRate = DebugRate("50000:3600")
        fieldDebugRate = debugRate
        statisticsInterval = .seconds(3600)
    }

    public init(from settings: inout SettingsReader) {
        let text = settings.string(
            "ACTORS_RULE_CHAIN_DEBUG_MODE_RATE_LIMITS_PER_TENANT_CONFIGURATION", default: "50000:3600")
        debugRate = DebugRate(text)
        if debugRate == nil {
            settings.report(
                "ACTORS_RULE_CHAIN_DEBUG_MODE_RATE_LIMITS_PER_TENANT_CONFIGURATION is \"\(text)\"; expected "
                    + "count:seconds,count:seconds")
        }
        if !settings.boolean("ACTORS_RULE_CHAIN_DEBUG_MODE_RATE_LIMITS_PER_TENANT_ENABLED", default: true) {
            debugRate = nil
        }
        let fieldText = settings.string(
            "ACTORS_CALCULATED_FIELD_DEBUG_MODE_RATE_LIMITS_PER_TENANT_CONFIGURATION", default: "50000:3600")
        fieldDebugRate = DebugRate(fieldText)
        if fieldDebugRate == nil {
            settings.report(
                "ACTORS_CALCULATED_FIELD_DEBUG_MODE_RATE_LIMITS_PER_TENANT_CONFIGURATION is \"\(fieldText)\"; expected "
                    + "count:seconds,count:seconds")
        }
        if !settings.boolean("ACTORS_CALCULATED_FIELD_DEBUG_MODE_RATE_LIMITS_PER_TENANT_ENABLED", default: true) {
            fieldDebugRate = nil
        }
        nodeErrorInterval = Int64(
            settings.integer("ACTORS_RULE_NODE_ERROR_FREQUENCY", default: 3_000, in: 0...86_400_000))
        chainErrorInterval = Int64(
            settings.integer("ACTORS_RULE_CHAIN_ERROR_FREQUENCY", default: 3_000, in: 0...86_400_000))
        let interval = settings.milliseconds(
            "ACTORS_STATISTICS_PERSIST_FREQUENCY", default: 3_600_000, in: 1000...604_800_000)
        statisticsInterval = settings.boolean("ACTORS_STATISTICS_ENABLED", default: true) ? interval : nil
    }
}
