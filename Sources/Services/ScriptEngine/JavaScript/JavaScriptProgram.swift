/// A program in JavaScript that defines one function of three texts, which returns JSON as text (`rule-engine.md` 6.3).
public struct JavaScriptProgram: Sendable, Hashable {
    /// The same for all programs of one source: `hash` of tenant and body where a service names it.
    public var hash: String
    public var functionName: String
    public var text: String

    public init(hash: String, functionName: String, text: String) {
        self.hash = hash
        self.functionName = functionName
        self.text = text
    }

    /// Wraps a body into a function that reads the data and the metadata and writes the result (`rule-engine.md` 6.1). It
    /// begins in line 1, as its author counts.
    public init(_ source: ScriptSource, hash: String, functionName: String) {
        let names = source.argumentNames
        self.hash = hash
        self.functionName = functionName
        text =
            "function \(functionName)(msgStr, metadataStr, msgType) { "
            + "var msg = JSON.parse(msgStr); var metadata = JSON.parse(metadataStr); "
            + "return JSON.stringify(ruleNodeFunc(msg, metadata, msgType)); "
            + "function ruleNodeFunc(\(names.data), \(names.metadata), \(names.type)) {\(source.body)\n}\n}"
    }
}

/// Runs programs in JavaScript. Safe from any thread; its functions stay on their caller's event loop and never block it.
public protocol JavaScriptRunner: Sendable {
    /// Compiles a program.
    func compile(_ program: JavaScriptProgram) async throws(ScriptError)

    /// Calls a program's function with three texts; `nil` when it returns nothing.
    ///
    /// - Parameter limit: Processor time that the call may take; `nil` for that of the runner.
    func invoke(
        _ program: JavaScriptProgram, _ arguments: [String], limit: Duration?
    ) async throws(ScriptError) -> String?

    /// Lets go of what is kept of a program.
    func release(_ program: JavaScriptProgram)
}
