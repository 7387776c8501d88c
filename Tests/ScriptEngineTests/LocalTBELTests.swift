import JSON
import Model
import ScriptEngine
import Testing

/// `rule-engine.md` 6: scripts in TBEL, as the engine runs them.
struct LocalTBELTests {
    private let message = ScriptMessage(data: "{\"a\": 21}", metadata: ["k": "v"], type: "POST_TELEMETRY_REQUEST")

    private func settings(_ change: (inout TBELSettings) -> Void = { _ in }) -> TBELSettings {
        var settings = TBELSettings()
        // Tests run on busy machines.
        settings.timeout = .seconds(60)
        change(&settings)
        return settings
    }

    private func source(_ body: String) -> ScriptSource {
        ScriptSource(tenant: TenantID(UUID128.random()), body: body)
    }

    private func run(
        _ body: String, _ message: ScriptMessage? = nil, _ evaluator: LocalTBEL? = nil
    ) async throws(ScriptError) -> JSONValue {
        let evaluator = evaluator ?? LocalTBEL(settings())
        let handle = try await evaluator.compile(source(body))
        return try await evaluator.invoke(handle, message ?? self.message)
    }

    @Test func aScriptIsGivenTheMessage() async throws {
        let result = try await run("return {msg: {a: msg.a * 2}, metadata: metadata, msgType: msgType};")
        #expect(
            result.serializedString
                == "{\"msg\":{\"a\":42},\"metadata\":{\"k\":\"v\"},\"msgType\":\"POST_TELEMETRY_REQUEST\"}")
    }

    @Test func noDataIsAnEmptyMap() async throws {
        let empty = ScriptMessage(data: "", metadata: [:], type: "X")
        #expect(try await run("return msg.size()", empty) == 0)
    }

    @Test func dataThatIsNoJSONIsAnErrorOfTheRun() async {
        let broken = ScriptMessage(data: "{", metadata: [:], type: "X")
        await #expect(throws: ScriptError.runtime("The data of the message is no JSON: unexpected end of the text")) {
            _ = try await run("return 1", broken)
        }
    }

    @Test func whatAScriptChangesIsItsOwn() async throws {
        let evaluator = LocalTBEL(settings())
        let handle = try await evaluator.compile(source("msg.a = msg.a + 1; return msg.a;"))
        #expect(try await evaluator.invoke(handle, message) == 22)
        #expect(try await evaluator.invoke(handle, message) == 22)
    }

    @Test func aTextThatIsNoScriptIsRefused() async {
        let error = await #expect(throws: ScriptError.self) { _ = try await run("return (;") }
        #expect(error?.countsTowardsBlocking == true)
        #expect(error?.message.contains("[Line: 1, Column: 9]") == true)
    }

    @Test func errorsOfARunDoNotCount() async {
        let error = await #expect(throws: ScriptError.self) { _ = try await run("raiseError(\"no\")") }
        #expect(error?.countsTowardsBlocking == false)
        #expect(error?.message.contains("no") == true)
    }

    @Test func whatTakesTooLongIsStopped() async {
        let evaluator = LocalTBEL(settings { $0.timeout = .milliseconds(30) })
        await #expect(throws: ScriptError.timeout) { _ = try await run("while (true) {}", nil, evaluator) }
    }

    @Test func whatIsTooLongForALoopGoesOnElsewhere() async throws {
        let evaluator = LocalTBEL(settings())
        let handle = try await evaluator.compile(
            source("var s = 0; for (var i = 0; i < 50000; i++) { s += i; } return s + msg.a;"))
        for _ in 0..<3 { #expect(try await evaluator.invoke(handle, message) == 1_249_975_021) }
    }

    @Test func manyLongScriptsTakeTurns() async throws {
        let evaluator = LocalTBEL(settings { $0.threads = 2 })
        let handle = try await evaluator.compile(
            source("var s = 0; for (var i = 0; i < 20000; i++) { s += i; } return s;"))
        let message = message
        try await withThrowingTaskGroup(of: JSONValue.self) { group in
            for _ in 0..<10 { group.addTask { try await evaluator.invoke(handle, message) } }
            for try await result in group { #expect(result == 199_990_000) }
        }
    }

    @Test func memoryIsBounded() async {
        let evaluator = LocalTBEL(settings { $0.memory = 1 << 20 })
        let error = await #expect(throws: ScriptError.self) {
            _ = try await run("var s = \"a\"; while (true) { s = s + s; }", nil, evaluator)
        }
        #expect(error == .tooLarge("Script memory overflow!"))
        #expect(error?.countsTowardsBlocking == true)
    }

    @Test func aReleasedScriptIsNotFound() async throws {
        let evaluator = LocalTBEL(settings())
        let source = source("return 1")
        let first = try await evaluator.compile(source)
        let second = try await evaluator.compile(source)
        evaluator.release(first)
        evaluator.release(first)
        await #expect(throws: ScriptError.notFound) { _ = try await evaluator.invoke(first, message) }
        #expect(try await evaluator.invoke(second, message) == 1)
    }

    @Test func scriptsThatMadeRoomAreCompiledAgain() async throws {
        let evaluator = LocalTBEL(settings { $0.cachedScripts = 2 })
        var handles: [ScriptHandle] = []
        for number in 0..<5 { handles.append(try await evaluator.compile(source("return \(number) + msg.a"))) }
        for _ in 0..<2 {
            for (number, handle) in handles.enumerated() {
                #expect(try await evaluator.invoke(handle, message) == .integer(Int64(number) + 21))
            }
        }
    }
}
