import AlarmRules
import JSON
import Messages
import Model
import Reactor
import Storage

/// "device profile (deprecated)" (`rule-engine.md` 7.1): raises and clears alarms of devices by the rules of their
/// profiles. Every message goes on along `Success`; what becomes of alarms are messages of their own.
final class DeviceProfileNode: RememberingNode {
    static let type = "org.thingsboard.rule.engine.profile.TbDeviceProfileNode"
    static let configurationVersion = 1

    private let keepsState: Bool
    private let fetchesState: Bool
    var memory: DeviceProfileMemory!

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        var fields = try NodeConfiguration(configuration)
        keepsState = try fields.bool("persistAlarmRulesState", default: false)
        fetchesState = try fields.bool("fetchAlarmRulesStateOnStart", default: false)
        try fields.end()
    }

    func makeMemory(_ place: RuleNodePlace, _ context: RuleNodeContext) -> DeviceProfileMemory {
        DeviceProfileMemory(place: place, context: context, keepsState: keepsState, fetchesState: fetchesState)
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        guard message.originator.type == .device else { return .next(message, .success) }
        let device = DeviceID(message.originator.uuid)
        switch message.type {
        case .known(.entityUpdated):
            // Its profile may be another one now.
            memory.forget(device, unless: message.payload.object?["deviceProfileId"]?["id"]?.stringValue)
            return .next(message, .success)
        case .known(.entityDeleted):
            guard memory.forgetDeleted(device) else { return .next(message, .success) }
            let (place, keepsState) = (memory.place, keepsState)
            return context.later(message) { database, _ in
                if keepsState {
                    try await RuleNodeStateRepository(database).delete(node: place.node, entity: device.entityID)
                }
                return .next(message, .success)
            }
        default: break
        }
        let input: ProfileInput
        do throws(AlarmRuleError) {
            input = try ProfileInput(message, now: context.loop.wallClockMilliseconds)
        } catch {
            return .failure(message, error.message)
        }
        do throws(AlarmRuleError) {
            if try memory.processAtOnce(message, input, device) { return .next(message, .success) }
        } catch {
            return .failure(message, DeviceProfileMemory.text(of: error, device))
        }
        let bound = LoopOwned((memory: memory!, input: input))
        return context.later(message) {
            try await bound.value.memory.process(message, bound.value.input, device)
        }
    }
}
