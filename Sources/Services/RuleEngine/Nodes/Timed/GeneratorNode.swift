import JSON
import Messages
import Model
import Reactor
import ScriptEngine
import Storage

/// "generator" (`rule-engine.md` 3.7): makes messages with a script, one in a while. In a cluster it runs where the messages
/// of its originator are processed.
final class GeneratorNode: RememberingNode, ScriptedRuleNode {
    static let type = "org.thingsboard.rule.engine.debug.TbMsgGeneratorNode"
    static let configurationVersion = 2

    private static let originators: Set<EntityType> = [
        .device, .asset, .entityView, .tenant, .customer, .user, .dashboard, .edge, .ruleNode,
    ]

    private let script: Script
    private let count: Int
    private let period: Int64
    private let originator: (type: EntityType, id: UUID128?)
    var memory: GeneratorMemory!

    init(configuration: JSONValue, context: RuleNodeContext) throws(RuleNodeConfigurationError) {
        let wanted = try Self.script(of: configuration)
        var fields = try NodeConfiguration(configuration)
        count = try fields.integer("msgCount", default: 0)
        let seconds = try fields.integer("periodInSeconds", default: 0)
        guard (1...315_360_000).contains(seconds) else {
            throw RuleNodeConfigurationError("periodInSeconds is no number of seconds from 1 on")
        }
        period = Int64(seconds) * 1_000
        let name = try fields.string("originatorType") ?? ""
        guard let type = EntityType(name: name), Self.originators.contains(type) else {
            throw RuleNodeConfigurationError("Originator type '\(name)' is not supported.")
        }
        let id = try fields.string("originatorId") ?? ""
        _ = try NodeScript(&fields)
        try fields.end()
        switch type {
        case .ruleNode, .tenant: originator = (type, nil)
        default:
            guard !id.isEmpty else { throw RuleNodeConfigurationError("Originator entity must be selected.") }
            guard let uuid = UUID128(id) else { throw RuleNodeConfigurationError("originatorId is no id") }
            originator = (type, uuid)
        }
        script = try context.takeScript(wanted)
    }

    /// The script as one whose arguments have the names of other nodes'.
    static func script(of configuration: JSONValue) throws(RuleNodeConfigurationError) -> NodeScript? {
        var fields = try NodeConfiguration(configuration)
        var script = try NodeScript(&fields)
        guard !script.body.isEmpty else { throw RuleNodeConfigurationError("Script is not specified") }
        script.body = "var prevMsg = msg; var prevMetadata = metadata; var prevMsgType = msgType;\n" + script.body
        return script
    }

    func makeMemory(_ place: RuleNodePlace, _ context: RuleNodeContext) -> GeneratorMemory {
        let entity: EntityID
        switch originator.type {
        case .ruleNode: entity = EntityID(type: .ruleNode, uuid: place.node.uuid)
        case .tenant: entity = EntityID(type: .tenant, uuid: place.tenant.uuid)
        default: entity = EntityID(type: originator.type, uuid: originator.id!)
        }
        return GeneratorMemory(
            place: place, context: context, script: script, originator: entity, period: period, count: count)
    }

    func process(_ message: RuleMessage, _ context: RuleNodeContext) -> NodeOutcome { .acknowledge(message) }
}

/// The generator of a node, and what it made last. Owned by the shard's loop.
final class GeneratorMemory: RuleNodeMemory {
    private let place: RuleNodePlace
    private let context: RuleNodeContext
    private let script: Script
    private let originator: EntityID
    /// Milliseconds.
    private let period: Int64
    /// 0: without end.
    private let limit: Int
    private var made = 0
    private var timer: LoopTimer?
    private var isStopped = false
    /// When the next message is due.
    private var due: Int64 = 0
    private var previous = ScriptMessage(data: "{}", metadata: [:], type: "")

    /// How often a shard that has not the originator looks whether it has.
    private static let ownershipPeriod: Int64 = 1_000

    init(
        place: RuleNodePlace, context: RuleNodeContext, script: Script, originator: EntityID, period: Int64, count: Int
    ) {
        self.place = place
        self.context = context
        self.script = script
        self.originator = originator
        self.period = period
        limit = count
        wait()
    }

    func stop() {
        isStopped = true
        timer?.cancel()
        timer = nil
    }

    /// Sets the time of the next message, by the clock of the first one.
    private func wait() {
        guard !isStopped, limit == 0 || made < limit else { return }
        let now = context.loop.wallClockMilliseconds
        guard context.shard.runs(place, for: originator.uuid) else {
            // As new when the originator comes here.
            (due, made) = (0, 0)
            previous = ScriptMessage(data: "{}", metadata: [:], type: "")
            return start(after: Self.ownershipPeriod) { $0.wait() }
        }
        // Not all at once after a pause.
        due = (due == 0 || due + period < now - period ? now : due) + period
        start(after: max(0, due - now)) { $0.generate() }
    }

    private func start(after milliseconds: Int64, _ body: @escaping (GeneratorMemory) -> Void) {
        timer = context.loop.schedule(after: .milliseconds(milliseconds)) { [weak self] in
            if let self { body(self) }
        }
    }

    private func generate() {
        let shard: RuleEngineShard = context.shard
        guard shard.runs(place, for: originator.uuid) else { return wait() }
        guard let usage = shard.usage(of: place.tenant), usage.features.ruleEngine != .disabled else { return wait() }
        guard usage.features.mayRun(script.language) else { return finish(.failure(.disabled)) }
        let bound = LoopOwned(self)
        Task(executorPreference: context.loop) { [script, previous] in
            let result: Result<ScriptMessage, ScriptError>
            do throws(ScriptError) {
                let value = try await script.call(previous)
                result = .success(try ScriptResults(script.language).generated(value, of: previous))
            } catch {
                result = .failure(error)
            }
            bound.value.context.shard.usage(of: bound.value.place.tenant)?.counts.add(1, of: script.language)
            bound.value.finish(result)
        }
    }

    private func finish(_ result: Result<ScriptMessage, ScriptError>) {
        guard !isStopped else { return }
        made += 1
        let now = context.loop.wallClockMilliseconds
        switch result {
        case .success(let script):
            previous = script
            context.emit(
                message(now, script.type, script.data, script.metadata, of: originator), .success, by: place)
        case .failure(let error):
            let node = EntityID(type: .ruleNode, uuid: place.node.uuid)
            context.emit(
                message(now, "GENERATOR_NODE_SELF_MSG", "", [:], of: node), .failure, error: error.message, by: place)
        }
        wait()
    }

    private func message(
        _ now: Int64, _ type: String, _ data: String, _ metadata: [String: String], of originator: EntityID
    ) -> RuleMessage {
        RuleMessage(
            id: .null, timestamp: now, type: MessageType(type), originator: originator, tenantID: place.tenant,
            customerID: originator.type == .customer ? CustomerID(originator.uuid) : nil,
            metadata: MessageMetadata(metadata), payload: .text(data), queueName: place.queueName)
    }
}
