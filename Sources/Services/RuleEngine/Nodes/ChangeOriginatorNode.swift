import JSON
import Messages
import Model
import Storage

/// "change originator" (`rule-engine.md` 3.5).
final class ChangeOriginatorNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.transform.TbChangeOriginatorNode"
    static let order: NodeOrder = .free

    private enum Source {
        case customer
        case tenant
        case related(RelationsQuery)
        case alarmOriginator
        case named(EntityType, MessageTemplate)
    }

    private let source: Source

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        let name = try fields.string("originatorSource")
        let query = try fields.object("relationsQuery")
        let entityType = try fields.string("entityType")
        let pattern = try fields.string("entityNamePattern") ?? ""
        try fields.end()
        switch name {
        case nil: throw RuleNodeConfigurationError("Originator source should be specified.")
        case "CUSTOMER": source = .customer
        case "TENANT": source = .tenant
        case "ALARM_ORIGINATOR": source = .alarmOriginator
        case "RELATED":
            guard let query else {
                throw RuleNodeConfigurationError(
                    "Relations query should be specified if 'Related entity' source is selected.")
            }
            source = .related(try RelationsQuery(query))
        case "ENTITY":
            guard let entityType else {
                throw RuleNodeConfigurationError(
                    "Entity type should be specified if 'Entity by name pattern' source is selected.")
            }
            guard !pattern.isEmpty else {
                throw RuleNodeConfigurationError(
                    "Name pattern should be specified if 'Entity by name pattern' source is selected.")
            }
            guard let type = EntityType(name: entityType), EntityFields.findsByName(type) else {
                throw RuleNodeConfigurationError("Unexpected entity type \(entityType)")
            }
            source = .named(type, MessageTemplate(pattern))
        case let name?: throw RuleNodeConfigurationError("Unexpected originator source \(name)")
        }
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        context.later(message) { [source] database, _ in
            guard let originator = try await Self.find(source, message, database) else {
                throw RuleNodeError("Failed to find new originator!")
            }
            var changed = message
            changed.originator = originator
            if originator.type == .customer, changed.customerID == nil {
                changed.customerID = CustomerID(originator.uuid)
            }
            return .next(changed, .success)
        }
    }

    private static func find(
        _ source: Source, _ message: RuleMessage, _ database: any StatementRunner
    ) async throws -> EntityID? {
        switch source {
        case .tenant: return EntityID(type: .tenant, uuid: message.tenantID.uuid)
        case .customer:
            if message.originator.type == .customer { return message.originator }
            guard let owner = try await EntityOwners(database).find(message.originator),
                owner.tenant == message.tenantID, !owner.customer.isNull
            else { return nil }
            return EntityID(type: .customer, uuid: owner.customer.uuid)
        case .related(let query):
            return try await query.entities(from: message.originator, on: database).first
        case .alarmOriginator:
            guard message.originator.type == .alarm else {
                throw RuleNodeError("Unexpected originator EntityType \(message.originator.type.name)")
            }
            let alarm = try await AlarmRepository(database).find(AlarmID(message.originator.uuid))?.alarm
            return alarm.flatMap { $0.tenantID == message.tenantID ? $0.originator : nil }
        case .named(let type, let template):
            let name = try template.filled(message)
            guard let entity = try await EntityFields(database).find(type, named: name, tenant: message.tenantID)
            else {
                throw RuleNodeError("Failed to find \(type.normalName.lowercased()) with name '\(name)'!")
            }
            return entity
        }
    }
}
