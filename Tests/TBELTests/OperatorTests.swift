import Testing

/// `rule-engine.md` 6.4: operators, numbers, equality, null.
struct OperatorTests {
    @Test(arguments: [
        Row("4/2", "2.0"), Row("return 4/2;", "2.0"), Row("4/3", "1.3333333333333333"), Row("7 % 3", "1"),
        Row("7.5 % 2", "1.5"), Row("-7 % 3", "-1"), Row("var a = 7; var b = 2; a / b", "3.5"), Row("msg.i / 2", "0.5"),
        Row("3000000000 / 2", "1.5E9"), Row("7L / 2", "3.5"), Row("5 / 0", "\"Infinity\""),
        Row("0.0 / 0", "\"NaN\""), Row("5 / 0.0", "\"Infinity\""), Row("5 % 0", "! arithmetic error: / by zero"),
        Row("2147483647 + 1", "2147483648"), Row("2147483647 * 2", "4294967294"), Row("-2147483648 - 1", "-2147483649"),
        Row("var a = 2147483647; a++; a", "2147483648"), Row("var a = 2147483647; a += 1; a", "2147483648"),
        Row("var a = 100000; a * a", "10000000000"), Row("9223372036854775807 + 1", "9223372036854775807"),
        Row("3000000000 + 1", "3000000001"), Row("3000000000 * 3000000000", "9000000000000000000"),
        Row("3000000000 - 2999999999", "1"), Row("1.0 + 1", "2.0"), Row("0.1 + 0.2", "0.30000000000000004"),
        Row("1.5f + 1", "2.5"), Row("1.5f * 2.0", "3.0"), Row("2 ** 3", "8"), Row("2 ** 0.5", "1.4142135623730951"),
        Row("2 ** -1", "0"), Row("2 ** 31", "2.147483648E9"), Row("2.0 ** 3", "8.0"), Row("2 ** 3 ** 2", "64"),
        Row("-2 ** 2", "4"), Row("10 - 2 - 3", "5"), Row("1 + 2 * 3", "7"), Row("100 / 10 * 2", "20.0"),
        Row("(msg.i + 4) / 2", "2.5"), Row("5 - -2", "7"), Row("5 * -1", "-5"), Row("- 1 + 2", "1"),
    ])
    func numbersKeepTheirKinds(_ row: Row) { #expect(run(row.script) == row.result) }

    @Test(arguments: [
        Row("\"a\" + 1", "\"a1\""), Row("1 + \"a\"", "\"1a\""), Row("1 + 2 + \"a\"", "\"3a\""),
        Row("\"a\" + 1 + 2", "\"a12\""),
        Row("\"a\" + null", "\"anull\""), Row("null + 1", "\"null1\""), Row("null + null", "\"nullnull\""),
        Row("true + 1", "\"true1\""), Row("\"5\" + \"2\"", "\"52\""), Row("\"x\" + msg.nope", "\"xnull\""),
        Row("\"\" + 1.0", "\"1.0\""), Row("\"\" + 1e10", "\"1.0E10\""), Row("\"\" + 1.5f", "\"1.5\""),
        Row("\"\" + 1e-5", "\"1.0E-5\""), Row("\"\" + [1, \"a\", null]", "\"[1, a, null]\""),
        Row("\"\" + {a: 1, b: \"x\"}", "\"{a=1, b=x}\""), Row("\"a\" # \"b\"", "\"ab\""), Row("1 # 2", "\"12\""),
        Row("[1] + 2", "[1,2]"), Row("[1] + [2, 3]", "[1,2,3]"), Row("{} + 1", "\"{}1\""),
        Row("var a = \"x\"; a += 1; a", "\"x1\""), Row("'it\\'s'", "\"it's\""),
    ])
    func plusMakesTextOfWhatIsNoNumber(_ row: Row) { #expect(run(row.script) == row.result) }

    @Test(arguments: [
        Row("\"a\" * 2", "null"), Row("true * 2", "null"), Row("null * 2", "null"), Row("msg.nope - 1", "null"),
        Row("\"5\" * 2", "10"), Row("\"5\" - 2", "3"), Row("\"5\" - \"2\"", "3.0"), Row("\"7\" % 4", "3"),
        Row("\"7\" / \"2\"", "3.5"), Row("msg.n * 1.5", "18.0"), Row("\"x\" - 2", "null"), Row("[1] * 2", "null"),
    ])
    func arithmeticOnWhatIsNoNumberIsNull(_ row: Row) { #expect(run(row.script) == row.result) }

    @Test(arguments: [
        Row("\"123\" == 123", "true"), Row("123 == \"123\"", "true"), Row("\"123\" == 123.0", "true"),
        Row("\"abc\" == 123", "false"), Row("1 == 1.0", "true"), Row("1 === 1.0", "true"), Row("1 === \"1\"", "true"),
        Row("1 == \"1.0\"", "true"), Row("\"1\" == \"1.0\"", "false"), Row("1 == true", "true"),
        Row("\"true\" == true", "true"), Row("null == null", "true"), Row("null == 0", "false"),
        Row("null == \"\"", "false"),
        Row("null == false", "false"), Row("\"\" == 0", "false"), Row("null != null", "false"),
        Row("1 != null", "true"),
        Row("msg.nope == null", "true"), Row("\"ab\" == \"AB\"", "false"), Row("[1,2] == [1,2]", "true"),
        Row("[1] == [1.0]", "false"), Row("{a:1} == {a:1}", "true"), Row("'a' == \"abc\".charAt(0)", "true"),
        Row("\"\\u00e9\" == \"e\\u0301\"", "false"),
    ])
    func equalityConverts(_ row: Row) { #expect(run(row.script) == row.result) }

    @Test(arguments: [
        Row("\"a\" < \"b\"", "true"), Row("\"10\" < 9", "false"), Row("\"10\" > 9", "true"),
        Row("\"10\" < \"9\"", "true"),
        Row("null < 1", "false"), Row("null > 1", "false"), Row("1 < null", "false"), Row("null <= null", "false"),
        Row("1 < 2 == true", "true"), Row("2.5 > 2", "true"), Row("3000000000 > 1", "true"),
        Row("true > false", "true"),
        Row("msg.nope > 5 || true", "true"), Row("1 > \"a\"", "! Integer cannot be compared with String"),
        Row("[1] < 2", "! ExecutionArrayList cannot be compared with Integer"),
    ])
    func comparisonsWithNullAreFalse(_ row: Row) { #expect(run(row.script) == row.result) }

    @Test(arguments: [
        Row("5 & 3", "1"), Row("5 | 3", "7"), Row("5 ^ 3", "6"), Row("1 << 3", "8"), Row("-8 >> 1", "-4"),
        Row("-8 >>> 1", "2147483644"), Row("~5", "-6"), Row("~5 & 0xFF", "250"), Row("1 << 40", "256"),
        Row("1 << 31", "-2147483648"), Row("3000000000 >> 1", "1500000000"), Row("1L << 40", "1099511627776"),
        Row("var a = 1; a << 2 + 1", "8"), Row("(6 & 0xFF) << 8 | 3", "1539"), Row("6 ^ 3 | 5", "5"),
        Row("5.5 & 1", "! could not perform numeric operation on non-numeric type: Double"),
        Row("var a = 6; a &= 3; a |= 8; a ^= 1; a <<= 2; a >>= 1; a >>>= 1; a", "11"),
    ])
    func bitsOfIntegers(_ row: Row) { #expect(run(row.script) == row.result) }

    @Test(arguments: [
        Row("!true", "false"), Row("!(1 == 1)", "false"), Row("!true == false", "true"),
        Row("true && false || true", "true"),
        Row("msg.i > 0 and msg.d > 0", "true"), Row("false && nothing.here", "false"),
        Row("true || nothing.here", "true"),
        Row("null or 5", "5"), Row("\"\" or \"x\"", "\"x\""), Row("0 or 5", "0"), Row("msg.z or msg.i", "1"),
        Row("true ? 1 : 2", "1"), Row("true ? 1 : false ? 2 : 3", "1"), Row("false ? 1 : false ? 2 : 3", "3"),
        Row("msg.i ? 1 : 2", "! expected Boolean; but found: Integer"),
        Row("!1", "! expected Boolean; but found: Integer"),
        Row("msg.nope && true", "! expected Boolean; but found: null"),
        Row("if (\"a\") { 1 }", "! expected Boolean; but found: String"),
    ])
    func conditionsAreBooleans(_ row: Row) { #expect(run(row.script) == row.result) }

    @Test(arguments: [
        Row("\"abc\" ~= \"[a-c]+\"", "true"), Row("\"abcd\" ~= \"[a-c]+\"", "false"),
        Row("\"abc\" contains \"b\"", "true"),
        Row("[1,2] contains 2", "true"), Row("[1,2] contains \"2\"", "false"), Row("{a:1} contains \"a\"", "true"),
        Row("1 instanceof Integer", "true"), Row("\"a\" is String", "true"), Row("\"a\" instanceof Integer", "false"),
        Row("msg instanceof java.util.Map", "true"), Row("5 instanceof Number", "true"),
        Row("null instanceof String", "false"),
        Row("isdef nope", "false"), Row("isdef msg", "true"), Row("var q = 1; isdef q", "true"),
        Row("\"foo\" soundslike \"fu\"", "true"), Row("\"abc\" soundslike \"xyz\"", "false"),
        Row("\"abc\" strsim \"abd\"", "0.6666667"), Row("\"kitten\" strsim \"sitting\"", "0.5714286"),
        Row("\"\" == empty", "true"), Row("[] == empty", "true"), Row("null == empty", "true"),
        Row("0 == empty", "true"),
        Row("1 == empty", "false"), Row("{a:1} == empty", "false"), Row("\" \" == empty", "true"),
    ])
    func wordsThatAreOperators(_ row: Row) { #expect(run(row.script) == row.result) }

    @Test(arguments: [
        Row("var a = 5; a++", "5"), Row("var a = 5; ++a", "6"), Row("var a = 5; var b = a++; b", "5"),
        Row("var a = 5; a--; a", "4"), Row("var a = 1.5; a++; a", "2.5"), Row("var a = 5; a /= 2; a", "2.5"),
        Row("var a = 5; a %= 3; a", "2"), Row("var a = 5; a -= 1.5; a", "3.5"), Row("var a = 5; a *= 2; a", "10"),
        Row("var m = {a: 1}; m.a += 2; m", "{\"a\":3}"), Row("var m = {a: 1}; m.a++; m", "{\"a\":2}"),
        Row("var l = [1]; l[0] += 5; l", "[6]"), Row("msg.i = msg.i + 1; msg.i", "2"), Row("var a = b = 3; a + b", "6"),
        Row("-msg.s", "! illegal use of '-': cannot be applied to: String"),
    ])
    func assignments(_ row: Row) { #expect(run(row.script) == row.result) }

    @Test(arguments: [
        Row("(int) 5.7", "5"), Row("(int) \"5\"", "5"), Row("(String) 5", "\"5\""), Row("(double) 5", "5.0"),
        Row("(long) 5.9", "5"), Row("(float) 1.1", "1.1"), Row("(byte) 200", "-56"), Row("(short) 70000", "4464"),
        Row("(boolean) \"true\"", "true"), Row("(char) 65", "\"A\""), Row("(int) 1e20", "2147483647"),
        Row("(int) 'a'", "! For input string: \"a\""), Row("(int) null", "null"), Row("var c = 7; (int) c / 2", "3.5"),
    ])
    func casts(_ row: Row) { #expect(run(row.script) == row.result) }
}
