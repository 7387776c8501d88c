import JSON
import Messages
import Model
import ScriptEngine
import Storage

/// The script in a node's configuration (`rule-engine.md` 3.0): its language, and its text in that language.
struct NodeScript {
    var language: ScriptLanguage
    var body: String

    /// Reads `scriptLang`, and the texts under these names.
    init(
        _ fields: inout NodeConfiguration, javaScript javaScriptKey: String = "jsScript",
        tbel tbelKey: String = "tbelScript"
    ) throws(RuleNodeConfigurationError) {
        let name = try fields.string("scriptLang") ?? ScriptLanguage.javaScript.rawValue
        let javaScript = try fields.string(javaScriptKey) ?? ""
        let tbel = try fields.string(tbelKey) ?? ""
        guard let language = ScriptLanguage(rawValue: name) else {
            throw RuleNodeConfigurationError("scriptLang is neither JS nor TBEL")
        }
        self.language = language
        body = language == .tbel ? tbel : javaScript
    }
}

/// A node with a script that is compiled before the node is made, because that takes time.
protocol ScriptedRuleNode: RuleNode {
    /// The script that a configuration needs; `nil` for none.
    static func script(of configuration: JSONValue) throws(RuleNodeConfigurationError) -> NodeScript?
}

/// The scripts of a tenant's nodes, compiled.
struct PreparedScripts: Sendable {
    private struct Wanted: Sendable {
        var node: RuleNodeID
        var source: ScriptSource
        var language: ScriptLanguage
        /// What the node had before.
        var former: Script?
    }

    private var scripts: [RuleNodeID: Result<Script, ScriptError>] = [:]

    init() {}

    subscript(node: RuleNodeID) -> Result<Script, ScriptError>? { scripts[node] }

    /// Compiles the scripts of all nodes. What another set has compiled already is taken over, unless it failed meanwhile: a
    /// script that rests runs again when its chain was saved.
    init(_ chains: [RuleChainDefinition], of tenant: TenantID, before: PreparedScripts, _ engine: ScriptEngine) async {
        var wanted: [Wanted] = []
        for node in chains.flatMap(\.nodes) {
            guard let type = RuleNodeRegistry.type(node.type) as? any ScriptedRuleNode.Type,
                let script = try? type.script(of: node.configuration)
            else { continue }
            let source = ScriptSource(tenant: tenant, body: script.body)
            let known = before.scripts[node.id].flatMap { try? $0.get() }
            if let known, known.source == source, known.language == script.language, known.isFaultless {
                scripts[node.id] = .success(known)
            } else {
                wanted.append(Wanted(node: node.id, source: source, language: script.language, former: known))
            }
        }
        for (id, script) in await Self.compiled(wanted, engine) { scripts[id] = script }
    }

    /// Compiles all at once: where nothing compiles at the moment, one waits no longer for many than for one.
    private static func compiled(
        _ wanted: [Wanted], _ engine: ScriptEngine
    ) async -> [(RuleNodeID, Result<Script, ScriptError>)] {
        typealias Compiled = (RuleNodeID, Result<Script, ScriptError>)
        return await withTaskGroup(of: Compiled.self, returning: [Compiled].self) { group in
            for script in wanted {
                group.addTask { (script.node, await compiled(script, engine)) }
            }
            var all: [Compiled] = []
            for await one in group { all.append(one) }
            return all
        }
    }

    private static func compiled(_ script: Wanted, _ engine: ScriptEngine) async -> Result<Script, ScriptError> {
        do throws(ScriptError) {
            return .success(try await engine.prepare(script.source, script.language, former: script.former))
        } catch {
            return .failure(error)
        }
    }
}

extension ScriptMessage {
    init(_ message: RuleMessage) {
        self.init(data: message.payload.text, metadata: message.metadata.dictionary, type: message.type.name)
    }
}

extension RuleMessage {
    /// The message with what a script says of it.
    func replaced(by script: ScriptMessage) -> RuleMessage {
        var message = self
        message.payload = .text(script.data)
        message.metadata = MessageMetadata(script.metadata)
        message.type = MessageType(script.type)
        return message
    }
}
