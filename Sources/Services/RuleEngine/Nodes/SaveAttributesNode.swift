import CalculatedFields
import JSON
import Messages
import Model
import Reactor
import Storage
import Telemetry

/// "save attributes" (`rule-engine.md` 3.7): stores the attributes of a message, then goes on along `Success`.
final class SaveAttributesNode: RuleNode {
    static let type = "org.thingsboard.rule.engine.telemetry.TbMsgAttributesNode"
    static let order: NodeOrder = .saves
    static let configurationVersion = 3

    private let scope: AttributeScope
    private let onlyChanged: Bool
    private let notifiesDevice: Bool
    private var settings: ProcessingSettings
    private let decoder = TelemetryDecoder(options: .strict)

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        settings = try ProcessingSettings(&fields, mainKey: "attributes")
        let name = try fields.string("scope") ?? AttributeScope.server.name
        guard let scope = AttributeScope(name: name) else {
            throw RuleNodeConfigurationError("unknown attribute scope \(name)")
        }
        self.scope = scope
        notifiesDevice = try fields.bool("notifyDevice", default: false)
        _ = try fields.bool("sendAttributesUpdatedNotification", default: false)
        onlyChanged = try fields.bool("updateAttributesOnlyOnValueChange", default: true)
        try fields.end()
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        guard message.type == .known(.postAttributesRequest) else {
            return .failure(message, "Unsupported msg type: \(message.type.name)")
        }
        var scope = scope
        if let name = message.metadata["scope"] {
            guard let given = AttributeScope(name: name) else {
                return .failure(message, "Unknown attribute scope: \(name)")
            }
            scope = given
        }
        guard settings.main.admits(originator: message.originator.uuid, timestamp: message.timestamp) else {
            return .next(message, .success)
        }
        switch message.payload {
        case .points(let batch, let first, let count):
            return save(batch.arena, Int(first)..<Int(first + count), scope, message, context)
        case .text(let text):
            var arena = PointArena()
            let bytes = Array(text.utf8)
            do throws(TelemetryError) {
                let points = try decoder.decodeAttributes(bytes.span, into: &arena)
                return save(arena, points, scope, message, context)
            } catch {
                return .failure(message, String(describing: error))
            }
        }
    }

    private func save(
        _ arena: PointArena, _ points: Range<Int>, _ scope: AttributeScope, _ message: RuleMessage,
        _ context: RuleNodeContext
    ) -> NodeOutcome {
        guard !points.isEmpty else { return .next(message, .success) }
        let suspension = context.suspend(message)
        let now = context.loop.wallClockMilliseconds
        if let announcement = announcement(arena, points, scope, message, now) {
            context.announce(announcement, after: suspension)
        }
        var origin = SaveOrigin(
            tenant: message.tenantID, entityType: message.originator.type,
            audience: settings.audience(originator: message.originator.uuid, timestamp: message.timestamp),
            calculatedFields: message.calculatedFields)
        origin.isOnlyIfChanged = onlyChanged
        if origin.audience.contains(.calculatedFields) {
            context.feed(.attributes(scope, arena.fieldValues(points, at: now)), of: message, after: suspension)
        }
        context.telemetry.saveAttributes(
            entity: message.originator.uuid, scope: scope, timestamp: now, arena: arena, points: points,
            onlyChanged: onlyChanged, origin: origin, token: suspension.token)
        return .suspended
    }

    /// What the owner of the device hears once it is stored: its sessions are told of shared attributes, itself of server
    /// attributes that concern it (`device-api.md` 7.5; a message that says nothing about it notifies).
    private func announcement(
        _ arena: PointArena, _ points: Range<Int>, _ scope: AttributeScope, _ message: RuleMessage, _ now: Int64
    ) -> DeviceNotification? {
        guard message.originator.type == .device, scope != .client else { return nil }
        if scope == .shared, !notifiesDevice, let text = message.metadata["notifyDevice"], !text.isEmpty,
            text.lowercased() != "true"
        {
            return nil
        }
        let entries = points.map {
            AttributeEntry(key: arena.key(at: $0), value: arena.value(at: $0), timestamp: now)
        }
        return .attributesUpdated(message.tenantID, DeviceID(message.originator.uuid), scope, entries)
    }
}
