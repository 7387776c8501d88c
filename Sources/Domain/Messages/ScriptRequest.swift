/// By what a script is known to an executor (`rule-engine.md` 6.3).
public struct ScriptKey: Sendable, Hashable {
    /// Of the text and its tenant: the same script has the same hash wherever it is used.
    public var hash: String
    public var functionName: String

    public init(hash: String, functionName: String) {
        self.hash = hash
        self.functionName = functionName
    }
}

/// What an executor of scripts is asked (`rule-engine.md` 6.3).
public enum ScriptRequest: Sendable, Hashable {
    /// Makes a script known.
    ///
    /// - Parameter body: the text of a function.
    case compile(ScriptKey, body: String)
    /// Calls a script with texts.
    ///
    /// - Parameters:
    ///   - milliseconds: how long it may run; 0: as long as the executor lets it.
    ///   - body: for an executor that does not know the script.
    case invoke(ScriptKey, arguments: [String], milliseconds: Int, body: String?)
    /// Forgets a script.
    case release(ScriptKey)

    public var key: ScriptKey {
        switch self {
        case .compile(let key, _), .invoke(let key, _, _, _), .release(let key): key
        }
    }
}

/// Why a script gave no result.
public enum ScriptFailure: Sendable, Hashable, CaseIterable {
    case compilation
    case runtime
    case timeout
    /// The executor does not know the script and was not given its text.
    case notFound
    /// What it gave or used exceeds a limit.
    case tooLarge
    /// It ended the process that ran it.
    case crashed
    /// Nothing can run it now, through no fault of its own.
    case unavailable
}

/// What an executor answers.
public enum ScriptReply: Sendable, Hashable {
    case compiled
    /// The text that the function returned; empty where it returned none.
    case result(String)
    case released
    case failed(ScriptFailure, details: String)
}
