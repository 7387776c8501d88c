import JSON
import Messages
import Reactor
import ScriptEngine

/// Messages that wait for a script; all others go on meanwhile.
extension RuleEngineShard {
    /// Calls a script for the message that a node is processing, which goes on as `outcome` says.
    func run(
        _ script: Script, for message: RuleMessage,
        _ outcome: @escaping @Sendable (RuleMessage, Result<JSONValue, ScriptError>) -> NodeOutcome
    ) -> NodeOutcome {
        guard currentUsage?.features.mayRun(script.language) ?? true else {
            return .failure(message, ScriptError.disabled.message)
        }
        let slot = suspend(message)
        let bound = ShardReference(shard: self)
        Task(executorPreference: loop) {
            let result: Result<JSONValue, ScriptError>
            do throws(ScriptError) {
                result = .success(try await script.call(ScriptMessage(message)))
            } catch {
                result = .failure(error)
            }
            bound.shard.goOn(slot, script.language, result, outcome)
        }
        return .suspended
    }

    private func goOn(
        _ slot: UInt32, _ language: ScriptLanguage, _ result: Result<JSONValue, ScriptError>,
        _ outcome: (RuleMessage, Result<JSONValue, ScriptError>) -> NodeOutcome
    ) {
        guard let entry = suspended.complete(slot, refused: false) else { return }
        if result.isCounted { entry.chain.usage.counts.add(1, of: language) }
        let next = route(
            outcome(entry.message, result).of(entry.message), entry.duty, entry.chain, entry.node)
        if let (message, chain, node) = next { run(message, entry.duty, chain, node) }
        runSteps()
        queues.settle()
    }
}

extension Result<JSONValue, ScriptError> {
    /// Whether the script was called.
    fileprivate var isCounted: Bool {
        switch self {
        case .failure(.blocked), .failure(.disabled), .failure(.unavailable): false
        case .success, .failure: true
        }
    }
}
