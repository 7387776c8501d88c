public import Logging
public import Messages
public import Metrics
import Reactor
import Synchronization

/// What an executor does with requests (`rule-engine.md` 6.3): keeps the texts of scripts by hash, runs them. Safe from any
/// thread.
///
/// At most ``maximumScripts`` are kept; the one that was not used for the longest time makes room.
public final class ServedScripts: Sendable {
    private struct Kept {
        let program: JavaScriptProgram
        /// When it was used, by count of uses.
        var lastUse: UInt64
    }

    private struct State {
        var scripts: [String: Kept] = [:]
        var uses: UInt64 = 0
    }

    private let runner: any JavaScriptRunner
    private let maximumScripts: Int
    private let maximumResult: Int
    private let slow: Duration
    private let logger: Logger
    private let state = Mutex(State())
    private let seconds: Histogram
    private let compiled: [Bool: Counter]
    private let invoked: [Outcome: Counter]

    private enum Outcome: String, CaseIterable {
        case success, compilation, runtime, timeout, notFound, tooLarge, crashed, unavailable
    }

    /// - Parameters:
    ///   - maximumScripts: `MAX_ACTIVE_SCRIPTS`.
    ///   - maximumResult: `JS_MAX_RESULT_SIZE`: characters, as JavaScript counts them.
    ///   - slow: `SLOW_QUERY_LOG_MS`: what takes longer is logged, not each time.
    public init(
        runner: any JavaScriptRunner, maximumScripts: Int, maximumResult: Int, slow: Duration, logger: Logger,
        metrics: MetricsRegistry
    ) {
        self.runner = runner
        self.maximumScripts = maximumScripts
        self.maximumResult = maximumResult
        self.slow = slow
        self.logger = logger
        seconds = metrics.histogram(
            "js_executor_seconds", help: "From the request of a call to its answer, waiting for a worker included.",
            buckets: [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
        compiled = Dictionary(
            uniqueKeysWithValues: [true, false].map { isGood in
                let outcome = isGood ? "success" : "failure"
                let help = "Texts that were to be compiled."
                return (
                    isGood,
                    metrics.counter("js_executor_compilations_total", help: help, labels: ["outcome": outcome])
                )
            })
        invoked = Dictionary(
            uniqueKeysWithValues: Outcome.allCases.map { outcome in
                (
                    outcome,
                    metrics.counter(
                        "js_executor_invocations_total", help: "Calls of scripts.",
                        labels: ["outcome": outcome.rawValue])
                )
            })
        metrics.gauge("js_executor_scripts", help: "Scripts whose text is kept.") { [weak self] in
            Double(self?.count ?? 0)
        }
    }

    public var count: Int { state.withLock { $0.scripts.count } }

    public func serve(_ request: ScriptRequest) async -> ScriptReply {
        switch request {
        case .compile(let key, let body): return await compile(key, body)
        case .invoke(let key, let arguments, let milliseconds, let body):
            let began = MonotonicTime.now()
            let reply = await invoke(key, arguments, milliseconds == 0 ? nil : .milliseconds(milliseconds), body)
            note(reply, key, took: .now() - began)
            return reply
        case .release(let key):
            if let kept = state.withLock({ $0.scripts.removeValue(forKey: key.hash) }) { runner.release(kept.program) }
            return .released
        }
    }

    // MARK: - Requests

    private func compile(_ key: ScriptKey, _ body: String) async -> ScriptReply {
        if use(key.hash) != nil { return .compiled }
        let program = JavaScriptProgram(hash: key.hash, functionName: key.functionName, text: body)
        do throws(ScriptError) {
            try await runner.compile(program)
        } catch {
            compiled[false]?.increment()
            return Self.failed(error)
        }
        compiled[true]?.increment()
        keep(program)
        return .compiled
    }

    private func invoke(
        _ key: ScriptKey, _ arguments: [String], _ limit: Duration?, _ body: String?
    ) async -> ScriptReply {
        var program = use(key.hash)
        if program == nil, let body {
            // It is compiled where it runs.
            let made = JavaScriptProgram(hash: key.hash, functionName: key.functionName, text: body)
            keep(made)
            program = made
        }
        guard let program else { return .failed(.notFound, details: "script body not found") }
        do throws(ScriptError) {
            let text = try await runner.invoke(program, arguments, limit: limit) ?? ""
            guard maximumResult == 0 || text.utf16.count <= maximumResult else {
                return .failed(
                    .tooLarge,
                    details: "Error: script invocation result exceeds maximum allowed size of \(maximumResult) symbols")
            }
            return .result(text)
        } catch {
            // What is no program is not kept.
            if case .compilation = error { forget(program) }
            return Self.failed(error)
        }
    }

    private static func failed(_ error: ScriptError) -> ScriptReply {
        switch error {
        case .compilation(let text): .failed(.compilation, details: text)
        case .runtime(let text): .failed(.runtime, details: text)
        case .timeout: .failed(.timeout, details: "Error: Script execution timed out")
        case .notFound: .failed(.notFound, details: "script body not found")
        case .tooLarge(let text): .failed(.tooLarge, details: text)
        case .crashed(let text): .failed(.crashed, details: text)
        case .unavailable(let text): .failed(.unavailable, details: text)
        case .blocked, .disabled: .failed(.runtime, details: error.message)
        }
    }

    private func note(_ reply: ScriptReply, _ key: ScriptKey, took time: Duration) {
        seconds.observe(time / .seconds(1))
        let outcome: Outcome
        switch reply {
        case .failed(.compilation, _): outcome = .compilation
        case .failed(.runtime, _): outcome = .runtime
        case .failed(.timeout, _): outcome = .timeout
        case .failed(.notFound, _): outcome = .notFound
        case .failed(.tooLarge, _): outcome = .tooLarge
        case .failed(.crashed, _): outcome = .crashed
        case .failed(.unavailable, _): outcome = .unavailable
        case .result, .compiled, .released: outcome = .success
        }
        invoked[outcome]?.increment()
        guard slow > .zero, time > slow else { return }
        logger.limited(
            .notice, "a script is slow",
            [
                "script.function": .string(String(key.functionName.prefix(100))),
                "took.ms": .integer(Int(time / .milliseconds(1))),
            ])
    }

    // MARK: - What is kept

    private func use(_ hash: String) -> JavaScriptProgram? {
        state.withLock { state in
            state.uses += 1
            state.scripts[hash]?.lastUse = state.uses
            return state.scripts[hash]?.program
        }
    }

    private func keep(_ program: JavaScriptProgram) {
        let evicted = state.withLock { state -> JavaScriptProgram? in
            state.uses += 1
            var evicted: JavaScriptProgram?
            if state.scripts[program.hash] == nil, state.scripts.count >= maximumScripts,
                let oldest = state.scripts.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                evicted = oldest.value.program
                state.scripts[oldest.key] = nil
            }
            state.scripts[program.hash] = Kept(program: program, lastUse: state.uses)
            return evicted
        }
        if let evicted { runner.release(evicted) }
    }

    private func forget(_ program: JavaScriptProgram) {
        if state.withLock({ $0.scripts.removeValue(forKey: program.hash) }) != nil { runner.release(program) }
    }
}
