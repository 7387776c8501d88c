import JSON
import Messages
import Model
import Storage
import Telemetry

/// What nodes read of attributes and latest values, with their prefixes (`rule-engine.md` 3.6).
private struct AttributeReading: Sendable {
    private let scopes: [(AttributeScope, prefix: String, names: [MessageTemplate])]
    private let latest: [MessageTemplate]
    private let failsIfAbsent: Bool
    private let hasTime: Bool
    private let target: EnrichmentTarget

    init(_ fields: inout NodeConfiguration) throws(RuleNodeConfigurationError) {
        scopes = [
            (.client, "cs_", try fields.templates("clientAttributeNames")),
            (.shared, "shared_", try fields.templates("sharedAttributeNames")),
            (.server, "ss_", try fields.templates("serverAttributeNames")),
        ]
        latest = try fields.templates("latestTsKeyNames")
        failsIfAbsent = try fields.bool("tellFailureIfAbsent", default: false)
        hasTime = try fields.bool("getLatestValueWithTs", default: false)
        target = try EnrichmentTarget(&fields)
    }

    func read(
        of source: ReadEntity, _ message: RuleMessage, _ database: any StatementRunner, _ reader: TelemetryReader
    ) async throws -> NodeOutcome {
        var enrichment = try target.begin(message)
        let entity = try await source.find(message, database).uuid
        var missing: [String] = []
        for (scope, prefix, templates) in scopes where !templates.isEmpty {
            let names = try Self.filled(templates, message)
            let found = try await AttributeRepository(database).find(entity: entity, scope: scope, keys: names)
            for attribute in found { enrichment.put(prefix + attribute.key, attribute.value) }
            let absent = names.filter { name in !found.contains { $0.key == name } }
            if !absent.isEmpty { missing.append("\t[\(scope.name)]:[\(absent.joined(separator: ", "))]\n") }
        }
        if !latest.isEmpty {
            let names = try Self.filled(latest, message)
            let found = try await reader.latest(entity: entity, keys: names)
            for name in names {
                guard let point = found[name] else { continue }
                if hasTime {
                    enrichment.put(
                        name, .object(["ts": .integer(point.timestamp), "value": point.value.jsonValue]))
                } else {
                    enrichment.put(name, point.value)
                }
            }
            let absent = names.filter { found[$0] == nil }
            if !absent.isEmpty { missing.append("\t[LATEST_TS]:[\(absent.joined(separator: ", "))]\n") }
        }
        guard failsIfAbsent, !missing.isEmpty else { return .next(enrichment.enriched, .success) }
        // What was found goes with the failure.
        return .failure(
            enrichment.enriched,
            "The following attribute/telemetry keys is not present in the DB: \n" + missing.joined())
    }

    private static func filled(
        _ templates: [MessageTemplate], _ message: RuleMessage
    ) throws(RuleNodeError) -> [String] {
        var names: [String] = []
        for template in templates { names.append(try template.filled(message)) }
        return names
    }
}

extension NodeConfiguration {
    mutating func templates(_ key: String) throws(RuleNodeConfigurationError) -> [MessageTemplate] {
        try strings(key).map { MessageTemplate($0) }
    }
}

/// "originator attributes" (`rule-engine.md` 3.6).
final class OriginatorAttributesNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.metadata.TbGetAttributesNode"
    static let order: NodeOrder = .free
    static let configurationVersion = 1

    private let reading: AttributeReading

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        reading = try AttributeReading(&fields)
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        context.later(message) { [reading] database, reader in
            try await reading.read(of: .originator, message, database, reader)
        }
    }
}

/// "related device attributes" (`rule-engine.md` 3.6): of the first device that relations lead to.
final class RelatedDeviceAttributesNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.metadata.TbGetDeviceAttrNode"
    static let order: NodeOrder = .free
    static let configurationVersion = 1

    private let reading: AttributeReading
    private let source: ReadEntity

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        reading = try AttributeReading(&fields)
        guard let query = try fields.object("deviceRelationsQuery") else {
            throw RuleNodeConfigurationError("Device relations query should be specified!")
        }
        let (relations, types) = try RelationsQuery.devices(query)
        source = .device(relations, types: types)
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        context.later(message) { [reading, source] database, reader in
            try await reading.read(of: source, message, database, reader)
        }
    }
}
