import JSON
import Messages
import Storage

/// What an alarm's details become (`rule-engine.md` 3.7): those that the alarm had, as the default script says. A node with
/// another script does not start.
struct AlarmDetails: Sendable {
    init(_ fields: inout NodeConfiguration) throws(RuleNodeConfigurationError) {
        let language = try fields.string("scriptLang") ?? "JS"
        let javaScript = try fields.string("alarmDetailsBuildJs") ?? ""
        let tbel = try fields.string("alarmDetailsBuildTbel") ?? ""
        let isDefault =
            language == "TBEL" ? tbel == AlarmDetailsScript.tbel : javaScript == AlarmDetailsScript.javaScript
        guard isDefault else {
            throw RuleNodeConfigurationError(
                "a script of its own for the details of alarms is not supported")
        }
    }

    /// - Parameter previous: Those of the alarm that there is.
    func make(_ message: RuleMessage, previous: RawJSON?) async throws -> RawJSON? {
        previous ?? RawJSON(.object([:]))
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
