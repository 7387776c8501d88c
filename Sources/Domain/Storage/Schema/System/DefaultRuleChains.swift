/// The rule chains that a new tenant gets (`rule-engine.md` 4).
extension RuleChainTemplate {
    private static let package = "org.thingsboard.rule.engine."

    private static let logScript =
        #"return '\\nIncoming message:\\n' + JSON.stringify(msg) + '\\nIncoming metadata:\\n' + "#
        + #"JSON.stringify(metadata);"#

    private static let logConfiguration =
        #"{"scriptLang":"TBEL","jsScript":"\#(logScript)","tbelScript":"\#(logScript)"}"#

    private static func node(
        _ type: String, _ name: String, version: Int32 = 0, _ configuration: String, x: Int, y: Int
    ) -> Node {
        Node(
            type: package + type, name: name, configurationVersion: version, configuration: configuration,
            layoutX: x, layoutY: y)
    }

    /// The root chain of a tenant, and the chain that a device profile may have of its own (`rule-engine.md` 4.1, 4.2).
    public static let root = RuleChainTemplate(
        nodes: [
            node(
                "telemetry.TbMsgTimeseriesNode", "Save Timeseries", version: 1,
                #"{"defaultTTL":0,"useServerTs":false,"processingSettings":{"type":"ON_EVERY_MESSAGE"}}"#,
                x: 824, y: 156),
            node(
                "telemetry.TbMsgAttributesNode", "Save Client Attributes", version: 3,
                #"{"processingSettings":{"type":"ON_EVERY_MESSAGE"},"scope":"CLIENT_SCOPE","notifyDevice":false,"#
                    + #""sendAttributesUpdatedNotification":false,"updateAttributesOnlyOnValueChange":true}"#,
                x: 825, y: 52),
            node("filter.TbMsgTypeSwitchNode", "Message Type Switch", #"{"version":0}"#, x: 347, y: 149),
            node("action.TbLogNode", "Log RPC from Device", logConfiguration, x: 825, y: 266),
            node("action.TbLogNode", "Log Other", logConfiguration, x: 825, y: 379),
            node("rpc.TbSendRPCRequestNode", "RPC Call Request", #"{"timeoutInSeconds":60}"#, x: 825, y: 468),
        ],
        connections: [
            Connection(from: 2, to: 4, label: "Other"),
            Connection(from: 2, to: 1, label: "Post attributes"),
            Connection(from: 2, to: 0, label: "Post telemetry"),
            Connection(from: 2, to: 3, label: "RPC Request from Device"),
            Connection(from: 2, to: 5, label: "RPC Request to Device"),
        ],
        firstNodeIndex: 2)

    /// The root chain for edges: stored and edited here, run there (`rule-engine.md` 4.3).
    public static let edgeRoot: RuleChainTemplate = {
        var template = root
        template.nodes += [
            node("edge.TbMsgPushToCloudNode", "Push to cloud", #"{"scope":"CLIENT_SCOPE"}"#, x: 1126, y: 104),
            node("edge.TbMsgPushToCloudNode", "Push to cloud", #"{"scope":"SERVER_SCOPE"}"#, x: 826, y: 558),
        ]
        template.connections += [
            Connection(from: 0, to: 6, label: "Success"),
            Connection(from: 1, to: 6, label: "Success"),
            Connection(from: 2, to: 7, label: "Attributes Deleted"),
            Connection(from: 2, to: 7, label: "Attributes Updated"),
        ]
        return template
    }()
}
