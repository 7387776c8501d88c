import JSON
import Messages
import Model
import Storage
import Telemetry

/// What nodes read of an entity under names, and put under others (`rule-engine.md` 3.6).
private struct MappedReading: Sendable {
    enum Kind: String {
        case attributes = "ATTRIBUTES"
        case latest = "LATEST_TELEMETRY"
        case fields = "FIELDS"
    }

    private let kind: Kind
    private let mapping: [(source: MessageTemplate, target: MessageTemplate)]
    private let target: EnrichmentTarget
    private let leavesOutNull: Bool

    /// - Parameter kinds: Those that the node may be configured with.
    init(
        _ fields: inout NodeConfiguration, kinds: [Kind]
    ) throws(RuleNodeConfigurationError) {
        let name = try fields.string("dataToFetch")
        guard let kind = name.flatMap(Kind.init), kinds.contains(kind) else {
            throw RuleNodeConfigurationError(
                "DataToFetch property has invalid value: \(name ?? "null"). Only "
                    + "\(kinds.map(\.rawValue).joined(separator: " and ")) values supported!")
        }
        try self.init(&fields, kind: kind, leavesOutNull: true)
    }

    init(
        _ fields: inout NodeConfiguration, kind: Kind, leavesOutNull: Bool
    ) throws(RuleNodeConfigurationError) {
        self.kind = kind
        self.leavesOutNull = leavesOutNull
        mapping = try fields.mapping("dataMapping").map { (MessageTemplate($0.key), MessageTemplate($0.value)) }
        target = try EnrichmentTarget(&fields)
    }

    func read(
        of source: ReadEntity, _ message: RuleMessage, _ database: any StatementRunner, _ reader: TelemetryReader
    ) async throws -> NodeOutcome {
        var enrichment = try target.begin(message)
        let entity = try await source.find(message, database)
        var names: [(source: String, target: String)] = []
        for entry in mapping {
            let name = kind == .fields ? entry.source.text : try entry.source.filled(message)
            names.append((name, try entry.target.filled(message)))
        }
        switch kind {
        case .attributes:
            let found = try await AttributeRepository(database).find(
                entity: entity.uuid, scope: .server, keys: names.map(\.source))
            let values = Dictionary(found.map { ($0.key, $0.value) }) { $1 }
            for name in names {
                if let value = values[name.source] { enrichment.put(name.target, value) }
            }
        case .latest:
            let found = try await reader.latest(entity: entity.uuid, keys: names.map(\.source))
            for name in names {
                if let point = found[name.source] {
                    enrichment.put(name.target, point.value)
                } else if target.isData {
                    enrichment.put(name.target, JSONValue.null)
                }
            }
        case .fields:
            try await readFields(of: entity, names, message, database, &enrichment)
        }
        return .next(enrichment.enriched, .success)
    }

    private func readFields(
        of entity: EntityID, _ names: [(source: String, target: String)], _ message: RuleMessage,
        _ database: any StatementRunner, _ enrichment: inout Enrichment
    ) async throws {
        guard EntityFields.knows(entity.type) else {
            throw RuleNodeError("Unexpected originator EntityType: \(entity.type.name)")
        }
        guard let fields = try await EntityFields(database).find(entity, tenant: message.tenantID) else {
            throw RuleNodeError("Entity not found!")
        }
        for name in names {
            guard let value = Self.value(name.source, of: fields) else { continue }
            if leavesOutNull, value.isNull || value.stringValue?.isEmpty ?? false { continue }
            enrichment.put(name.target, text: value.metadataText)
        }
    }

    /// The value at a path of names with dots between them.
    private static func value(_ path: String, of fields: JSONObject) -> JSONValue? {
        var value = JSONValue.object(fields)
        for name in path.split(separator: ".") {
            guard let member = value.objectValue?[String(name)] else { return nil }
            value = member
        }
        return value
    }
}

/// "customer attributes" (`rule-engine.md` 3.6): of the originator's customer.
final class CustomerAttributesNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.metadata.TbGetCustomerAttributeNode"
    static let order: NodeOrder = .free
    static let configurationVersion = 1

    private let reading: MappedReading

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        reading = try MappedReading(&fields, kinds: [.attributes, .latest])
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        context.later(message) { [reading] database, reader in
            try await reading.read(of: .customer, message, database, reader)
        }
    }
}

/// "tenant attributes" (`rule-engine.md` 3.6).
final class TenantAttributesNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.metadata.TbGetTenantAttributeNode"
    static let order: NodeOrder = .free
    static let configurationVersion = 1

    private let reading: MappedReading

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        reading = try MappedReading(&fields, kinds: [.attributes, .latest])
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        context.later(message) { [reading] database, reader in
            try await reading.read(of: .tenant, message, database, reader)
        }
    }
}

/// "related entity data" (`rule-engine.md` 3.6): of the first entity that relations lead to.
final class RelatedEntityDataNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.metadata.TbGetRelatedAttributeNode"
    static let order: NodeOrder = .free
    static let configurationVersion = 1

    private let reading: MappedReading
    private let source: ReadEntity

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        reading = try MappedReading(&fields, kinds: [.attributes, .latest, .fields])
        guard let query = try fields.object("relationsQuery") else {
            throw RuleNodeConfigurationError("Relations query should be specified!")
        }
        source = .related(try RelationsQuery(query))
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        context.later(message) { [reading, source] database, reader in
            try await reading.read(of: source, message, database, reader)
        }
    }
}

/// "originator fields" (`rule-engine.md` 3.6).
final class OriginatorFieldsNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.metadata.TbGetOriginatorFieldsNode"
    static let order: NodeOrder = .free
    static let configurationVersion = 1

    private let reading: MappedReading

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        let ignoresNull = try fields.bool("ignoreNullStrings", default: false)
        reading = try MappedReading(&fields, kind: .fields, leavesOutNull: ignoresNull)
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        context.later(message) { [reading] database, reader in
            try await reading.read(of: .originator, message, database, reader)
        }
    }
}
