public import JSON
public import Model

/// Names a compiled script of one evaluator.
public struct ScriptHandle: Sendable, Hashable {
    public var id: UUID128

    public init(id: UUID128 = .random()) {
        self.id = id
    }
}

/// Runs scripts of one language. Safe from any thread; its functions stay on their caller's event loop and never block it.
///
/// Evaluators know nothing of what a script is for, who may run it and how often it failed: ``ScriptEngine`` does. They
/// enforce time and memory of a run; the sizes of bodies and arguments are checked before, that of results afterwards.
public protocol ScriptEvaluator: Sendable {
    var language: ScriptLanguage { get }

    /// Compiles a script. The same source compiled twice has two handles.
    func compile(_ source: ScriptSource) async throws(ScriptError) -> ScriptHandle

    /// The same, answered within `limit`. What cannot be compiled by then through no fault of its own may be left for its first
    /// run.
    func compile(_ source: ScriptSource, within limit: Duration) async throws(ScriptError) -> ScriptHandle

    /// Runs it and gives what it returned; `null` for a script that returned nothing.
    ///
    /// - Throws: ``ScriptError/runtime(_:)`` also when the data of the message is no JSON where the language wants it.
    func invoke(_ script: ScriptHandle, _ message: ScriptMessage) async throws(ScriptError) -> JSONValue

    /// Lets go of a script; calls that are on their way may still end well. Harmless when there is none.
    func release(_ script: ScriptHandle)
}

extension ScriptEvaluator {
    /// For those that answer at once.
    public func compile(_ source: ScriptSource, within limit: Duration) async throws(ScriptError) -> ScriptHandle {
        try await compile(source)
    }
}
