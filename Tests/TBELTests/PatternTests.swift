import Testing

/// Regular expressions in Java's notation, where scripts use them.
struct PatternTests {
    @Test(arguments: [
        Row("\"abc\".matches(\"a.c\")", "true"), Row("\"a\\nc\".matches(\"a.c\")", "false"),
        Row("\"a\\nc\".matches(\"(?s)a.c\")", "true"), Row("\"ABC\".matches(\"(?i)abc\")", "true"),
        Row("\"abab\".matches(\"(ab)+\")", "true"), Row("\"abab\".matches(\"(ab){3}\")", "false"),
        Row("\"aaa\".matches(\"a{2,}\")", "true"), Row("\"aaa\".matches(\"a{1,2}\")", "false"),
        Row("\"abba\".matches(\"(a)(b)\\\\2\\\\1\")", "true"), Row("\"x1\".matches(\"[a-z]\\\\d\")", "true"),
        Row("\"x1\".matches(\"[^a-z]\\\\d\")", "false"), Row("\"-\".matches(\"[a\\\\-z]\")", "true"),
        Row("\"b\".matches(\"[a-c&&[^b]]\")", "false"), Row("\"foobar\".matches(\"foo(?=bar).*\")", "true"),
        Row("\"foobaz\".matches(\"foo(?!bar).*\")", "true"), Row("\"aab\".matches(\"a++b\")", "true"),
        Row("\"aa\".matches(\"a++a\")", "false"), Row("\"é\".matches(\".\")", "true"),
        Row("\"😀\".matches(\".\")", "true"), Row("\"a b\".matches(\"\\\\w\\\\s\\\\w\")", "true"),
        Row("\"\".matches(\"(a*)*\")", "true"),
        Row("\"aaa\".matches(\"(a*)*b\")", "false"), Row("\"abc\".replaceAll(\"b|c\", \"x\")", "\"axx\""),
        Row("\"abc\".replaceAll(\"\", \"-\")", "\"-a-b-c-\""),
        Row("\"a1b22\".replaceAll(\"\\\\d+\", \"#\")", "\"a#b#\""),
        Row("\"<a><b>\".replaceAll(\"<.*?>\", \"x\")", "\"xx\""),
        Row("\"<a><b>\".replaceAll(\"<.*>\", \"x\")", "\"x\""),
        Row("\"John Smith\".replaceAll(\"(\\\\w+) (\\\\w+)\", \"$2, $1\")", "\"Smith, John\""),
        Row("\"a.b\".replaceAll(\"\\\\.\", \"\\\\$\")", "\"a$b\""),
        Row("\"abc\".replaceAll(\"b\", \"$9\")", "! No group 9"),
        Row("\"a,b;c\".split(\"[,;]\")", "[\"a\",\"b\",\"c\"]"), Row("\",a\".split(\",\")", "[\"\",\"a\"]"),
        Row("\"a1b2\".split(\"(?=\\\\d)\")", "[\"a\",\"1b\",\"2\"]"), Row("\"abc\".split(\"x\")", "[\"abc\"]"),
        Row("\"\".split(\",\")", "[\"\"]"), Row("\",\".split(\",\")", "[]"),
        Row("\"a,b,,\".split(\",\", -1)", "[\"a\",\"b\",\"\",\"\"]"),
        Row("\"one  two\".split(\"\\\\s+\")", "[\"one\",\"two\"]"),
        Row("\"a\\nb\".replaceAll(\"(?m)^\", \">\")", "\">a\\n>b\""),
        Row("\"word words\".replaceAll(\"\\\\bword\\\\b\", \"x\")", "\"x words\""),
        Row("\"a\".matches(\"(\")", "! Unclosed group near index 1 of the pattern"),
        Row("\"a\".matches(\"*\")", "! Dangling meta character '*' near index 0 of the pattern"),
        Row("\"a\".matches(\"[a\")", "! Unclosed character class near index 2 of the pattern"),
        Row("\"a\".matches(\"a{9999999}\")", "! The pattern is too large near index 10 of the pattern"),
        Row("\"a\".matches(\"\\\\q\")", "! Illegal/unsupported escape sequence near index 2 of the pattern"),
    ])
    func patterns(_ row: Row) { #expect(run(row.script) == row.result) }

    @Test func aPatternThatTriesForEverEndsInTime() {
        let script = "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\" ~= \"(a+)+b\""
        #expect(run(script, clock: StillClock(advances: true)) == "! Script timeout!")
    }
}
