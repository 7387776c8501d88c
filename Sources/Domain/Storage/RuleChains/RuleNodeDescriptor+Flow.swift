/// Nodes that lead messages elsewhere, and those that look at messages alone (`rule-engine.md` 3.2, 3.4, 3.5).
extension RuleNodeDescriptor {
    private static let truth = ["True", "False"]
    private static let outcome = ["Success"]

    static let flow: [RuleNodeDescriptor] = [
        RuleNodeDescriptor(
            component: .flow, type: RuleNodeTypeName.package + "flow.TbAckNode", name: "acknowledge",
            description: "Acknowledges the incoming message",
            details: "The queue is done with the message, and it goes on: what becomes of it behind this node does not "
                + "make the queue run it again.",
            labels: outcome, defaultConfiguration: emptyConfiguration, directive: "tbNodeEmptyConfig", icon: nil),
        RuleNodeDescriptor(
            component: .flow, type: RuleNodeTypeName.package + "flow.TbCheckpointNode", name: "checkpoint",
            description: "transfers the message to another queue",
            details: "The message goes on behind this node as one of the chosen queue, by the rules of that queue; its "
                + "former queue is done with it then.",
            labels: outcome, defaultConfiguration: emptyConfiguration, directive: "tbNodeEmptyConfig", icon: nil,
            hasQueueName: true),
    ]

    static let filters: [RuleNodeDescriptor] = [
        RuleNodeDescriptor(
            component: .filter, type: RuleNodeTypeName.package + "filter.TbMsgTypeFilterNode",
            name: "message type filter", description: "Filter incoming messages by Message Type",
            details: "A message whose type is one of the list leaves along <code>True</code>, any other along "
                + "<code>False</code>.",
            labels: truth,
            defaultConfiguration:
                #"{"messageTypes":["POST_ATTRIBUTES_REQUEST","POST_TELEMETRY_REQUEST","TO_SERVER_RPC_REQUEST"]}"#,
            directive: "tbFilterNodeMessageTypeConfig"),
        RuleNodeDescriptor(
            component: .filter, type: RuleNodeTypeName.package + "filter.TbOriginatorTypeFilterNode",
            name: "entity type filter",
            description: "Filter incoming messages by the type of message originator entity",
            details: "A message whose originator is of one of the types leaves along <code>True</code>, any other "
                + "along <code>False</code>.",
            labels: truth, defaultConfiguration: #"{"originatorTypes":["DEVICE"]}"#,
            directive: "tbFilterNodeOriginatorTypeConfig"),
        RuleNodeDescriptor(
            component: .filter, type: RuleNodeTypeName.package + "filter.TbOriginatorTypeSwitchNode",
            name: "entity type switch", description: "Route incoming messages by Message Originator Type",
            details: "A message leaves along the connection with the name of its originator's type.",
            labels: entityTypeLabels, defaultConfiguration: emptyConfiguration, directive: "tbNodeEmptyConfig"),
        RuleNodeDescriptor(
            component: .filter, type: RuleNodeTypeName.package + "filter.TbCheckMessageNode",
            name: "check fields presence",
            description: "Checks the presence of the specified fields in the message and/or metadata.",
            details: "All of the members must be there, or one of them where that is enough.",
            labels: truth,
            defaultConfiguration: #"{"messageNames":[],"metadataNames":[],"checkAllKeys":true}"#,
            directive: "tbFilterNodeCheckMessageConfig"),
    ]

    static let transformations: [RuleNodeDescriptor] = [
        RuleNodeDescriptor(
            component: .transformation, type: RuleNodeTypeName.package + "transform.TbCopyKeysNode",
            name: "copy key-value pairs",
            description: "Copies key-value pairs from message to message metadata or vice-versa.",
            details: "Copies those whose keys match one of the patterns as a whole.",
            labels: outcome, defaultConfiguration: #"{"copyFrom":"DATA","keys":[]}"#,
            directive: "tbTransformationNodeCopyKeysConfig", icon: "content_copy"),
        RuleNodeDescriptor(
            component: .transformation, type: RuleNodeTypeName.package + "transform.TbDeleteKeysNode",
            name: "delete key-value pairs",
            description: "Deletes key-value pairs from message or message metadata.",
            details: "Deletes those whose keys match one of the patterns as a whole.",
            labels: outcome, defaultConfiguration: #"{"deleteFrom":"DATA","keys":[]}"#,
            directive: "tbTransformationNodeDeleteKeysConfig", icon: "remove_circle"),
        RuleNodeDescriptor(
            component: .transformation, type: RuleNodeTypeName.package + "transform.TbRenameKeysNode",
            name: "rename keys", description: "Renames message or message metadata keys.",
            details: "A key that is not there is left out.",
            labels: outcome,
            defaultConfiguration:
                #"{"renameIn":"DATA","renameKeysMapping":{"temperatureCelsius":"temperature"}}"#,
            directive: "tbTransformationNodeRenameKeysConfig", icon: "find_replace"),
        RuleNodeDescriptor(
            component: .transformation, type: RuleNodeTypeName.package + "transform.TbSplitArrayMsgNode",
            name: "split array msg", description: "Split array message into several messages",
            details: "Each element goes on as the data of a message of its own, with type and metadata of the array's.",
            labels: outcome, defaultConfiguration: emptyConfiguration, directive: "tbNodeEmptyConfig",
            icon: "content_copy"),
        RuleNodeDescriptor(
            component: .transformation, type: RuleNodeTypeName.package + "transform.TbJsonPathNode", name: "json path",
            description: "Transforms incoming message body using JSONPath expression.",
            details:
                "Members, elements, ranges, all of them, at any depth, and those that meet a condition. A path that "
                + "may lead to several values makes a list.",
            labels: outcome, defaultConfiguration: #"{"jsonPath":"$"}"#,
            directive: "tbTransformationNodeJsonPathConfig", icon: "functions"),
    ]
}
