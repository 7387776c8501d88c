public import Model

/// Why a script did not give a result.
public enum ScriptError: Error, Sendable, Equatable {
    /// It is not a program. Where and why.
    case compilation(String)
    /// It threw, or returned what it must not.
    case runtime(String)
    /// It took too long.
    case timeout
    /// Nothing was compiled under that handle, or it was released.
    case notFound
    /// Its text, its arguments, its result or its memory exceed a limit. Which.
    case tooLarge(String)
    /// It ended the process that ran it. How.
    case crashed(String)
    /// It failed too often and rests.
    case blocked(maximumErrors: Int, script: UUID128)
    /// The tenant may not run scripts at the moment.
    case disabled
    /// Nothing can run it now, through no fault of its own. Why.
    case unavailable(String)

    /// Whether it brings the script closer to being blocked (`rule-engine.md` 6.2): what a script throws does not.
    public var countsTowardsBlocking: Bool {
        switch self {
        case .compilation, .timeout, .tooLarge, .crashed: true
        case .runtime, .notFound, .blocked, .disabled, .unavailable: false
        }
    }

    /// What users read.
    public var message: String {
        switch self {
        case .compilation(let text), .runtime(let text), .tooLarge(let text), .crashed(let text),
            .unavailable(let text):
            text
        case .timeout: "Script timeout!"
        case .notFound: "No compiled script found!"
        case .blocked(let maximum, let script):
            "Script invocation is blocked due to maximum error count \(maximum), scriptId \(script)!"
        case .disabled: "Script execution is disabled due to API limits!"
        }
    }
}
