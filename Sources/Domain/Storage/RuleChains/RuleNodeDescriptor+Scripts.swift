internal import JSON

/// Nodes that are what their scripts say (`rule-engine.md` 3.2, 3.5).
extension RuleNodeDescriptor {
    private static let arguments =
        "The script is the body of a function, in TBEL or JavaScript, of <code>msg</code> (the data), "
        + "<code>metadata</code> and <code>msgType</code>. "

    static let scripts: [RuleNodeDescriptor] = [
        RuleNodeDescriptor(
            component: .filter, type: RuleNodeTypeName.package + "filter.TbJsFilterNode", name: "script",
            description: "Filter incoming messages using TBEL or JS script",
            details: arguments + "It returns a boolean: the message leaves along <code>True</code> or "
                + "<code>False</code>.",
            labels: ["True", "False"],
            defaultConfiguration: configuration("return msg.temperature > 20;", "return msg.temperature > 20;"),
            directive: "tbFilterNodeScriptConfig", icon: nil),
        RuleNodeDescriptor(
            component: .filter, type: RuleNodeTypeName.package + "filter.TbJsSwitchNode", name: "switch",
            description: "Routes incoming message to one OR multiple output connections.",
            details: arguments + "It returns the names of the connections along which the message leaves; without one, "
                + "the message is done.",
            labels: [], defaultConfiguration: configuration(switching("==="), switching("==")),
            directive: "tbFilterNodeSwitchConfig", icon: nil, hasCustomLabels: true),
        RuleNodeDescriptor(
            component: .transformation, type: RuleNodeTypeName.package + "transform.TbTransformMsgNode",
            name: "script", description: "Change Message payload, Metadata or Message type using JavaScript",
            details: arguments + "It returns <code>{msg: ..., metadata: ..., msgType: ...}</code>, or a list of these; "
                + "what is missing stays as it is.",
            labels: ["Success"],
            defaultConfiguration: configuration(
                "return {msg: msg, metadata: metadata, msgType: msgType};",
                "return {msg: msg, metadata: metadata, msgType: msgType};"),
            directive: "tbTransformationNodeScriptConfig", icon: nil),
    ]

    private static func configuration(_ javaScript: String, _ tbel: String) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("scriptLang", "TBEL")
            writer.member("jsScript", javaScript)
            writer.member("tbelScript", tbel)
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private static func switching(_ equality: String) -> String {
        """
        function nextRelation(metadata, msg) {
            return ['one','nine'];
        }
        if(msgType \(equality) 'POST_TELEMETRY_REQUEST') {
            return ['two'];
        }
        return nextRelation(metadata, msg);
        """
    }
}
