import KafkaQueue
import ScriptEngine

/// JavaScript in the executors of the cluster.
enum RemoteScripts {
    /// The evaluator, once the topic of its requests is there; `nil` where this process's own workers run scripts
    /// (`JS_EVALUATOR`). Before the node is started.
    static func make(_ node: KafkaNode, _ settings: ScriptSettings) async throws -> RemoteJavaScript? {
        guard settings.evaluator == .remote else { return nil }
        let executors = KafkaScriptExecutors(node: node, maximumPending: settings.remote.pendingRequests)
        try await executors.ensureTopics()
        return RemoteJavaScript(executors: executors, settings: settings.remote)
    }
}
