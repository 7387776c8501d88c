import JSON
import TBEL
import Testing

/// `rule-engine.md` 6.2: a script ends with an error when it takes too much, and harms nobody.
struct LimitTests {
    private func error(_ script: String, _ limits: TBELLimits = TBELLimits()) -> TBELError? {
        do {
            let script = try TBELScript(script, arguments: ["msg"])
            _ = try script.run([[:]], limits: limits, clock: StillClock(advances: true))
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        "while (true) {}", "for (;;) {}", "do {} while (true);", "until (false) {}",
        "var i = 0; while (true) { i++; i = 0; }",
        "function f() { return 1; } while (true) f();", "while (true) { var s = \"a\" + 1; }",
        "while (true) { var l = [1, 2, 3]; }",
        "var l = []; for (var i = 0; i < 2000; i++) l.add(i); while (true) { l.contains(-1); }",
        "var l = []; for (var i = 0; i < 2000; i++) l.add(i); while (true) { l.sort(false); }",
        "var s = \"x\".repeat(10000); while (true) { s.indexOf(\"y\"); }", "while (true) { \"a\".matches(\"b\"); }",
        "var a = [1]; for (var i = 0; i < 60; i++) { a = [a, a]; } var b = [1]; for (var i = 0; i < 60; i++) { b = [b, b]; } a == b",
    ])
    func whatGoesOnForEverIsStopped(_ script: String) {
        let found = error(script, TBELLimits(time: .milliseconds(20)))
        #expect(found?.kind == .timeout)
        #expect(found?.message == "Script timeout!")
    }

    @Test(arguments: [
        "var s = \"a\"; while (true) { s = s + s; }", "padStart(\"a\", 2000000000, \"b\")", "\"ab\".repeat(2000000000)",
        "new int[100000000]",
        "new int[2147483647]", "var l = []; while (true) { l.add(\"0123456789012345678901234567890123456789\"); }",
        "var m = {}; var i = 0; while (true) { m[\"key number \" + i++] = i; }",
        "var l = [1]; while (true) { l.addAll(l.clone()); }",
        "var l = [1]; while (true) { l = l + l; }",
        "var a = [\"aaaaaaaaaa\"]; for (var i = 0; i < 60; i++) { a = [a, a]; } \"\" + a",
        "var a = [\"aaaaaaaaaa\"]; for (var i = 0; i < 60; i++) { a = [a, a]; } JSON.stringify(a)",
        "var a = [\"aaaaaaaaaa\"]; for (var i = 0; i < 60; i++) { a = [a, a]; } return a",
        "\"aaaaaaaaaa\".repeat(10000).replace(\"a\", \"bbbbbbbbbbbbbbbbbbbb\")",
        "\"aaaaaaaaaa\".repeat(10000).replaceAll(\"a\", \"bbbbbbbbbbbbbbbbbbbb\")",
    ])
    func whatTakesTooMuchMemoryIsStopped(_ script: String) {
        let limits = TBELLimits(time: .seconds(3600), memory: 1 << 20)
        #expect(error(script, limits)?.kind == .memory)
    }

    @Test(arguments: [
        ("function f() { return f(); } f()", "Too many calls inside each other"),
        ("function f(x) { return f(x + 1) + 1; } f(0)", "Too many calls inside each other"),
        ("function f() { return g(); } function g() { return f(); } f()", "Too many calls inside each other"),
        (
            "var a = []; for (var i = 0; i < 1000; i++) { a = [a]; } \"\" + a",
            "Too many lists and maps inside each other"
        ),
        ("var a = []; a.add(a); \"\" + a", "Too many lists and maps inside each other"),
        ("var m = {}; m.m = m; return m;", "Too many lists and maps inside each other"),
        ("var m = {}; m.m = m; toFlatMap(m)", "Too many lists and maps inside each other"),
        ("\"%99999d\".formatted(5)", "Format width too large: 99999"),
    ])
    func depthIsBounded(_ script: String, _ text: String) {
        #expect(error(script, TBELLimits(time: .seconds(3600)))?.text == text)
    }

    @Test func scriptsThatAreNestedTooDeepAreRefused() {
        let many = 5_000
        let scripts = [
            String(repeating: "(", count: many), String(repeating: "[", count: many),
            String(repeating: "{a:", count: many),
            String(repeating: "!", count: many) + "true", String(repeating: "-", count: many) + "1",
            String(repeating: "if (true) ", count: many) + "1", String(repeating: "f(", count: many),
            String(repeating: "while (true) { ", count: many), String(repeating: "true ? ", count: many),
            String(repeating: "a = ", count: many) + "1", "1" + String(repeating: "+ 1", count: many),
            "a" + String(repeating: ".b", count: many), "a" + String(repeating: "[0]", count: many),
            "a" + String(repeating: ".b()", count: many), String(repeating: "function f() {", count: many),
        ]
        #expect(error(String(repeating: "(", count: 100_000))?.kind == .syntax)
        for script in scripts { #expect(error(script)?.kind == .syntax, "\(script.prefix(20))") }
        #expect(error("a" + String(repeating: "(1)", count: many))?.kind == .syntax)
    }

    @Test func whatWasNestedDeepIsLetGo() {
        let limits = TBELLimits(time: .seconds(3600))
        #expect(error("var a = []; for (var i = 0; i < 30000; i++) { a = [a]; } a = null; 1", limits) == nil)
        #expect(
            error(
                "var a = {}; var top = a; for (var i = 0; i < 20000; i++) { a.n = {}; a = a.n; } a = null; top = null; 1",
                limits) == nil)
        #expect(error("var a = []; for (var i = 0; i < 20000; i++) { a = toSet([a]); } 1", limits) == nil)
    }

    /// Memory that a run gives back can be used again.
    @Test func onlyWhatIsAliveCounts() {
        let script =
            "var t = 0; for (var i = 0; i < 3000; i++) { var l = []; for (var j = 0; j < 100; j++) l.add(j); t += l.size(); } t"
        #expect(run(script, limits: TBELLimits(time: nil, memory: 100_000)) == "300000")
    }

    @Test func ringsDieWithTheirRun() throws {
        let script = try TBELScript(
            "var a = {}; var b = [a]; a.b = b; a.a = a; var s = toSet([b]); b.add(s); 1", arguments: [])
        for _ in 0..<1_000 { #expect(try script.run([], clock: StillClock()) == 1) }
    }

    @Test func argumentsOfOneNameHaveTheirOwnPlaces() throws {
        let script = try TBELScript("var b = 5; return [a, b];", arguments: ["a", "a", "a"])
        #expect(try script.run([1, 2, 3], clock: StillClock()) == [3, 5])
    }

    @Test func aScriptRunsOnManyThreads() async throws {
        let script = try TBELScript("var s = 0; foreach (x : l) { s += x; } return {s: s};", arguments: ["l"])
        try await withThrowingTaskGroup(of: JSONValue.self) { group in
            for number in 0..<50 {
                group.addTask { try script.run([[.integer(Int64(number)), 1]], clock: StillClock()) }
            }
            var sum: Int64 = 0
            for try await result in group { sum += result["s"]?.integerValue ?? 0 }
            #expect(sum == 50 * 49 / 2 + 50)
        }
    }
}
