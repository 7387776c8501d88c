import JSON
import Messages
import Model
import Queue
import Storage

/// "delete attributes" (`rule-engine.md` 3.7): of the originator.
final class DeleteAttributesNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.telemetry.TbMsgDeleteAttributesNode"
    static let order: NodeOrder = .inTurn([.values, .removals])

    private let scope: AttributeScope
    private let keys: [MessageTemplate]
    private let tellsEngine: Bool
    private let notifiesDevice: Bool

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        let name = try fields.string("scope") ?? AttributeScope.server.name
        guard let scope = AttributeScope(name: name) else {
            throw RuleNodeConfigurationError("unknown attribute scope \(name)")
        }
        self.scope = scope
        keys = try fields.templates("keys")
        tellsEngine = try fields.bool("sendAttributesDeletedNotification", default: false)
        notifiesDevice = try fields.bool("notifyDevice", default: false)
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        var names: [String] = []
        do throws(RuleNodeError) {
            for key in keys {
                let name = try key.filled(message)
                if !name.allSatisfy(\.isWhitespace), !names.contains(name) { names.append(name) }
            }
        } catch {
            return .failure(message, error.message)
        }
        if names.isEmpty { return .next(message, .success) }
        var scope = scope
        if let given = message.metadata["scope"], !given.isEmpty {
            guard let named = AttributeScope(name: given) else {
                return .failure(message, "Unknown attribute scope: \(given)")
            }
            scope = named
        }
        let isDeviceTold =
            message.originator.type == .device
            && (scope == .server
                || scope == .shared && (notifiesDevice || message.metadata["notifyDevice"]?.lowercased() == "true"))
        let note = tellsEngine ? context.sideMessage(.attributesDeleted, of: message) : nil
        let (core, scopeOf) = (context.outlets.core, scope)
        return context.later(message) { [names, context = context.sending] database, _ in
            try await AttributeRepository(database).delete(
                entity: message.originator.uuid, scope: scopeOf, keys: names,
                origin: SaveOrigin(tenant: message.tenantID, entity: message.originator))
            if isDeviceTold {
                let device = DeviceID(message.originator.uuid)
                _ = core?.send(
                    .device(.attributesDeleted(message.tenantID, device, scopeOf, names)), device: device)
            }
            if var note {
                note.metadata["scope"] = scopeOf.name
                let list = JSONValue.array(names.map { .string($0) })
                note.payload = .text(JSONValue.object(["attributes": list]).serializedString)
                try await context.send(note, database)
            }
            return .next(message, .success)
        }
    }
}
