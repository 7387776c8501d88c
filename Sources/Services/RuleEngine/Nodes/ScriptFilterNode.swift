import JSON
import Messages
import ScriptEngine

/// "script" of the filters (`rule-engine.md` 3.2): the message goes along `True` or `False`.
final class ScriptFilterNode: ScriptedRuleNode {
    static let type = "org.thingsboard.rule.engine.filter.TbJsFilterNode"
    static let order: NodeOrder = .free
    private static let yes: RelationLabel = "True"
    private static let no: RelationLabel = "False"

    private let script: Script

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        script = try context.takeScript(try Self.script(of: configuration))
    }

    static func script(of configuration: JSONValue) throws(RuleNodeConfigurationError) -> NodeScript? {
        var fields = try NodeConfiguration(configuration)
        let script = try NodeScript(&fields)
        try fields.end()
        return script
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        let results = ScriptResults(script.language)
        return context.run(script, for: message) { message, value throws(ScriptError) in
            .next(message, try results.boolean(value) ? Self.yes : Self.no)
        }
    }
}

/// "switch" (`rule-engine.md` 3.2): the message goes along every label that the script names.
final class ScriptSwitchNode: ScriptedRuleNode {
    static let type = "org.thingsboard.rule.engine.filter.TbJsSwitchNode"
    static let order: NodeOrder = .free

    private let script: Script

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        script = try context.takeScript(try Self.script(of: configuration))
    }

    static func script(of configuration: JSONValue) throws(RuleNodeConfigurationError) -> NodeScript? {
        try ScriptFilterNode.script(of: configuration)
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome {
        let results = ScriptResults(script.language)
        return context.run(script, for: message) { message, value throws(ScriptError) in
            .nextAny(message, try results.labels(value).map { RelationLabel($0) })
        }
    }
}
