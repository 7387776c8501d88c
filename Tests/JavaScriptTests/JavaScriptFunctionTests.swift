import JavaScript
import Testing

@Suite struct JavaScriptFunctionTests {
    private let group = JavaScriptGroup()

    private func function(_ body: String) throws -> JavaScriptFunction {
        try JavaScriptFunction("f", program: "function f(a, b) {\(body)\n}", in: group)
    }

    /// Calls with texts; `nil` for no result.
    private func call(_ function: JavaScriptFunction, _ arguments: String...) throws -> String? {
        var bytes: [UInt8] = []
        let texts = arguments.map { Array($0.utf8) + [0] }
        func next(_ index: Int, _ pointers: [UnsafeRawBufferPointer]) throws -> Bool {
            guard index < texts.count else { return try function.call(pointers, into: &bytes) }
            return try texts[index].withUnsafeBytes {
                try next(index + 1, pointers + [UnsafeRawBufferPointer(rebasing: $0.dropLast())])
            }
        }
        return try next(0, []) ? String(decoding: bytes, as: UTF8.self) : nil
    }

    @Test func textsGoInAndComeOutAsTheyAre() throws {
        let both = try function("return a + b;")
        #expect(try call(both, "grün ", "🌱") == "grün 🌱")
        #expect(try call(both, "a\0b", "\n") == "a\0b\n")
        #expect(try call(both, "", "") == "")
    }

    @Test func nothingIsReturnedWhereNothingIs() throws {
        #expect(try call(try function("")) == nil)
        #expect(try call(try function("return null;")) == nil)
    }

    @Test func anErrorSaysWhatAndWhere() throws {
        let failing = try function("\nreturn nothing.here;")
        #expect(throws: JavaScriptError.thrown("ReferenceError: Can't find variable: nothing at line 2")) {
            _ = try call(failing)
        }
        #expect(throws: JavaScriptError.thrown("no")) { _ = try call(try function("throw 'no';")) }
    }

    @Test func whatIsNoProgramIsRefused() {
        #expect(throws: JavaScriptError.syntax("SyntaxError: Unexpected token ';' at line 1")) {
            _ = try function("return (;")
        }
        #expect(throws: JavaScriptError.noFunction("g")) {
            _ = try JavaScriptFunction("g", program: "var g = 5;", in: group)
        }
    }

    @Test func aScriptThatDoesNotEndIsEnded() throws {
        group.setTimeLimit(seconds: 0.05)
        #expect(throws: JavaScriptError.timeLimit) { _ = try call(try function("for(;;){}")) }
        #expect(try call(try function("return 'still here';")) == "still here")
        #expect(throws: JavaScriptError.timeLimit) {
            _ = try JavaScriptFunction("f", program: "for(;;){}", in: group)
        }
    }

    @Test func endlessRecursionIsAnErrorOfTheScript() throws {
        #expect(throws: (any Error).self) { _ = try call(try function("return f(a, b);")) }
        #expect(try call(try function("return 'still here';")) == "still here")
    }

    @Test func aScriptChangesNothingForAnotherOne() throws {
        let vandal = try function("JSON.stringify = null; Object.prototype.x = 1; escape = 1; return 'done';")
        #expect(try call(vandal) == "done")
        #expect(
            try call(try function("return JSON.stringify([{}.x === undefined, typeof escape]);"))
                == #"[true,"function"]"#)
    }

    @Test func thereIsNothingToWaitWithToShareOrToTalkTo() throws {
        let names = [
            "Atomics", "SharedArrayBuffer", "WebAssembly", "console", "setTimeout", "require", "process", "load",
        ]
        let types = try function("return a.split(' ').map(function (n) { return eval('typeof ' + n); }).join(' ');")
        #expect(try call(types, names.joined(separator: " ")) == names.map { _ in "undefined" }.joined(separator: " "))
    }
}
