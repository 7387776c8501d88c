import JSON
import Metrics
import Model
import Synchronization
import Testing

@testable import ScriptEngine

/// Answers as the test says.
private final class EvaluatorOfTest: ScriptEvaluator {
    let language: ScriptLanguage
    let answers: Mutex<[Result<JSONValue, ScriptError>]>
    let released = Mutex(0)
    let compilation = Mutex<ScriptError?>(nil)

    init(_ answers: [Result<JSONValue, ScriptError>] = [], language: ScriptLanguage = .javaScript) {
        self.answers = Mutex(answers)
        self.language = language
    }

    func compile(_ source: ScriptSource) async throws(ScriptError) -> ScriptHandle {
        if let error = compilation.withLock({ $0 }) { throw error }
        return ScriptHandle()
    }

    func invoke(_ script: ScriptHandle, _ message: ScriptMessage) async throws(ScriptError) -> JSONValue {
        try (answers.withLock { $0.isEmpty ? .success(true) : $0.removeFirst() }).get()
    }

    func release(_ script: ScriptHandle) { released.withLock { $0 += 1 } }
}

private final class ClockOfTest: Sendable {
    private let time = Mutex<Int64>(0)
    var now: Int64 { time.withLock { $0 } }
    func advance(seconds: Int64) { time.withLock { $0 += seconds * 1_000_000_000 } }
}

@Suite struct ScriptTests {
    private let clock = ClockOfTest()
    private static let input = ScriptMessage(data: "{}", metadata: ["a": "b"], type: "T")

    private func engine(_ evaluator: EvaluatorOfTest, _ limits: ScriptLimits = ScriptLimits()) -> ScriptEngine {
        var settings = ScriptSettings()
        settings.javaScript = limits
        return ScriptEngine(evaluators: [evaluator], settings: settings, metrics: MetricsRegistry()) { [clock] in
            clock.now
        }
    }

    private func script(
        _ evaluator: EvaluatorOfTest, _ limits: ScriptLimits = ScriptLimits(), body: String = "return true;"
    ) async throws -> Script {
        try await engine(evaluator, limits).prepare(ScriptSource(tenant: .system, body: body), .javaScript)
    }

    private func error(_ script: Script, _ message: ScriptMessage = input) async -> ScriptError? {
        do throws(ScriptError) {
            _ = try await script.call(message)
            return nil
        } catch {
            return error
        }
    }

    @Test func aScriptThatThrowsIsNeverBlocked() async throws {
        let script = try await script(EvaluatorOfTest([Result](repeating: .failure(.runtime("no")), count: 10)))
        for _ in 0..<10 { #expect(await error(script) == .runtime("no")) }
        #expect(await error(script) == nil)
    }

    @Test func afterThreeTimeoutsAScriptRestsForAMinuteFromTheLast() async throws {
        let script = try await script(EvaluatorOfTest([Result](repeating: .failure(.timeout), count: 4)))
        for _ in 0..<3 {
            #expect(await error(script) == .timeout)
            clock.advance(seconds: 30)
        }
        let blocked = ScriptError.blocked(maximumErrors: 3, script: script.id)
        #expect(await error(script) == blocked)
        clock.advance(seconds: 29)
        #expect(await error(script) == blocked)
        clock.advance(seconds: 1)
        // Tried again; one error more does not block it at once.
        #expect(await error(script) == .timeout)
        #expect(await error(script) == nil)
    }

    @Test func aScriptOfATenantIsBlockedWhereverItRunsUntilItIsSavedAgain() async throws {
        let engine = engine(EvaluatorOfTest([Result](repeating: .failure(.timeout), count: 4)))
        let source = ScriptSource(tenant: .system, body: "return 1;")
        let other = ScriptSource(tenant: TenantID(.random()), body: source.body)
        let loops = [
            try await engine.prepare(source, .javaScript), try await engine.prepare(source, .javaScript),
        ]
        for number in 0..<3 { #expect(await error(loops[number % 2]) == .timeout) }
        let blocked = ScriptError.blocked(maximumErrors: 3, script: loops[0].id)
        for script in loops { #expect(await error(script) == blocked) }
        // A loop that has its first message of the tenant now, and a tenant with the same text.
        #expect(await error(try await engine.prepare(source, .javaScript)) == blocked)
        #expect(await error(try await engine.prepare(other, .javaScript)) == .timeout)
        // A test counts for itself.
        #expect(try await engine.test(source, .javaScript, Self.input) == true)
        #expect(await error(loops[0]) == blocked)
        // Every loop reads what was saved.
        let saved = [
            try await engine.prepare(source, .javaScript, former: loops[0]),
            try await engine.prepare(source, .javaScript, former: loops[1]),
        ]
        for script in saved { #expect(await error(script) == nil) }
        #expect(saved[0].id == saved[1].id && saved[0].id != loops[0].id)
    }

    @Test func sizesAreLimited() async throws {
        let limits = ScriptLimits(bodySize: 20, argumentsSize: 30, resultSize: 10)
        let evaluator = EvaluatorOfTest([.success("12345678"), .success("123456789")])
        let script = try await script(evaluator, limits)
        #expect(await error(script) == nil)
        #expect(
            await error(script) == .tooLarge("Script invocation result exceeds maximum allowed size of 10 symbols"))
        var large = Self.input
        large.data = String(repeating: "x", count: 30)
        #expect(
            await error(script, large)
                == .tooLarge("Script input arguments exceed maximum allowed total args size of 30 symbols"))
        let engine = engine(evaluator, limits)
        await #expect(throws: ScriptError.tooLarge("Script body exceeds maximum allowed size of 20 symbols")) {
            _ = try await engine.prepare(
                ScriptSource(tenant: .system, body: String(repeating: "x", count: 21)), .javaScript)
        }
    }

    @Test func aLanguageWithoutEvaluatorIsDisabled() async throws {
        let engine = engine(EvaluatorOfTest())
        #expect(engine.isEnabled(.javaScript) && !engine.isEnabled(.tbel))
        await #expect(throws: ScriptError.unavailable("TBEL script engine is disabled!")) {
            _ = try await engine.prepare(ScriptSource(tenant: .system, body: "return 1;"), .tbel)
        }
    }

    @Test func aScriptThatNobodyCouldCompileIsTriedAgain() async throws {
        let evaluator = EvaluatorOfTest()
        evaluator.compilation.withLock { $0 = .unavailable("none") }
        let script = try await script(evaluator)
        #expect(await error(script) == .unavailable("none"))
        evaluator.compilation.withLock { $0 = nil }
        #expect(await error(script) == nil)
    }

    @Test func whatDoesNotCompileIsRefused() async throws {
        let evaluator = EvaluatorOfTest()
        evaluator.compilation.withLock { $0 = .compilation("line 1") }
        await #expect(throws: ScriptError.compilation("line 1")) { _ = try await script(evaluator) }
    }

    @Test func aScriptIsReleasedWhenNobodyHasIt() async throws {
        let evaluator = EvaluatorOfTest()
        _ = try await script(evaluator)
        #expect(evaluator.released.withLock { $0 } == 1)
    }

    @Test(arguments: [
        ("return await msg;", "Script must not contain 'await' keyword."),
        ("async function f() {}", "Script must not contain 'async' keyword."),
        ("return Promise.resolve(1);", "Script must not use 'Promise'."),
        ("setTimeout(f, 1)", "Script must not use 'setTimeout' method."),
        ("  \n", "Script body is empty"),
        ("x = 'a' + \"b\"; await y", "Script must not contain 'await' keyword."),
        ("/* c */ await y", "Script must not contain 'await' keyword."),
        ("// c\nawait y", "Script must not contain 'await' keyword."),
    ])
    func scriptsThatWaitAreRefused(_ body: String, _ complaint: String) {
        #expect(JavaScriptValidator.complaint(about: body) == complaint)
    }

    @Test(arguments: [
        "return 'await';", "return \"it\\\"s await\";", "// await\nreturn 1;", "/* await\n async */ return 1;",
        "return awaiting + asyncs + msg.Promised;", "return `await`;",
    ])
    func wordsInTextsAndCommentsAreNone(_ body: String) {
        #expect(JavaScriptValidator.complaint(about: body) == nil)
    }
}
