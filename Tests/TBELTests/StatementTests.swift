import Testing

/// `rule-engine.md` 6.4: statements, literals, access.
struct StatementTests {
    @Test(arguments: [
        Row("if (msg.i > 0) return 1; else return 2;", "1"), Row("if (msg.i > 1) { 1 } else { 2 }", "2"),
        Row("if (msg.i == 1) { \"one\" } else if (msg.i == 2) { \"two\" } else { \"many\" }", "\"one\""),
        Row("if (false) { 1 }", "null"), Row("if (msg.i == 1) { return \"y\" } return \"n\"", "\"y\""),
        Row("var x; if (x == null) { x = 3 } x", "3"), Row("if (true); 5", "5"),
        Row("var s = 0; for (var i = 0; i < 5; i++) { s += i; } return s;", "10"),
        Row("var s = 0; for (int i = 0; i < 5; i++) s += i; return s;", "10"),
        Row("var i; for (i = 0; i < 3; i++) { } i", "3"), Row("for (;;) { break; } 1", "1"),
        Row("var s = 0; for (var i = 0, j = 1; i < 3; i++, j++) { s += j; } s", "6"),
        Row("var s = \"\"; foreach (c : \"abc\") { s += c + \"-\"; } s", "\"a-b-c-\""),
        Row("var s = \"\"; foreach (e : {a: 1, b: 2}) { s += e.key + e.value; } s", "\"a1b2\""),
        Row("var s = \"\"; foreach (e : msg.m.entrySet()) { s += e.getKey() + e.getValue(); } s", "\"k1\""),
        Row("var s = \"\"; for (e : [1, 2]) { s += e; } s", "\"12\""),
        Row("var s = 0; for (var e : toSet([1, 1])) s += e; s", "1"),
        Row("var i = 0; while (i < 3) { i++; } i", "3"),
        Row("var i = 0; while (true) { i++; if (i > 4) break; } i", "5"),
        Row("var i = 0; until (i == 3) { i++; } i", "3"), Row("var i = 0; do { i++; } while (i < 3); i", "3"),
        Row("var i = 0; do { i++; } until (i == 3); i", "3"), Row("while (false); 3", "3"),
        Row("foreach (x : [1,2,3]) { if (x == 2) { return x; } }", "2"),
        Row("foreach (x : 5) { }", "! non-iterable type: Integer"),
        Row("var l = [1, 2]; foreach (x : l) { l.add(x); } l", "[1,2,1,2]"),
    ])
    func branchesAndLoops(_ row: Row) { #expect(run(row.script) == row.result) }

    @Test(arguments: [
        Row("switch (msg.i) { case 1: return \"one\"; case 2: return \"two\"; default: return \"d\"; }", "\"one\""),
        Row("switch (5) { case 1: return \"one\"; default: return \"d\"; }", "\"d\""),
        Row(
            "var r = \"\"; switch (\"b\") { case \"a\": r += \"a\"; case \"b\": r += \"b\"; case \"c\": r += \"c\"; break; default: r += \"d\"; } r",
            "\"bc\""),
        Row("switch (msg.i) { case 1: case 2: return \"x\"; default: return \"y\"; }", "\"x\""),
        Row("var r = 0; switch (msg.i) { case 1: { r = 1; break; } default: { r = 2; break; } } r", "1"),
        Row("switch (msg.i) { case 5: return 5; }", "null"),
        Row("var r = 0; for (var i = 0; i < 3; i++) { switch (i) { case 1: break; default: r += i; } } r", "2"),
    ])
    func switches(_ row: Row) { #expect(run(row.script) == row.result) }

    @Test(arguments: [
        Row("function f(a) { return a + 1; } f(2)", "3"), Row("def f(a) { a + 1 } f(2)", "3"),
        Row("function f(a) { if (a <= 1) return 1; return a * f(a - 1); } f(10)", "3628800"),
        Row("function f(a) { if (a <= 1) { return 1; } return a * f(a - 1); } f(20)", "2432902008176640000"),
        Row("function f() { return g() + 1; } function g() { return 1; } f()", "2"),
        Row("var x = 1; function f() { x = 2; } f(); x", "2"), Row("function f() { return y; } var y = 3; f()", "3"),
        Row("function f() { return msg.i; } f()", "1"), Row("function f(x) { x = 5; } var a = 1; f(a); a", "1"),
        Row("function f(m) { m.q = 5; } f(msg); msg.q", "5"),
        Row("function f(n) { if (n == 0) return 0; var r = n; f(n - 1); return r; } f(3)", "3"),
        Row("function f(x) { function g(y) { return y * x; } return g(2); } f(3)", "6"),
        Row("function f(a) { for (var i = 0; i < 3; i++) { if (i == 1) return i; } return 9; } f(1)", "1"),
        Row("function f() { var z = 1; } f(); z", "! unresolvable property or identifier: z"),
        Row("function f(a, b) { return b; } f(1)", "! unresolvable property or identifier: b"),
        Row("function f(a) { return a; } f(1, 2)", "! bad number of arguments in function call: 2 for 1 in f"),
        Row("function f(int a) { return a; } f(1)", "1"), Row("f(1); function f(a) { return a; };", "1"),
        Row("nope(1)", "! null pointer or function not found: nope"),
        Row("function toInt(x) { return 7; } toInt(1)", "7"),
        Row(
            "function nextRelation(metadata, msg) { return ['one', 'nine']; } if (msgType == 'T') { return ['two']; } return nextRelation(metadata, msg);",
            "[\"two\"]"),
    ])
    func functions(_ row: Row) { #expect(run(row.script) == row.result) }

    @Test(arguments: [
        Row("if (true) { var q = 5; } q", "! unresolvable property or identifier: q"),
        Row("for (var i = 0; i < 2; i++) { } i", "! unresolvable property or identifier: i"), Row("var a", "null"),
        Row("var a; a", "null"), Row("var a, b = 2; b", "2"), Row("var a = 1; var a = 2; a", "2"), Row("a = 5; a", "5"),
        Row("int n = 2; n", "2"), Row("String s = \"a\"; s", "\"a\""), Row("Map m = {a: 1}; m.a", "1"),
        Row("foo", "! unresolvable property or identifier: foo"),
        Row("msg.i === undefined", "! unresolvable property or identifier: undefined"),
        Row("if (false) { undefinedHere } 1", "1"), Row("", "null"), Row("return", "null"), Row(";", "null"),
        Row("1;;2", "2"),
        Row("// comment\n1", "1"), Row("/* c */ 1 // d", "1"), Row("var x = 5; if (x > 3) { x }", "5"),
    ])
    func variables(_ row: Row) { #expect(run(row.script) == row.result) }

    @Test(arguments: [
        Row("0x1F", "31"), Row("0xFFFFFFFF", "4294967295"), Row("1e3", "1000.0"), Row("1.5e-2", "0.015"),
        Row("5L", "5"),
        Row("1.5f", "1.5"), Row("2d", "2.0"), Row("010", "8"), Row("'\\u0041\\n\\t'", "\"A\\n\\t\""),
        Row("\"\\101\"", "\"A\""),
        Row("\"\\ud83d\\ude00\"", "\"😀\""), Row("nil", "null"), Row("[]", "[]"), Row("{}", "{}"), Row("[:]", "{}"),
        Row("[\"a\": 1]", "{\"a\":1}"), Row("{1, 2, 3}", "[1,2,3]"),
        Row("{\"a\": 1, b: [1, {c: 2}]}", "{\"a\":1,\"b\":[1,{\"c\":2}]}"),
        Row("{\"x y\": 1, 'z': 2, 3: 4}", "{\"x y\":1,\"z\":2,\"3\":4}"), Row("[1, 2,]", "[1,2]"),
        Row("new int[3]", "[0,0,0]"), Row("var a = new int[3]; a[0] = 5; a.length", "3"),
        Row("int[] a = {1, 2}; a", "[1,2]"),
        Row("new byte[] {1, 200}", "[1,-56]"), Row("new double[1]", "[0.0]"), Row("new boolean[1]", "[false]"),
        Row("new String(\"a\")", "\"a\""), Row("new java.util.ArrayList()", "[]"), Row("new java.util.HashMap()", "{}"),
        Row("99999999999999999999", "1.0E20"), Row("return {msg: msg.i, k: msgType};", "{\"msg\":1,\"k\":\"T\"}"),
    ])
    func literals(_ row: Row) { #expect(run(row.script) == row.result) }

    @Test(arguments: [
        Row("msg.z", "null"), Row("msg.nope", "null"), Row("msg.nope.a", "! null pointer: msg.nope.a"),
        Row("msg.?nope.a", "null"),
        Row("msg.?nope.a.b", "null"), Row("msg.?m.k", "1"), Row("msg[\"s\"]", "\"abc\""), Row("msg['l'][0]", "3"),
        Row("msg.l[5]", "! msg.l[5]: array index out of bounds."),
        Row("msg.l[-1]", "! msg.l[-1]: array index out of bounds."),
        Row("msg.l.size", "3"), Row("msg.l.length", "3"), Row("msg.s.length", "3"), Row("msg.s[1]", "\"b\""),
        Row("\"abc\"[5]", "! \"abc\"[5]: array index out of bounds."), Row("msg.l[msg.i]", "1"), Row("{a: 1}.a", "1"),
        Row("[1,2,3].size()", "3"),
        Row("var m = {}; m.a = {}; m.a.b = 1; m", "{\"a\":{\"b\":1}}"),
        Row("var m = {a: {}}; m[\"a\"][\"b\"] = 2; m", "{\"a\":{\"b\":2}}"),
        Row("var m = {}; var k = \"q\"; m[k] = 1; m", "{\"q\":1}"), Row("var m = {a: 1}; m.a = null; m", "{}"),
        Row("msg.x.y = 5", "! could not access property: y; parent is null: msg.x"),
        Row("var a = [1,2]; a[2] = 5", "! Index 2 out of bounds for length 2"),
        Row("msg.s.foo", "! could not access: foo; in class: String"),
        Row("msg.foo()", "! unable to resolve method: ExecutionHashMap.foo() [arglength=0]"),
        Row("msg.getClass()", "! unable to resolve method: ExecutionHashMap.getClass() [arglength=0]"),
        Row("\"a\".foo(1, \"b\")", "! unable to resolve method: String.foo(Integer, String) [arglength=2]"),
        Row("System.exit(0)", "! unresolvable property or identifier: System"),
        Row("Runtime.getRuntime()", "! unresolvable property or identifier: Runtime"),
        Row("java.util.prefs.Preferences.userRoot()", "! unresolvable property or identifier: java"),
        Row(
            "new java.util.logging.SocketHandler(\"127.0.0.1\", 9999)",
            "! could not resolve class: java.util.logging.SocketHandler"),
        Row("new ArrayList()", "! could not resolve class: ArrayList"),
        Row("msg.nope.size()", "! null pointer: msg.nope.size()"),
        Row("msg.nope[1]", "! null pointer: msg.nope[1]"),
        Row("msg.l[\"0\"]", "! msg.l[\"0\"]: an index must be an integer; but found: String"),
    ])
    func access(_ row: Row) { #expect(run(row.script) == row.result) }
}
