import JSON
import Messages
import Model
import ScriptEngine
import Storage

/// What an alarm's details become: what the node's script says (`rule-engine.md` 3.7).
///
/// The default script gives those that the alarm had; that is done without it.
struct AlarmDetails: Sendable {
    /// `nil` for the default one.
    private let script: Script?

    init(_ fields: inout NodeConfiguration, _ context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        let wanted = try Self.script(&fields)
        script = wanted == nil ? nil : try context.takeScript(wanted)
    }

    /// The script that a configuration needs; `nil` for the default one.
    static func script(_ fields: inout NodeConfiguration) throws(RuleNodeConfigurationError) -> NodeScript? {
        let script = try NodeScript(&fields, javaScript: "alarmDetailsBuildJs", tbel: "alarmDetailsBuildTbel")
        let standard = script.language == .tbel ? AlarmDetailsScript.tbel : AlarmDetailsScript.javaScript
        return script.body == standard ? nil : script
    }

    /// - Parameter previous: Those of the alarm that there is.
    func make(_ message: RuleMessage, previous: RawJSON?, _ bound: ShardReference) async throws -> RawJSON? {
        guard let script else { return previous ?? RawJSON(.object([:])) }
        guard bound.shard.usage(of: message.tenantID)?.features.mayRun(script.language) ?? true else {
            throw RuleNodeError(ScriptError.disabled.message)
        }
        var given = ScriptMessage(message)
        if let previous { given.metadata["prevAlarmDetails"] = previous.text }
        let details: JSONValue
        do throws(ScriptError) {
            details = try await script.call(given)
        } catch {
            throw RuleNodeError(error.message)
        }
        bound.shard.usage(of: message.tenantID)?.counts.add(1, of: script.language)
        return RawJSON(details)
    }
}

extension RuleMessage {
    /// The message that tells of an alarm.
    func telling(_ alarm: AlarmInfo, as flag: String) -> RuleMessage {
        var message = with(data: alarm.document)
        message.type = .known(.alarm)
        message.metadata[flag] = "true"
        return message
    }
}
