import Logging
import Messages
import Metrics
import Synchronization
import Testing

@testable import ScriptEngine

/// Runs nothing: gives the first argument, or fails as it says.
private final class Echo: JavaScriptRunner {
    private let state = Mutex<(compiled: [String], released: [String], limits: [Duration?])>(([], [], []))
    var compiled: [String] { state.withLock { $0.compiled } }
    var released: [String] { state.withLock { $0.released } }
    var limits: [Duration?] { state.withLock { $0.limits } }

    func compile(_ program: JavaScriptProgram) async throws(ScriptError) {
        if program.text == "bad" { throw .compilation("SyntaxError: bad") }
        state.withLock { $0.compiled.append(program.hash) }
    }

    func invoke(
        _ program: JavaScriptProgram, _ arguments: [String], limit: Duration?
    ) async throws(ScriptError) -> String? {
        state.withLock { $0.limits.append(limit) }
        if program.text == "bad" { throw .compilation("SyntaxError: bad") }
        if program.text == "loop" { throw .timeout }
        return arguments.first
    }

    func release(_ program: JavaScriptProgram) { state.withLock { $0.released.append(program.hash) } }
}

@Suite struct ServedScriptsTests {
    private let echo = Echo()

    private func served(maximumScripts: Int = 10, maximumResult: Int = 10) -> ServedScripts {
        ServedScripts(
            runner: echo, maximumScripts: maximumScripts, maximumResult: maximumResult, slow: .zero, logger: .disabled,
            metrics: MetricsRegistry())
    }

    private func key(_ hash: String) -> ScriptKey { ScriptKey(hash: hash, functionName: "f_" + hash) }

    private func call(_ hash: String, _ argument: String = "1", body: String? = nil) -> ScriptRequest {
        .invoke(key(hash), arguments: [argument], milliseconds: 100, body: body)
    }

    @Test func `a script is known once it was compiled or called with its text`() async {
        let served = served()
        #expect(await served.serve(call("a")) == .failed(.notFound, details: "script body not found"))
        #expect(await served.serve(.compile(key("a"), body: "x")) == .compiled)
        #expect(await served.serve(call("a")) == .result("1"))
        #expect(await served.serve(call("b", body: "x")) == .result("1"))
        #expect(await served.serve(call("b")) == .result("1"))
        #expect(await served.serve(.compile(key("a"), body: "x")) == .compiled)
        #expect(echo.compiled == ["a"])
        #expect(echo.limits.allSatisfy { $0 == .milliseconds(100) })
    }

    @Test func `no time in a request is that of the runner`() async {
        _ = await served().serve(.invoke(key("a"), arguments: [], milliseconds: 0, body: "x"))
        #expect(echo.limits == [nil])
    }

    @Test func `what is no program is told and not kept`() async {
        let served = served()
        let failure = ScriptReply.failed(.compilation, details: "SyntaxError: bad")
        #expect(await served.serve(.compile(key("a"), body: "bad")) == failure)
        #expect(await served.serve(call("a", body: "bad")) == failure)
        #expect(served.count == 0)
    }

    @Test func `the script that rested longest makes room`() async {
        let served = served(maximumScripts: 2)
        for hash in ["a", "b"] { _ = await served.serve(.compile(key(hash), body: "x")) }
        _ = await served.serve(call("a"))
        _ = await served.serve(.compile(key("c"), body: "x"))
        #expect(echo.released == ["b"])
        #expect(served.count == 2)
        #expect(await served.serve(call("a")) == .result("1"))
    }

    @Test func `a released script is forgotten`() async {
        let served = served()
        _ = await served.serve(.compile(key("a"), body: "x"))
        #expect(await served.serve(.release(key("a"))) == .released)
        #expect(await served.serve(.release(key("a"))) == .released)
        #expect(echo.released == ["a"])
        #expect(served.count == 0)
    }

    @Test func `a result is no longer than it may be`() async {
        let served = served()
        #expect(await served.serve(call("a", "1234567890", body: "x")) == .result("1234567890"))
        guard case .failed(.tooLarge, let details) = await served.serve(call("a", "12345678901")) else {
            Issue.record("it was taken")
            return
        }
        #expect(details.contains("maximum allowed size of 10 symbols"))
    }

    @Test func `a call that takes too long says so`() async {
        #expect(
            await served().serve(call("a", body: "loop"))
                == .failed(.timeout, details: "Error: Script execution timed out"))
    }
}
