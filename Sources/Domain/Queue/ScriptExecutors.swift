public import Messages

/// Executors of scripts that are asked through a queue, whichever of them comes to it first. Safe from any thread.
public protocol ScriptExecutors: Sendable {
    /// Returns the answer of whoever took the request.
    ///
    /// - Parameter limit: after that nobody waits any more, and no executor begins with it.
    func ask(_ request: ScriptRequest, within limit: Duration) async throws(ScriptRequestError) -> ScriptReply
}

/// Why there is no answer.
public enum ScriptRequestError: Error, Sendable, Hashable {
    /// As many requests wait as may.
    case tooMany
    /// No executor answered in time.
    case noAnswer
    /// The queue did not take it.
    case notSent(String)
}
