public import JSON
import Metrics
public import Model
import Synchronization

/// A script of a rule node, or of a test. Let go of, it is released. Safe from any thread; called on event loops.
public final class Script: Sendable {
    public let source: ScriptSource
    private let evaluator: any ScriptEvaluator
    private let limits: ScriptLimits
    private let metrics: ScriptMetrics
    private let now: @Sendable () -> Int64
    let faults: ScriptFaults
    private let compiled = Mutex<ScriptHandle?>(nil)

    init(
        _ source: ScriptSource, _ evaluator: any ScriptEvaluator, _ limits: ScriptLimits, _ metrics: ScriptMetrics,
        _ now: @escaping @Sendable () -> Int64, _ faults: ScriptFaults = ScriptFaults()
    ) {
        self.faults = faults
        self.source = source
        self.evaluator = evaluator
        self.limits = limits
        self.metrics = metrics
        self.now = now
    }

    /// How long a call, or the start of a node, waits for somebody to compile a script.
    static let patience: Duration = .seconds(2)

    deinit {
        if let handle = compiled.withLock({ $0 }) { evaluator.release(handle) }
    }

    public var language: ScriptLanguage { evaluator.language }

    /// Names it where it is blocked: the same wherever it runs for its tenant.
    public var id: UUID128 { faults.id }

    /// Whether nothing that counts has failed since the last rest.
    public var isFaultless: Bool { faults.isNone }

    @discardableResult
    func compile(within limit: Duration = Script.patience) async throws(ScriptError) -> ScriptHandle {
        let made = try await evaluator.compile(source, within: limit)
        metrics.evaluations.increment()
        // Another call may have been quicker.
        let (kept, spare) = compiled.withLock { handle -> (ScriptHandle, ScriptHandle?) in
            if let handle { return (handle, made) }
            handle = made
            return (made, nil)
        }
        if let spare { evaluator.release(spare) }
        return kept
    }

    /// Runs it and gives what it returned (`rule-engine.md` 6.2).
    ///
    /// - Throws: Also, without a call, when it failed too often or is given too much.
    public func call(_ message: ScriptMessage) async throws(ScriptError) -> JSONValue {
        let handle = try admitted()
        let start = now()
        metrics.requests.increment()
        do throws(ScriptError) {
            try check(message)
            let script: ScriptHandle
            if let handle { script = handle } else { script = try await compile() }
            let value = try await evaluator.invoke(script, message)
            try check(value)
            metrics.invocations.increment()
            metrics.seconds.observe(Double(now() - start) / 1e9)
            return value
        } catch {
            metrics.note(error)
            metrics.seconds.observe(Double(now() - start) / 1e9)
            if error.countsTowardsBlocking { faults.note(at: now()) }
            throw error
        }
    }

    private func admitted() throws(ScriptError) -> ScriptHandle? {
        let handle = compiled.withLock { $0 }
        if faults.isBlocked(by: limits, at: now()) { throw .blocked(maximumErrors: limits.errors, script: id) }
        return handle
    }

    private func check(_ message: ScriptMessage) throws(ScriptError) {
        guard limits.argumentsSize > 0 else { return }
        if !message.ownArguments.isEmpty {
            guard message.ownArguments.reduce(0, { $0 + $1.size }) > limits.argumentsSize else { return }
            throw .tooLarge(
                "Script input arguments exceed maximum allowed total args size of \(limits.argumentsSize) symbols")
        }
        var bytes = message.data.utf8.count + message.type.utf8.count + 2
        for (key, value) in message.metadata { bytes += key.utf8.count + value.utf8.count + 6 }
        // No text has more characters than bytes.
        guard bytes > limits.argumentsSize else { return }
        let size =
            message.data.utf16.count + message.type.utf16.count + JavaScriptText.metadata(message.metadata).utf16.count
        guard size > limits.argumentsSize else { return }
        throw .tooLarge(
            "Script input arguments exceed maximum allowed total args size of \(limits.argumentsSize) symbols")
    }

    private func check(_ value: JSONValue) throws(ScriptError) {
        guard limits.resultSize > 0, value.atLeast(limits.resultSize / 16) else { return }
        guard String(decoding: value.serialized(), as: UTF8.self).utf16.count > limits.resultSize else { return }
        throw .tooLarge("Script invocation result exceeds maximum allowed size of \(limits.resultSize) symbols")
    }
}

extension Duration {
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds.multipliedReportingOverflow(by: 1_000_000_000).overflow
            ? .max : seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}

extension JSONValue {
    /// Whether its text may have so many characters: a quick look that only errs by saying yes.
    fileprivate func atLeast(_ size: Int) -> Bool {
        var rest = size
        count(&rest)
        return rest <= 0
    }

    private func count(_ rest: inout Int) {
        guard rest > 0 else { return }
        switch self {
        case .null, .bool, .integer, .double: rest -= 2
        case .number(let text), .string(let text): rest -= text.utf8.count
        case .array(let values):
            rest -= values.count
            for value in values where rest > 0 { value.count(&rest) }
        case .object(let object):
            rest -= object.count
            for (key, value) in object where rest > 0 {
                rest -= key.utf8.count
                value.count(&rest)
            }
        }
    }
}
