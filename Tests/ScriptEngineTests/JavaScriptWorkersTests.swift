import Glibc
import Synchronization
import Testing

@testable import ScriptEngine

/// Workers are found as children of the process, so the tests run one after the other.
@Suite(.serialized) struct JavaScriptWorkersTests {
    @Test func aCallGivesWhatTheFunctionReturns() async throws {
        let harness = try WorkerHarness()
        defer { harness.stop() }
        let program = WorkerHarness.program("return a + b + c;")
        #expect(await harness.call(program, ["grün ", "🌱", " \u{0}x"]) == .success("grün 🌱 \u{0}x"))
        #expect(await harness.call(WorkerHarness.program("")) == .success(nil))
    }

    @Test func whatAScriptThrowsIsTold() async throws {
        let harness = try WorkerHarness()
        defer { harness.stop() }
        #expect(
            await harness.call(WorkerHarness.program("return nothing.here;"))
                == .failure(.runtime("ReferenceError: Can't find variable: nothing at line 1")))
        #expect(
            await harness.compile(WorkerHarness.program("return (;"))
                == .compilation("SyntaxError: Unexpected token ';' at line 1"))
        // A call of what does not compile says the same.
        #expect(
            await harness.call(WorkerHarness.program("return (;"))
                == .failure(.compilation("SyntaxError: Unexpected token ';' at line 1")))
        guard case .failure(.runtime(let text)) = await harness.call(WorkerHarness.program("return f(a, b, c);")) else {
            Issue.record("endless recursion ends otherwise")
            return
        }
        #expect(text.hasPrefix("RangeError: Maximum call stack size exceeded."))
    }

    @Test func manyCallsAtATimeAreAnsweredEachByItsOwn() async throws {
        let harness = try WorkerHarness()
        defer { harness.stop() }
        let program = WorkerHarness.program("return String(a * 2);")
        let results = await withTaskGroup(of: (Int, Result<String?, ScriptError>).self) { group in
            for number in 0..<500 { group.addTask { (number, await harness.call(program, [String(number), "", ""])) } }
            var results: [Int: Result<String?, ScriptError>] = [:]
            for await (number, result) in group { results[number] = result }
            return results
        }
        for number in 0..<500 { #expect(results[number] == .success(String(number * 2))) }
    }

    @Test func scriptsDoNotSeeEachOther() async throws {
        let harness = try WorkerHarness()
        defer { harness.stop() }
        let vandal = WorkerHarness.program("JSON.parse = null; Object.prototype.x = 1; escape = 5; return 'done';")
        #expect(await harness.call(vandal) == .success("done"))
        let other = WorkerHarness.program("return typeof JSON.parse + typeof {}.x + typeof escape;")
        #expect(await harness.call(other) == .success("functionundefinedfunction"))
    }

    /// One of each kind of harm, and meanwhile another script that is answered.
    @Test(arguments: [
        "for(;;){}",
        "for (;;) (/(a+)+b/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'));",
        "var p = Promise.resolve(); function again() { p = p.then(again); } again(); return 'x';",
    ])
    func aScriptThatDoesNotEndHoldsUpNobodyElse(_ body: String) async throws {
        let harness = try WorkerHarness(processorTime: .milliseconds(700))
        defer { harness.stop() }
        let runaway = WorkerHarness.program(body)
        let quick = WorkerHarness.program("return a;")
        async let ended = harness.call(runaway)
        for number in 0..<50 {
            #expect(await harness.call(quick, [String(number), "", ""]) == .success(String(number)))
        }
        #expect(await ended == .failure(.timeout))
        #expect(await harness.call(quick, ["on", "", ""]) == .success("on"))
    }

    @Test func callsOfOneScriptThatDoesNotEndKeepTwoWorkersAtMost() async throws {
        // Three workers, and nothing ends a call: with all three kept, the quick calls would wait for ever.
        let harness = try WorkerHarness(processorTime: .seconds(3_600), workers: 3)
        defer { harness.stop() }
        let before = Self.children()
        let runaway = WorkerHarness.program("for(;;){}")
        let endless = (0..<5).map { _ in Task { await harness.call(runaway) } }
        let quick = WorkerHarness.program("return 'ok';")
        for _ in 0..<50 { #expect(await harness.call(quick) == .success("ok")) }
        let results = await Self.results(of: endless, killing: before, harness)
        #expect(results.allSatisfy { $0 == .failure(.crashed("Script ended its worker: signal 9")) })
    }

    @Test func aScriptThatTakesTooMuchMemoryLosesItsWorker() async throws {
        let harness = try WorkerHarness(memory: 50 << 20)
        defer { harness.stop() }
        let greedy = WorkerHarness.program("var all = []; for (;;) all.push(new Array(1000).fill(1.5));")
        let quick = WorkerHarness.program("return a;")
        #expect(
            await harness.call(greedy) == .failure(.tooLarge("Script exceeds the memory limit of \(50 << 20) bytes")))
        #expect(await harness.call(quick, ["on", "", ""]) == .success("on"))
        #expect(harness.metric(#"js_worker_ends_total{reason="memory"}"#) >= 1)
    }

    @Test func whatAScriptKeepsBetweenCallsGoesWhenItIsTooMuch() async throws {
        let harness = try WorkerHarness(memory: 30 << 20)
        defer { harness.stop() }
        let hoarder = WorkerHarness.program(
            "kept = typeof kept === 'undefined' ? [] : kept; kept.push(new Array(4000).fill(1.5)); return 'ok';")
        for _ in 0..<8 {
            let results = await withTaskGroup(of: Result<String?, ScriptError>.self) { group in
                for _ in 0..<500 { group.addTask { await harness.call(hoarder) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(results.allSatisfy { $0 == .success("ok") })
        }
    }

    @Test func aWorkerThatIsKilledFailsTheCallInItAndNoOther() async throws {
        let harness = try WorkerHarness(processorTime: .seconds(3_600))
        defer { harness.stop() }
        let before = Self.children()
        let slow = Task { await harness.call(WorkerHarness.program("for(;;){}")) }
        let quick = WorkerHarness.program("return a;")
        #expect(await harness.call(quick, ["1", "", ""]) == .success("1"))
        let results = await Self.results(of: [slow], killing: before, harness)
        #expect(results == [.failure(.crashed("Script ended its worker: signal 9"))])
        #expect(await harness.call(quick, ["2", "", ""]) == .success("2"))
    }

    /// The results of calls that do not end by themselves: workers are killed until all have ended.
    private static func results(
        of calls: [Task<Result<String?, ScriptError>, Never>], killing before: Set<Int32>, _ harness: WorkerHarness
    ) async -> [Result<String?, ScriptError>] {
        let flag = Flag()
        let all = Task { () async -> [Result<String?, ScriptError>] in
            var results: [Result<String?, ScriptError>] = []
            for call in calls { results.append(await call.value) }
            flag.isOver.store(true, ordering: .relaxed)
            return results
        }
        let idle = WorkerHarness.program("return 'idle';")
        while !flag.isOver.load(ordering: .relaxed) {
            for worker in children().subtracting(before) { kill(worker, SIGKILL) }
            // Gives the next ones time to begin; may be killed itself.
            for _ in 0..<20 { _ = await harness.call(idle) }
        }
        return await all.value
    }

    private final class Flag: Sendable {
        let isOver = Atomic(false)
    }

    @Test func aCallEndsWhenItsCallerWaitsNoLonger() async throws {
        let harness = try WorkerHarness(requestTimeout: .milliseconds(300))
        defer { harness.stop() }
        #expect(await harness.call(WorkerHarness.program("for(;;){}")) == .failure(.timeout))
    }

    @Test func aCallMayHaveAShorterLimit() async throws {
        let harness = try WorkerHarness(processorTime: .seconds(600))
        defer { harness.stop() }
        let program = WorkerHarness.program("for(;;){}")
        #expect(await harness.call(program, limit: .milliseconds(100)) == .failure(.timeout))
    }

    @Test func withoutAWorkerTheErrorNamesWhatIsMissing() async throws {
        let harness = try WorkerHarness(executable: "/nowhere/js-executor")
        defer { harness.stop() }
        let expected = ScriptError.unavailable("JavaScript needs the worker /nowhere/js-executor, which cannot be run")
        for _ in 0..<3 { #expect(await harness.call(WorkerHarness.program("return a;")) == .failure(expected)) }
    }

    @Test func aWorkerThatDoesNotSpeakIsNotTriedAgainAndAgain() async throws {
        let harness = try WorkerHarness(executable: "/bin/false")
        defer { harness.stop() }
        for _ in 0..<20 {
            guard case .failure(.unavailable(let text)) = await harness.call(WorkerHarness.program("return a;")) else {
                Issue.record("a call without a worker succeeds")
                return
            }
            #expect(text == "JavaScript's worker /bin/false does not start: exit status 1")
        }
        #expect(harness.metric("js_worker_starts_total") < 20)
    }

    @Test func releasedScriptsCanBeCalledAgain() async throws {
        let harness = try WorkerHarness()
        defer { harness.stop() }
        let program = WorkerHarness.program("return a;")
        #expect(await harness.call(program, ["1", "", ""]) == .success("1"))
        harness.workers.release(program)
        #expect(await harness.call(program, ["2", "", ""]) == .success("2"))
    }

    /// More scripts than a worker keeps, each called twice.
    @Test func scriptsThatAWorkerForgotAreCompiledAgain() async throws {
        let harness = try WorkerHarness(memory: 400 << 20)
        defer { harness.stop() }
        let programs = (0..<1_050).map { WorkerHarness.program("return '\($0)' + a;") }
        for round in ["x", "y"] {
            let results = await withTaskGroup(of: (Int, Result<String?, ScriptError>).self) { group in
                for (number, program) in programs.enumerated() {
                    group.addTask { (number, await harness.call(program, [round, "", ""])) }
                }
                return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            for number in programs.indices { #expect(results[number] == .success("\(number)\(round)")) }
        }
    }

    @Test func aWorkerCannotBeTurnedAgainstTheMachine() async throws {
        let harness = try WorkerHarness()
        defer { harness.stop() }
        let before = Self.children()
        #expect(await harness.call(WorkerHarness.program("return a;")) == .success(""))
        let workers = Self.children().subtracting(before)
        #expect(!workers.isEmpty)
        for worker in workers {
            let status = Self.read("/proc/\(worker)/status")
            #expect(status.contains("\nSeccomp:\t2\n"))
            #expect(status.contains("\nNoNewPrivs:\t1\n"))
            if geteuid() == 0 { #expect(status.contains("\nUid:\t65534\t65534\t65534\t65534\n")) }
        }
    }

    /// Processes whose parent this one is.
    private static func children() -> Set<Int32> {
        var found: Set<Int32> = []
        for line in read("/proc/self/task/\(getpid())/children").split(separator: " ") {
            if let process = Int32(line) { found.insert(process) }
        }
        // A thread's children are listed with the thread.
        guard let folder = opendir("/proc/self/task") else { return found }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            for child in read("/proc/self/task/\(name)/children").split(separator: " ") {
                if let process = Int32(child) { found.insert(process) }
            }
        }
        return found
    }

    private static func read(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
