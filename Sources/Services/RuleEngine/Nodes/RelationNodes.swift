import JSON
import Messages
import Model
import Storage

/// The entity at the other end of a relation, by its type and name (`rule-engine.md` 3.7).
private struct RelationTarget: Sendable {
    private let type: EntityType
    private let name: MessageTemplate

    init(_ type: String?, _ pattern: String) throws(RuleNodeConfigurationError) {
        guard let name = type, let type = EntityType(name: name), Self.types.contains(type) else {
            throw RuleNodeConfigurationError("Unsupported entity type '\(type ?? "")'!")
        }
        guard type == .tenant || !pattern.isEmpty else {
            throw RuleNodeConfigurationError("Entity name pattern should be specified!")
        }
        self.type = type
        self.name = MessageTemplate(pattern)
    }

    private static let types: Set<EntityType> = [
        .tenant, .device, .asset, .customer, .entityView, .dashboard, .edge, .user,
    ]

    func find(_ message: RuleMessage, _ database: any StatementRunner) async throws -> EntityID {
        if type == .tenant { return EntityID(type: .tenant, uuid: message.tenantID.uuid) }
        let name = try name.filled(message)
        let fields = EntityFields(database)
        let hasTitle = type == .customer || type == .dashboard
        let found =
            hasTitle
            ? try await fields.find(type, titled: name, tenant: message.tenantID)
            : try await fields.find(type, named: name, tenant: message.tenantID)
        guard let found else {
            let kind = hasTitle ? "title" : type == .user ? "email" : "name"
            throw RuleNodeError("\(type.normalName) with \(kind) '\(name)' doesn't exist!")
        }
        return found
    }
}

extension EntityRelation {
    /// The relation of an originator that leads in a direction.
    fileprivate init(_ originator: EntityID, _ direction: RelationDirection, _ other: EntityID, type: String) {
        switch direction {
        case .from: self.init(from: originator, to: other, type: type)
        case .to: self.init(from: other, to: originator, type: type)
        }
    }

    /// Deletes the originator's relations of a type and a direction.
    fileprivate static func deleteAll(
        _ originator: EntityID, _ direction: RelationDirection, type: String, _ relations: RelationRepository
    ) async throws {
        let page = 1_000
        while true {
            let found = try await relations.list(
                of: originator, direction, group: .common, type: type, limit: page)
            for relation in found { _ = try await relations.delete(relation) }
            if found.count < page { return }
        }
    }
}

extension NodeConfiguration {
    fileprivate mutating func direction() throws(RuleNodeConfigurationError) -> RelationDirection {
        let name = try string("direction") ?? ""
        guard let direction = RelationDirection(rawValue: name) else {
            throw RuleNodeConfigurationError("unknown direction \(name)")
        }
        return direction
    }
}

/// "create relation" (`rule-engine.md` 3.7): of the originator with another entity. A node that is to make that entity where
/// there is none does not start.
final class CreateRelationNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.action.TbCreateRelationNode"
    static let configurationVersion = 1

    private struct Settings: Sendable {
        var target: RelationTarget
        var direction: RelationDirection
        var type: MessageTemplate
        var removesOthers: Bool
        var changesOriginator: Bool
    }

    private let settings: Settings

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        let type = try fields.string("entityType")
        let pattern = try fields.string("entityNamePattern") ?? ""
        _ = try fields.string("entityTypePattern")
        guard try !fields.bool("createEntityIfNotExists", default: false) else {
            throw RuleNodeConfigurationError(
                "This node makes no entities here: createEntityIfNotExists must be false")
        }
        settings = Settings(
            target: try RelationTarget(type, pattern), direction: try fields.direction(),
            type: MessageTemplate(try fields.string("relationType") ?? ""),
            removesOthers: try fields.bool("removeCurrentRelations", default: false),
            changesOriginator: try fields.bool("changeOriginatorToRelatedEntity", default: false))
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        context.later(message) { [settings] database, _ in
            let target = try await settings.target.find(message, database)
            let type = try settings.type.filled(message)
            try await database.inTransaction { transaction in
                let relations = RelationRepository(transaction)
                if settings.removesOthers {
                    try await EntityRelation.deleteAll(
                        message.originator, settings.direction, type: type, relations)
                }
                let relation = EntityRelation(message.originator, settings.direction, target, type: type)
                if try await relations.find(relation) == nil { _ = try await relations.save(relation) }
            }
            guard settings.changesOriginator else { return .next(message, .success) }
            var changed = message
            changed.originator = target
            return .next(changed, .success)
        }
    }
}

/// "delete relation" (`rule-engine.md` 3.7): of the originator with one entity, or all of a type and a direction.
final class DeleteRelationNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.action.TbDeleteRelationNode"
    static let configurationVersion = 1

    private let target: RelationTarget?
    private let direction: RelationDirection
    private let relationType: MessageTemplate

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        let isSingle = try fields.bool("deleteForSingleEntity", default: false)
        direction = try fields.direction()
        relationType = MessageTemplate(try fields.string("relationType") ?? "")
        let type = try fields.string("entityType")
        let pattern = try fields.string("entityNamePattern") ?? ""
        try fields.end()
        target = isSingle ? try RelationTarget(type, pattern) : nil
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        context.later(message) { [target, direction, relationType] database, _ in
            let type = try relationType.filled(message)
            let relations = RelationRepository(database)
            if let target {
                let other = try await target.find(message, database)
                _ = try await relations.delete(EntityRelation(message.originator, direction, other, type: type))
            } else {
                try await EntityRelation.deleteAll(message.originator, direction, type: type, relations)
            }
            return .next(message, .success)
        }
    }
}
