/// Nodes that act when time has passed (`rule-engine.md` 3.5, 3.7).
extension RuleNodeDescriptor {
    static let timed: [RuleNodeDescriptor] = [
        RuleNodeDescriptor(
            component: .action, type: RuleNodeTypeName.package + "debug.TbMsgGeneratorNode", name: "generator",
            description: "Periodically generates messages",
            details:
                "A script makes a message of the one that it made before. In a cluster the generator runs where the "
                + "messages of its originator are processed.",
            labels: ["Success"],
            defaultConfiguration:
                #"{"msgCount":0,"periodInSeconds":1,"originatorType":"RULE_NODE","originatorId":null,"#
                + #""scriptLang":"TBEL","jsScript":"\#(generatorScript)","tbelScript":"\#(generatorScript)"}"#,
            directive: "tbActionNodeGeneratorConfig", icon: "repeat", hasQueueName: true),
        RuleNodeDescriptor(
            component: .action, type: RuleNodeTypeName.package + "delay.TbMsgDelayNode", name: "delay (deprecated)",
            description: "Delays incoming message (deprecated)",
            details: "The message is done, and goes on behind this node after some time. What waits is in memory only.",
            labels: ["Success"],
            defaultConfiguration:
                #"{"periodInSeconds":60,"maxPendingMsgs":1000,"periodInSecondsPattern":null,"#
                + #""useMetadataPeriodInSecondsPatterns":false}"#,
            directive: "tbActionNodeMsgDelayConfig", icon: "pause"),
        RuleNodeDescriptor(
            component: .transformation, type: RuleNodeTypeName.package + "deduplication.TbMsgDeduplicationNode",
            name: "deduplication", description: "Deduplicate messages within the same originator entity",
            details: "Of the messages that come in some time the first or the last goes on, or all as one message.",
            labels: ["Success"],
            defaultConfiguration:
                #"{"interval":60,"strategy":"FIRST","outMsgType":null,"maxPendingMsgs":100,"maxRetries":3}"#,
            directive: "tbTransformationNodeDeduplicationConfig", icon: "content_copy", hasQueueName: true),
    ]

    private static let generatorScript =
        #"var msg = { temp: 42, humidity: 77 };\nvar metadata = { data: 40 };\n"#
        + #"var msgType = \"POST_TELEMETRY_REQUEST\";\n\nreturn { msg: msg, metadata: metadata, msgType: msgType };"#
}
