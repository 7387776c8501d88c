import JSON
import Messages
import Model
import Storage

/// "customer details" and "tenant details" (`rule-engine.md` 3.6): contact data under names with a prefix.
private struct ContactReading: Sendable {
    /// Setting, member of the entity, and name behind the prefix.
    private static let known: [String: (field: String, name: String)] = [
        "ID": ("id", "id"), "TITLE": ("title", "title"), "COUNTRY": ("country", "country"), "CITY": ("city", "city"),
        "STATE": ("state", "state"), "ZIP": ("zip", "zip"), "ADDRESS": ("address", "address"),
        "ADDRESS2": ("address2", "address2"), "PHONE": ("phone", "phone"), "EMAIL": ("email", "email"),
        "ADDITIONAL_INFO": ("additionalInfo", "additionalInfo"),
    ]
    /// Those whose customers are looked at.
    private static let originators: Set<EntityType> = [.device, .asset, .entityView, .user, .edge]

    private let details: [(field: String, name: String)]
    private let target: EnrichmentTarget

    init(_ fields: inout NodeConfiguration) throws(RuleNodeConfigurationError) {
        var details: [(field: String, name: String)] = []
        for name in try fields.strings("detailsList") {
            guard let detail = Self.known[name] else {
                throw RuleNodeConfigurationError("unknown entity detail \(name)")
            }
            details.append(detail)
        }
        guard !details.isEmpty else {
            throw RuleNodeConfigurationError("At least one entity detail should be selected!")
        }
        self.details = details
        target = try EnrichmentTarget(&fields)
    }

    func read(
        of source: ReadEntity, prefix: String, _ message: RuleMessage, _ database: any StatementRunner
    ) async throws -> NodeOutcome {
        var enrichment = try target.begin(message)
        if case .customer = source, !Self.originators.contains(message.originator.type) {
            throw RuleNodeError("Entity with entityType '\(message.originator.type.name)' is not supported.")
        }
        let entity = try await source.find(message, database)
        guard let fields = try await EntityFields(database).find(entity, tenant: message.tenantID) else {
            return .next(message, .success)
        }
        // A missing description repeats the detail before it, as the reference platform does.
        var text: String?
        for detail in details {
            if detail.field == "additionalInfo" {
                let description = fields["additionalInfo"]?["description"] ?? .null
                if !description.isNull { text = description.metadataText }
            } else {
                let value = fields[detail.field] ?? .null
                text = value.isNull ? nil : value.metadataText
            }
            if let text { enrichment.put(prefix + detail.name, text: text) }
        }
        return .next(enrichment.enriched, .success)
    }
}

final class CustomerDetailsNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.metadata.TbGetCustomerDetailsNode"
    static let order: NodeOrder = .free
    static let configurationVersion = 1

    private let reading: ContactReading

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        reading = try ContactReading(&fields)
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        context.later(message) { [reading] database, _ in
            try await reading.read(of: .customer, prefix: "customer_", message, database)
        }
    }
}

final class TenantDetailsNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.metadata.TbGetTenantDetailsNode"
    static let order: NodeOrder = .free
    static let configurationVersion = 1

    private let reading: ContactReading

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        reading = try ContactReading(&fields)
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        context.later(message) { [reading] database, _ in
            try await reading.read(of: .tenant, prefix: "tenant_", message, database)
        }
    }
}
