internal import JSON
internal import Messages
internal import Model

/// A kind of rule node as editors need to know it (`rule-engine.md` 2.5): what it is called, which labels it has, and
/// what its configuration looks like at first.
public struct RuleNodeDescriptor: Sendable {
    public enum Component: String, Sendable, CaseIterable {
        case enrichment = "ENRICHMENT"
        case filter = "FILTER"
        case transformation = "TRANSFORMATION"
        case action = "ACTION"
        case external = "EXTERNAL"
        case flow = "FLOW"
    }

    public var component: Component
    /// Class name.
    public var type: String
    public var name: String
    public var description: String
    public var details: String
    /// Without `Failure`, which every node has.
    public var labels: [String]
    /// JSON.
    public var defaultConfiguration: String
    /// The part of the user interface that edits the configuration.
    public var directive: String
    public var icon: String?
    public var hasQueueName = false
    /// Whether messages leave it along connections.
    public var hasOutputs = true
    /// Whether its labels are those that another chain offers.
    public var leadsIntoChain = false
    /// Whether connections may have any label.
    public var hasCustomLabels = false
    public var documentation = ""

    public var configurationVersion: Int { RuleNodeUpgrade.currentVersion(of: type) }

    /// The member `configurationDescriptor`.
    var configurationDescriptor: String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("nodeDefinition")
            writer.object { writer in
                writer.member("details", details)
                writer.member("description", description)
                writer.member("inEnabled", true)
                writer.member("outEnabled", hasOutputs)
                writer.key("relationTypes")
                writer.array { writer in
                    for label in labels + ["Failure"] { writer.value(label) }
                }
                writer.member("customRelations", leadsIntoChain || hasCustomLabels)
                writer.member("ruleChainNode", leadsIntoChain)
                writer.key("defaultConfiguration")
                writer.raw(defaultConfiguration)
                writer.key("uiResources")
                writer.array { _ in }
                writer.member("configDirective", directive)
                writer.member("icon", icon ?? "")
                writer.member("iconUrl", "")
                writer.member("docUrl", documentation)
            }
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// The descriptor of a type that this build runs.
    public static func of(_ type: String) -> RuleNodeDescriptor? { all.first { $0.type == type } }

    private static let success = ["Success"]

    /// Every kind of node that this build runs: what is not here cannot be put into a chain by an editor.
    public static let all: [RuleNodeDescriptor] =
        basic + flow + filters + transformations + readingFilters + readingTransformations + enrichments + scripts
        + storingActions + alarms + timed + relating

    static let emptyConfiguration = #"{"version":0}"#
    static let entityTypeLabels = EntityType.allCases.map(\.normalName)

    private static let basic: [RuleNodeDescriptor] = [
        RuleNodeDescriptor(
            component: .filter, type: RuleNodeTypeName.package + "filter.TbMsgTypeSwitchNode",
            name: "message type switch", description: "Route incoming messages by Message Type",
            details: "Sends a message to the connection that its type names; other types leave through "
                + "<code>Other</code>.",
            labels: messageTypeLabels, defaultConfiguration: #"{"version":0}"#, directive: "tbNodeEmptyConfig",
            icon: nil),
        RuleNodeDescriptor(
            component: .action, type: RuleNodeTypeName.package + "telemetry.TbMsgTimeseriesNode",
            name: "save time series", description: "Saves time series data of the message originator",
            details: "Takes messages of type <code>POST_TELEMETRY_REQUEST</code>; the time is that of metadata "
                + "<code>ts</code> unless the server's is asked for.",
            labels: success,
            defaultConfiguration:
                #"{"defaultTTL":0,"useServerTs":false,"processingSettings":{"type":"ON_EVERY_MESSAGE"}}"#,
            directive: "tbActionNodeTimeseriesConfig", icon: "file_upload"),
        RuleNodeDescriptor(
            component: .action, type: RuleNodeTypeName.package + "telemetry.TbMsgAttributesNode",
            name: "save attributes", description: "Saves attributes of the message originator",
            details: "Takes messages of type <code>POST_ATTRIBUTES_REQUEST</code>; metadata <code>scope</code> wins "
                + "over the configured one.",
            labels: success,
            defaultConfiguration: #"{"processingSettings":{"type":"ON_EVERY_MESSAGE"},"scope":"SERVER_SCOPE","#
                + #""notifyDevice":false,"sendAttributesUpdatedNotification":false,"#
                + #""updateAttributesOnlyOnValueChange":true}"#,
            directive: "tbActionNodeAttributesConfig", icon: "file_upload"),
        RuleNodeDescriptor(
            component: .action, type: RuleNodeTypeName.package + "action.TbLogNode", name: "log",
            description: "Log incoming messages", details: "Writes the message into the log of the service.",
            labels: success,
            defaultConfiguration: #"{"scriptLang":"TBEL","jsScript":"\#(logScript)","tbelScript":"\#(logScript)"}"#,
            directive: "tbActionNodeLogConfig", icon: "menu"),
        RuleNodeDescriptor(
            component: .action, type: RuleNodeTypeName.package + "rpc.TbSendRPCRequestNode", name: "rpc call request",
            description: "Sends RPC call to device",
            details: "Expects <code>method</code> and <code>params</code>; the device's answer becomes the message.",
            labels: success, defaultConfiguration: #"{"timeoutInSeconds":60}"#,
            directive: "tbActionNodeRpcRequestConfig", icon: "call_made"),
        RuleNodeDescriptor(
            component: .action, type: RuleNodeTypeName.package + "rpc.TbSendRPCReplyNode", name: "rpc call reply",
            description: "Sends reply to RPC call from device",
            details: "Expects messages with any message type. Will forward message body to the device.",
            labels: success,
            defaultConfiguration:
                #"{"serviceIdMetaDataAttribute":"serviceId","sessionIdMetaDataAttribute":"sessionId","#
                + #""requestIdMetaDataAttribute":"requestId"}"#,
            directive: "tbActionNodeRpcReplyConfig", icon: "call_merge"),
        RuleNodeDescriptor(
            component: .action, type: RuleNodeTypeName.package + "rest.TbSendRestApiCallReplyNode",
            name: "rest call reply", description: "Sends reply to REST API call to rule engine",
            details: "The message becomes the answer to the call whose id is in its metadata.", labels: success,
            defaultConfiguration:
                #"{"requestIdMetaDataAttribute":"requestUUID","serviceIdMetaDataAttribute":"serviceId"}"#,
            directive: "tbActionNodeSendRestApiCallReplyConfig", icon: "call_merge"),
        RuleNodeDescriptor(
            component: .flow, type: RuleNodeTypeName.chainInput, name: "rule chain",
            description: "Transfers the message to another rule chain",
            details:
                "The message goes to the first node of that chain. Where an output node of it lets the message out, "
                + "it comes back and goes on along the connection with the name of the output node.",
            labels: [], defaultConfiguration: #"{"ruleChainId":null,"forwardMsgToDefaultRuleChain":false}"#,
            directive: "tbFlowNodeRuleChainInputConfig", icon: nil, leadsIntoChain: true),
        RuleNodeDescriptor(
            component: .flow, type: RuleNodeTypeName.chainOutput, name: "output",
            description: "Transfers the message to the caller rule chain",
            details:
                "The name of this node is the label under which the message goes on in the chain that sent it here.",
            labels: [], defaultConfiguration: #"{"version":0}"#, directive: "tbFlowNodeRuleChainOutputConfig",
            icon: "output", hasOutputs: false),
        RuleNodeDescriptor(
            component: .action, type: RuleNodeTypeName.package + "action.TbDeviceStateNode", name: "device state",
            description: "Triggers device connectivity events",
            details: "Tells of a connect, a disconnect, activity or inactivity of the device that the message is from.",
            labels: ["Success", "Rate limited"], defaultConfiguration: #"{"event":"ACTIVITY_EVENT"}"#,
            directive: "tbActionNodeDeviceStateConfig"),
    ]

    private static let logScript =
        #"return '\\nIncoming message:\\n' + JSON.stringify(msg) + '\\nIncoming metadata:\\n' + "#
        + #"JSON.stringify(metadata);"#

    private static let messageTypeLabels: [String] = {
        var labels: [String] = []
        for type in KnownMessageType.allCases where !labels.contains(type.label) && type.label != "Other" {
            labels.append(type.label)
        }
        return labels + ["Other"]
    }()
}
