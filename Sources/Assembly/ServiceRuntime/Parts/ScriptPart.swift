import Logging
public import ProcessRuntime
public import ScriptEngine

/// The script engine of a process.
public enum ScriptPart {
    /// - Parameter remote: The evaluator of JavaScript where it is that of another service; `nil`: workers of this process.
    public static func make(
        runtime: ServiceRuntime, settings: ScriptSettings, remote: (any ScriptEvaluator)? = nil
    ) -> ScriptEngine {
        let javaScript: any ScriptEvaluator
        if let remote {
            javaScript = remote
        } else {
            let workers = JavaScriptWorkers(
                settings: settings.local, logger: runtime.logger.labelled("scripts"), metrics: runtime.metrics)
            javaScript = LocalJavaScript(workers)
        }
        let tbel: [any ScriptEvaluator] = settings.tbel.isEnabled ? [LocalTBEL(settings.tbel)] : []
        return ScriptEngine(evaluators: [javaScript] + tbel, settings: settings, metrics: runtime.metrics)
    }
}
