internal import JSON

/// Nodes that raise and clear alarms (`rule-engine.md` 3.7).
extension RuleNodeDescriptor {
    static let alarms: [RuleNodeDescriptor] = [
        RuleNodeDescriptor(
            component: .action, type: RuleNodeTypeName.package + "action.TbCreateAlarmNode", name: "create alarm",
            description: "Create or Update Alarm",
            details:
                "The originator's active alarm of the type is updated, or one is raised. The alarm becomes the data "
                + "of the message, and <code>isNewAlarm</code> or <code>isExistingAlarm</code> is in its metadata.",
            labels: ["Created", "Updated", "False"],
            defaultConfiguration: configuration {
                $0.member("severity", "CRITICAL")
                for name: StaticString in [
                    "propagate", "propagateToOwner", "propagateToTenant", "useMessageAlarmData",
                    "overwriteAlarmDetails", "dynamicSeverity",
                ] {
                    $0.member(name, false)
                }
                $0.key("relationTypes")
                $0.array { _ in }
            },
            directive: "tbActionNodeCreateAlarmConfig", icon: "notifications_active"),
        RuleNodeDescriptor(
            component: .action, type: RuleNodeTypeName.package + "action.TbClearAlarmNode", name: "clear alarm",
            description: "Clear Alarm",
            details: "Clears the originator's active alarm of the type. The alarm becomes the data of the message, and "
                + "<code>isClearedAlarm</code> is in its metadata.",
            labels: ["Cleared", "False"], defaultConfiguration: configuration { _ in },
            directive: "tbActionNodeClearAlarmConfig", icon: "notifications_off"),
        RuleNodeDescriptor(
            component: .action, type: RuleNodeTypeName.package + "profile.TbDeviceProfileNode",
            name: "device profile (deprecated)",
            description: "Process device messages based on device profile settings (deprecated)",
            details: "Raises and clears alarms by the alarm rules of the device's profile. The message itself leaves "
                + "along <code>Success</code>; each alarm that was raised, changed or cleared is a message of its own.",
            labels: ["Alarm Created", "Alarm Updated", "Alarm Severity Updated", "Alarm Cleared", "Success"],
            defaultConfiguration: #"{"persistAlarmRulesState":false,"fetchAlarmRulesStateOnStart":false}"#,
            directive: "tbActionNodeDeviceProfileConfig", hasCustomLabels: true),
    ]

    private static func configuration(_ more: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("alarmType", "General Alarm")
            writer.member("scriptLang", "TBEL")
            writer.member("alarmDetailsBuildJs", AlarmDetailsScript.javaScript)
            writer.member("alarmDetailsBuildTbel", AlarmDetailsScript.tbel)
            more(&writer)
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

/// The scripts that new nodes for alarms have for the details: those that the alarm had.
public enum AlarmDetailsScript {
    public static let javaScript = script("metadata.prevAlarmDetails", "delete metadata.prevAlarmDetails;")
    public static let tbel = script("metadata.prevAlarmDetails != null", "metadata.remove('prevAlarmDetails');")

    private static func script(_ condition: String, _ removal: String) -> String {
        """
        var details = {};
        if (\(condition)) {
            details = JSON.parse(metadata.prevAlarmDetails);
            //remove prevAlarmDetails from metadata
            \(removal)
            //now metadata is the same as it comes IN this rule node
        }


        return details;
        """
    }
}
