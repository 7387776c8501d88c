public import JSON
public import Metrics
import Synchronization

/// Runs users' scripts in the languages that there are evaluators for, inside their limits. Safe from any thread; scripts are
/// called on event loops.
public final class ScriptEngine: Sendable {
    private let evaluators: [ScriptLanguage: any ScriptEvaluator]
    private let settings: ScriptSettings
    private let metrics: [ScriptLanguage: ScriptMetrics]
    private let now: @Sendable () -> Int64
    private let shared = SharedScriptFaults()

    /// - Parameters:
    ///   - evaluators: One of a language at most.
    ///   - now: Nanoseconds of a clock that does not jump.
    public init(
        evaluators: [any ScriptEvaluator], settings: ScriptSettings = ScriptSettings(), metrics: MetricsRegistry,
        now: @escaping @Sendable () -> Int64 = { ScriptClock.nanoseconds }
    ) {
        self.evaluators = Dictionary(uniqueKeysWithValues: evaluators.map { ($0.language, $0) })
        self.settings = settings
        self.metrics = Dictionary(
            uniqueKeysWithValues: ScriptLanguage.allCases.map { ($0, ScriptMetrics($0, metrics: metrics)) })
        self.now = now
    }

    /// Without any language: every script is refused.
    public static func none(metrics: MetricsRegistry) -> ScriptEngine {
        ScriptEngine(evaluators: [], metrics: metrics)
    }

    /// Whether scripts of the language can run.
    public func isEnabled(_ language: ScriptLanguage) -> Bool { evaluators[language] != nil }

    private func limits(_ language: ScriptLanguage) -> ScriptLimits {
        language == .javaScript ? settings.javaScript : settings.tbel.limits
    }

    /// What can be told of a script without compiling it.
    ///
    /// - Throws: When it is blank, too long or says what it must not.
    public func validate(_ source: ScriptSource, _ language: ScriptLanguage) throws(ScriptError) {
        let maximum = limits(language).bodySize
        if maximum > 0, source.body.utf16.count > maximum {
            throw .tooLarge("Script body exceeds maximum allowed size of \(maximum) symbols")
        }
        if language == .javaScript, let complaint = JavaScriptValidator.complaint(about: source.body) {
            throw .compilation(complaint)
        }
        if source.body.allSatisfy(\.isWhitespace) { throw .compilation("Script body is empty") }
    }

    /// Compiles the script of a node. When nothing can compile it at the moment, that is not waited for: its first call tries
    /// again. Wherever nodes of a tenant have the same script, its faults are counted together.
    ///
    /// - Parameter former: What the node had before it was saved: its faults count no longer.
    /// - Throws: When it is no script, or too large, or no evaluator of its language exists.
    public func prepare(
        _ source: ScriptSource, _ language: ScriptLanguage, former: Script? = nil
    ) async throws(ScriptError) -> Script {
        try await prepare(source, language, shared.faults(of: source, language, former: former?.faults))
    }

    /// Runs a script once, to see what it does: that counts for no node.
    public func test(
        _ source: ScriptSource, _ language: ScriptLanguage, _ message: ScriptMessage
    ) async throws(ScriptError) -> JSONValue {
        try await prepare(source, language, ScriptFaults()).call(message)
    }

    private func prepare(
        _ source: ScriptSource, _ language: ScriptLanguage, _ faults: ScriptFaults
    ) async throws(ScriptError) -> Script {
        guard let evaluator = evaluators[language] else {
            throw .unavailable(
                language == .tbel ? "TBEL script engine is disabled!" : "JavaScript script engine is disabled!")
        }
        try validate(source, language)
        let metrics = metrics[language]!
        metrics.requests.increment()
        let script = Script(source, evaluator, limits(language), metrics, now, faults)
        do throws(ScriptError) {
            try await script.compile()
        } catch {
            metrics.note(error)
            guard case .unavailable = error else { throw error }
        }
        return script
    }
}

/// A clock that does not jump.
public enum ScriptClock {
    public static var nanoseconds: Int64 {
        let (seconds, attoseconds) = ContinuousClock.now.durationSinceStart
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}

extension ContinuousClock.Instant {
    private static let start = ContinuousClock.now
    fileprivate var durationSinceStart: (Int64, Int64) {
        let duration = Self.start.duration(to: self)
        return (duration.components.seconds, duration.components.attoseconds)
    }
}
