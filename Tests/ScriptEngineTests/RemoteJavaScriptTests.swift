import JSON
import Messages
import Model
import Queue
import TestSupport
import Testing

@testable import ScriptEngine

@Suite struct RemoteJavaScriptTests {
    private let tenant = TenantID(UUID128(high: 0x1381_4000_1DD2_11B2, low: 0x8080_8080_8080_8080))

    private func source(_ body: String, names: ScriptSource.ArgumentNames = .message) -> ScriptSource {
        ScriptSource(tenant: tenant, body: body, argumentNames: names)
    }

    @Test func `a script has the hash that the reference platform gives it`() {
        #expect(RemoteJavaScript.hash(source("return msg;")) == "92e27e1ebb11c0541b9247e7970aa19e")
        #expect(RemoteJavaScript.hash(source("return 'ü';")) == "4b90e73f6932a4ba7c9e36ad8ca3ffc3")
    }

    @Test func `scripts of other tenants or with other arguments are others`() {
        let other = ScriptSource(tenant: TenantID(.random()), body: "return 1;")
        let hashes = [source("return 1;"), other, source("return 1;", names: .previousMessage)].map(
            RemoteJavaScript.hash)
        #expect(Set(hashes).count == 3)
    }

    @Test func `a script is called with texts, and its result is JSON`() async throws {
        let answers = Answers(.success(.compiled), .success(.result("{\"msg\":1}")), .success(.result("")))
        let scripts = RemoteJavaScript(executors: answers, settings: RemoteJavaScriptSettings())
        let handle = try await scripts.compile(source("return msg;"))
        let message = ScriptMessage(data: "{}", metadata: ["b": "1", "a": "2"], type: "T")
        #expect(try await scripts.invoke(handle, message) == .object(["msg": .integer(1)]))
        #expect(try await scripts.invoke(handle, message) == .null)
        guard case .invoke(let key, let arguments, _, nil) = answers.asked[1] else {
            Issue.record("\(answers.asked[1])")
            return
        }
        #expect(key.functionName == "invokeInternal_\(key.hash)")
        #expect(arguments == ["{}", #"{"a":"2","b":"1"}"#, "T"])
        await #expect(throws: ScriptError.notFound) { _ = try await scripts.invoke(ScriptHandle(), message) }
    }

    @Test func `a node does not wait for executors that do not answer, and its first call sends the text`() async throws
    {
        let answers = Answers(.failure(.noAnswer), .success(.failed(.notFound, details: "")), .success(.result("1")))
        let scripts = RemoteJavaScript(executors: answers, settings: RemoteJavaScriptSettings())
        let handle = try await scripts.compile(source("return 1;"), within: .seconds(2))
        #expect(answers.limits == [.seconds(2)])
        #expect(try await scripts.invoke(handle, ScriptMessage(data: "{}", metadata: [:], type: "T")) == .integer(1))
        guard case .invoke(_, _, _, .some) = answers.asked[2] else {
            Issue.record("\(answers.asked[2])")
            return
        }
        // While nobody answers, calls say so.
        await #expect(throws: ScriptError.unavailable("No executor of scripts answered in 10000 ms!")) {
            _ = try await scripts.invoke(handle, ScriptMessage(data: "{}", metadata: [:], type: "T"))
        }
    }

    @Test func `executors forget a script with its last handle`() async throws {
        let answers = Answers(.success(.compiled), .success(.compiled), .success(.released))
        let scripts = RemoteJavaScript(executors: answers, settings: RemoteJavaScriptSettings())
        let first = try await scripts.compile(source("return msg;"))
        let second = try await scripts.compile(source("return msg;"))
        scripts.release(first)
        scripts.release(first)
        #expect(answers.asked.count == 2)
        scripts.release(second)
        try await eventually("the release") { answers.asked.count == 3 }
        guard case .release = answers.asked[2] else {
            Issue.record("\(answers.asked[2])")
            return
        }
    }
}
