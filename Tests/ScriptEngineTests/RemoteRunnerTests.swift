import Messages
import Queue
import Testing

@testable import ScriptEngine

@Suite struct RemoteRunnerTests {
    private let program = JavaScriptProgram(hash: "h", functionName: "f", text: "function f() {}")
    private let key = ScriptKey(hash: "h", functionName: "f")

    private func remote(_ answers: Answers) -> RemoteRunner {
        RemoteRunner(executors: answers, settings: RemoteJavaScriptSettings())
    }

    private func outcome(_ body: () async throws(ScriptError) -> String?) async -> Result<String?, ScriptError> {
        do throws(ScriptError) { return .success(try await body()) } catch { return .failure(error) }
    }

    @Test func `a script is called by its hash alone`() async throws {
        let answers = Answers(.success(.result("7")))
        #expect(try await remote(answers).invoke(program, ["a", "b", "c"], limit: nil) == "7")
        #expect(answers.asked == [.invoke(key, arguments: ["a", "b", "c"], milliseconds: 2000, body: nil)])
        #expect(answers.limits == [.seconds(10)])
    }

    @Test func `who does not know a script is given its text`() async throws {
        let answers = Answers(.success(.failed(.notFound, details: "")), .success(.result("")))
        #expect(try await remote(answers).invoke(program, [], limit: .milliseconds(50)) == nil)
        #expect(
            answers.asked == [
                .invoke(key, arguments: [], milliseconds: 50, body: nil),
                .invoke(key, arguments: [], milliseconds: 50, body: program.text),
            ])
        let never = Answers(
            .success(.failed(.notFound, details: "")), .success(.failed(.notFound, details: "")),
            .success(.result("late")))
        #expect(
            await outcome { () throws(ScriptError) in try await remote(never).invoke(program, [], limit: nil) }
                == .failure(.notFound))
    }

    @Test func `failures of executors are told apart`() async {
        let expected: [ScriptFailure: ScriptError] = [
            .compilation: .compilation("x"), .runtime: .runtime("x"), .timeout: .timeout, .tooLarge: .tooLarge("x"),
            .crashed: .crashed("x"), .unavailable: .unavailable("x"),
        ]
        for (failure, error) in expected {
            let answers = Answers(.success(.failed(failure, details: "x")))
            #expect(
                await outcome { () throws(ScriptError) in try await remote(answers).invoke(program, [], limit: nil) }
                    == .failure(error))
        }
    }

    @Test func `a script whose executors are gone comes no closer to being blocked`() async {
        for reason in [ScriptRequestError.noAnswer, .tooMany, .notSent("x")] {
            let result = await outcome { () throws(ScriptError) in
                try await remote(Answers(.failure(reason))).invoke(program, [], limit: nil)
            }
            guard case .failure(let error) = result else {
                Issue.record("\(result)")
                continue
            }
            #expect(!error.countsTowardsBlocking)
        }
    }

    @Test func `a text that is no program is refused`() async throws {
        let answers = Answers(.success(.failed(.compilation, details: "SyntaxError")), .success(.compiled))
        let runner = remote(answers)
        await #expect(throws: ScriptError.compilation("SyntaxError")) { try await runner.compile(program) }
        try await runner.compile(program)
        #expect(answers.asked == [.compile(key, body: program.text), .compile(key, body: program.text)])
        #expect(answers.limits == [.seconds(60), .seconds(60)])
    }
}
