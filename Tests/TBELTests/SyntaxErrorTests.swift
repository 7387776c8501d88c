import TBEL
import Testing

/// What is no script is refused with its place.
struct SyntaxErrorTests {
    private func error(_ script: String) -> TBELError? {
        do {
            _ = try TBELScript(script, arguments: ["msg"])
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        ("1 +", "expected a value; but found: end of script"), ("(1", "unbalanced braces ( ... )"),
        ("{", "unbalanced braces { ... }"),
        ("[1, 2", "unbalanced braces [ ... ]"), ("\"abc", "unterminated string literal"),
        ("1 2", "expected ';'; but found: '2'"),
        ("a b c", "expected ';'; but found: 'b'"), ("+1", "illegal use of operator: +"),
        ("'\\x'", "illegal escape sequence: x"), ("5x", "invalid number literal: 5x"),
        ("return msg.property !== undefined;", "Invalid operator: !== (TBEL has !=)"),
        ("let x = 1; x", "TBEL has no 'let': use 'var'"), ("const x = 1", "TBEL has no 'const': use 'var'"),
        ("for (var i = 0; i < 5; i++) { if (i == 2) continue; }", "TBEL has no 'continue'"),
        ("try { 1 } catch(e) { 2 }", "TBEL has no 'try'"), ("var f = x => x; 1", "TBEL has no arrow functions"),
        ("typeof msg.i", "TBEL has no 'typeof': compare with null"), ("var s = `a`", "TBEL has no template strings"),
        ("break;", "break outside of a loop or switch"), ("else 1", "else without if"),
        ("5 = 6", "cannot be assigned to"), ("5++", "expected ';'; but found: '++'"),
        ("var if = 1", "reserved word where the name of a variable is expected: if"),
        ("if (true { 1 }", "expected ')' after the condition; but found: '{'"),
        ("function f( { }", "expected the name of a parameter; but found: '{'"),
        ("function f(a, a) { }", "parameter declared twice: a"),
        ("switch (1) { return 1; }", "expected 'case' or 'default'; but found: 'return'"),
        ("foreach (x in [1]) { }", "expected 'name : list' after 'foreach ('; but found: 'x'"),
        ("1 instanceof Nope", "could not resolve class: Nope"), ("/* open", "unterminated comment"),
        ("{a: 1, 2}", "expected 'key: value'; but found: '}'"),
        ("@", "illegal character: @"), ("msg.", "expected a name after '.'; but found: end of script"),
        ("do { 1 }", "expected 'while' or 'until' after 'do'; but found: end of script"),
        ("0x", "invalid number literal: 0x"),
        ("99999999999999999999L", "invalid number literal: 99999999999999999999L"),
    ])
    func errorsSayWhat(_ script: String, _ text: String) {
        #expect(error(script)?.text == text)
        #expect(error(script)?.kind == .syntax)
    }

    @Test func errorsSayWhere() throws {
        let found = try #require(error("var a = 1;\nvar b = é + ;\n"))
        #expect(
            found.message == """
                [Error: expected a value; but found: ';']
                [Near : {... var b = é + ; ....}]
                                         ^
                [Line: 2, Column: 13]
                """)
    }

    @Test func errorsOfARunSayWhere() throws {
        let script = try TBELScript("var a = null;\n\nreturn a.b;", arguments: [])
        #expect(throws: TBELError.self) { try script.run([]) }
        do {
            _ = try script.run([])
        } catch {
            #expect(error.kind == .runtime)
            #expect(error.message.hasPrefix("[Error: null pointer: a.b]\n[Near : {... return a.b; ....}]\n"))
            #expect(error.message.hasSuffix("[Line: 3, Column: 10]"))
        }
    }
}
