import JSON
import Testing

/// What `parse` makes of `text`: its tokens in short, or the reason why it is none.
private func outcome(of text: String, maximumDepth: Int = 64, removingNull: Bool = false) -> String {
    outcome(of: Array(text.utf8), maximumDepth: maximumDepth, removingNull: removingNull)
}

private func outcome(of bytes: [UInt8], maximumDepth: Int = 64, removingNull: Bool = false) -> String {
    let parser = JSONParser(removingNullCharacters: removingNull)
    do {
        return try parser.parse(bytes.span, maximumDepth: maximumDepth) { tape throws(JSONError) in describe(tape) }
    } catch {
        return "\(error.reason)"
    }
}

private func describe(_ tape: borrowing JSONTape) -> String {
    var parts: [String] = []
    for index in 0..<tape.count {
        let token = tape[index]
        switch token.kind {
        case .objectStart: parts.append("{")
        case .objectEnd: parts.append("}")
        case .arrayStart: parts.append("[")
        case .arrayEnd: parts.append("]")
        case .key: parts.append("\(tape.string(of: token))\(token.isShadowed ? "~" : ""):")
        case .string: parts.append("'\(tape.string(of: token))'")
        case .integer: parts.append("i\(token.integer)")
        case .number: parts.append("n\(tape.string(of: token))")
        case .true: parts.append("true")
        case .false: parts.append("false")
        case .null: parts.append("null")
        }
    }
    return parts.joined(separator: " ")
}

@Suite struct JSONParserTests {
    @Test(arguments: [
        ("{}", "{ }"),
        ("[]", "[ ]"),
        (" {\"a\" : 1 , \"b\":[true,false,null]} \r\n\t", "{ a: i1 b: [ true false null ] }"),
        ("[[],{},[{}]]", "[ [ ] { } [ { } ] ]"),
        ("42", "i42"), ("-0", "i0"), ("\"x\"", "'x'"), ("true", "true"), ("null", "null"), (" false ", "false"),
        ("9223372036854775807", "i9223372036854775807"),
        ("-9223372036854775808", "i-9223372036854775808"),
        ("9223372036854775808", "n9223372036854775808"),
        ("-9223372036854775809", "n-9223372036854775809"),
        ("18446744073709551617", "n18446744073709551617"),
        ("[0.5,-1.25e-3,1E+9,1e5,0e0]", "[ n0.5 n-1.25e-3 n1E+9 n1e5 n0e0 ]"),
        ("\"\"", "''"), ("{\"\":0}", "{ : i0 }"),
        ("{\"ключ\":\"värde ✓ 𝄞\"}", "{ ключ: 'värde ✓ 𝄞' }"),
        (#""\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud834\udd1e""#, "'\"\\/\u{8}\u{c}\n\r\tAé€𝄞'"),
        (#"["a\\","\\\"",""]"#, #"[ 'a\' '\"' '' ]"#),
        (#""\u0000a\u0000""#, "'\0a\0'"),
    ])
    func readsTheTokensOf(_ text: String, _ expected: String) {
        #expect(outcome(of: text) == expected)
    }

    @Test(arguments: [
        ("", "empty"), (" \n", "empty"),
        ("{\"a\":1 \"b\":2}", "unexpectedCharacter"), ("[1,]", "unexpectedCharacter"), ("[,1]", "unexpectedCharacter"),
        ("{,}", "unexpectedCharacter"), ("{\"a\":1,}", "unexpectedCharacter"), ("[1 2]", "unexpectedCharacter"),
        ("{\"a\" 1}", "unexpectedCharacter"), ("{\"a\":}", "unexpectedCharacter"), ("{1:2}", "unexpectedCharacter"),
        ("{\"a\"}", "unexpectedCharacter"), ("[1}", "unexpectedCharacter"), ("{\"a\":1]", "unexpectedCharacter"),
        ("[1:2]", "unexpectedCharacter"), ("{\"a\":1:2}", "unexpectedCharacter"), ("{a:1}", "unexpectedCharacter"),
        ("{'a':1}", "unexpectedCharacter"), ("]", "unexpectedCharacter"), (":", "unexpectedCharacter"),
        ("[\"a\"b]", "unexpectedCharacter"), ("[\"a\"\"b\"]", "unexpectedCharacter"), ("/*x*/1", "unexpectedCharacter"),
        ("\u{FEFF}{}", "unexpectedCharacter"), ("[\u{c}1]", "unexpectedCharacter"), ("\0", "unexpectedCharacter"),
        ("[1\u{a0}]", "invalidNumber"), ("[1\0]", "invalidNumber"), ("[1\u{c}]", "invalidNumber"),
        ("{\"a\":01}", "invalidNumber"), ("{\"a\":1.}", "invalidNumber"), ("[-]", "invalidNumber"),
        ("[+1]", "unexpectedCharacter"), ("[.5]", "unexpectedCharacter"), ("[-.5]", "invalidNumber"),
        ("[1e]", "invalidNumber"), ("[1e+]", "invalidNumber"), ("[1.e3]", "invalidNumber"), ("[0x1F]", "invalidNumber"),
        ("[1.2.3]", "invalidNumber"), ("[--1]", "invalidNumber"), ("[-01]", "invalidNumber"), ("[1a]", "invalidNumber"),
        ("[1\"a\"]", "invalidNumber"), ("[1e5.5]", "invalidNumber"), ("[NaN]", "unexpectedCharacter"),
        ("[Infinity]", "unexpectedCharacter"), ("[-Infinity]", "invalidNumber"),
        ("nul", "invalidLiteral"), ("nulll", "invalidLiteral"), ("[tru]", "invalidLiteral"),
        ("[truefalse]", "invalidLiteral"), ("fals", "invalidLiteral"), ("[True]", "unexpectedCharacter"),
        ("[true\"a\"]", "invalidLiteral"), ("null\0", "invalidLiteral"),
        ("[1", "unexpectedEnd"), ("[1,", "unexpectedEnd"), ("{", "unexpectedEnd"), ("{\"a\"", "unexpectedEnd"),
        ("{\"a\":", "unexpectedEnd"), ("{\"a\":1", "unexpectedEnd"), ("{\"a\":1,", "unexpectedEnd"),
        ("\"abc", "unexpectedEnd"), ("\"abc\\\"", "unexpectedEnd"), ("{\"a", "unexpectedEnd"),
        ("{} {}", "trailingContent"), ("1 2", "trailingContent"), ("{}x", "trailingContent"),
        ("[] ,", "trailingContent"),
        ("\"a\" \"b\"", "trailingContent"), ("{}}", "trailingContent"), ("null,", "trailingContent"),
        ("\"a\nb\"", "invalidString"), ("\"a\u{1}\"", "invalidString"), ("{\"a\tb\":1}", "invalidString"),
        (#""\x41""#, "invalidString"), (#""\u12""#, "invalidString"), (#""\u12G4""#, "invalidString"),
        (#""\ud800""#, "invalidString"), (#""\udc00""#, "invalidString"), (#""\ud800\ud800""#, "invalidString"),
        (#""\ud800x""#, "invalidString"), (#""\ud800\n""#, "invalidString"), (#"{"\ud834":1}"#, "invalidString"),
        (#""\U0041""#, "invalidString"), (#""\ud834\u00""#, "invalidString"),
    ])
    func refuses(_ text: String, _ reason: String) {
        #expect(outcome(of: text) == reason)
    }

    @Test(
        arguments: [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
            [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0x22, 0x80, 0x22], [0x5B, 0x31, 0x5D, 0xC3], [0xFE],
            [0x7B, 0x22, 0xC3, 0x22, 0x3A, 0x31, 0x7D],
        ] as [[UInt8]])
    func refusesWhatIsNotUTF8(_ bytes: [UInt8]) {
        #expect(outcome(of: bytes) == "invalidUTF8")
    }

    @Test func refusesMoreNestingThanAllowed() {
        #expect(outcome(of: "[[[1]]]", maximumDepth: 3) == "[ [ [ i1 ] ] ]")
        #expect(outcome(of: "[[[1]]]", maximumDepth: 2) == "tooDeep")
        #expect(outcome(of: "{\"a\":{\"b\":{}}}", maximumDepth: 2) == "tooDeep")
        #expect(outcome(of: "[[],[],[]]", maximumDepth: 2) == "[ [ ] [ ] [ ] ]")
        #expect(outcome(of: "1", maximumDepth: 1) == "i1")
        let deep = String(repeating: "[", count: 100_000)
        #expect(outcome(of: deep, maximumDepth: JSONParser.depthLimit) == "tooDeep")
        let most = String(repeating: "[", count: 1024) + String(repeating: "]", count: 1024)
        #expect(outcome(of: most, maximumDepth: 1024).count == 4095)
    }

    @Test func marksKeysThatFollowAgainInTheSameObject() {
        #expect(
            outcome(of: #"{"a":1,"b":{"a":2,"b":3,"a":4},"a":5,"\u0061":6,"a":[{"a":1}]}"#)
                == "{ a~: i1 b: { a~: i2 b: i3 a: i4 } a~: i5 a~: i6 a: [ { a: i1 } ] }")
        #expect(outcome(of: #"[{"a":1},{"a":1}]"#) == "[ { a: i1 } { a: i1 } ]")
    }

    @Test func findsEveryDuplicateAmongManyKeys() throws {
        let parser = JSONParser()
        for round in 0..<3 {
            let members = (0..<5000).map { "\"key\($0 % 4000)\":\($0)" }.joined(separator: ",")
            let shadowed = try parser.parse(Array("{\(members)}".utf8).span) { tape throws(JSONError) in
                (0..<tape.count).filter { tape[$0].kind == .key && tape[$0].isShadowed }.count
            }
            #expect(shadowed == 1000, "round \(round)")
        }
    }

    @Test func removesNullCharactersWhenAsked() {
        #expect(outcome(of: #"{"a\u0000b":"\u0000c\u0000"}"#, removingNull: true) == "{ ab: 'c' }")
        #expect(outcome(of: #"{"a\u0000":1,"a":2}"#, removingNull: true) == "{ a~: i1 a: i2 }")
        #expect(outcome(of: #"{"a\u0000":1,"a":2}"#) == "{ a\0: i1 a: i2 }")
    }

    @Test func linksContainersToTheirEnds() throws {
        let parser = JSONParser()
        try parser.parse(Array(#"{"a":[1,{"b":2},3],"c":4}"#.utf8).span)
        let found = parser.withTape { tape in
            let behindArray = tape.behindValue(at: 2)
            return [
                tape[0].memberCount, tape.behindValue(at: 0) - tape.count, tape[2].memberCount,
                tape.text(of: tape[behindArray], equals: "c") ? 1 : 0,
                tape.behindValue(at: behindArray + 1) - behindArray, Int(tape[tape.count - 1].link),
            ]
        }
        #expect(found == [2, 0, 3, 1, 2, 0])
    }

    @Test func goesOnAfterAnErrorAndAfterALargeDocument() throws {
        let parser = JSONParser()
        let large = Array(("[" + String(repeating: "\"0123456789abcdef\",", count: 200_000) + "1]").utf8)
        for _ in 0..<2 {
            try parser.parse(large.span)
            #expect(parser.withTape { $0.count } == 200_003)
            #expect(throws: JSONError(.unexpectedEnd, offset: 1)) { try parser.parse(Array("[".utf8).span) }
            try parser.parse(Array("[1]".utf8).span)
            #expect(parser.withTape { $0.count } == 3)
        }
    }

    @Test func saysWhereItStopped() {
        #expect(throws: JSONError(.unexpectedCharacter, offset: 7)) {
            try JSONParser().parse(Array(#"{"a":1 "b":2}"#.utf8).span)
        }
        #expect(throws: JSONError(.invalidNumber, offset: 5)) {
            try JSONParser().parse(Array(#"{"a":01}"#.utf8).span)
        }
    }
}

@Suite struct JSONParserRobustnessTests {
    static let sample =
        #" {"a":[1,-2.5e3,"x\"\\\u00e9\ud834\udd1e",true,false,null,{}],"ключ":{"b":[[],[[0]]]},"#
        + #""big":123456789012345678901} "#

    @Test func everyProperPrefixIsRefused() {
        let bytes = Array(Self.sample.utf8)
        let parser = JSONParser()
        for length in 0..<(bytes.count - 1) {
            #expect(throws: JSONError.self, "prefix of \(length)") { try parser.parse(Array(bytes[..<length]).span) }
        }
        #expect(throws: Never.self) { try parser.parse(bytes.span) }
    }

    @Test(arguments: 1...4)
    func mutationsNeverCrashAndWhatIsAcceptedComesBack(_ seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let parser = JSONParser()
        let alphabet = Array("{}[]:,\"\\0123456789.eE+-tfn u\u{0}\u{c}a".utf8)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = Array(Self.sample.utf8)
            for _ in 0...Int(random.next() % 3) {
                let at = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 4 {
                case 0: bytes[at] = alphabet[Int(random.next() % UInt64(alphabet.count))]
                case 1: bytes[at] = UInt8(truncatingIfNeeded: random.next())
                case 2: bytes.remove(at: at)
                default: bytes.insert(alphabet[Int(random.next() % UInt64(alphabet.count))], at: at)
                }
            }
            guard (try? parser.parse(bytes.span)) != nil else { continue }
            accepted += 1
            let value = parser.withTape { JSONValue($0, at: 0) }
            #expect(try JSONValue.parse(value.serialized()) == value, "seed \(seed): \(bytes)")
        }
        #expect(accepted > 100)
    }

    @Test(arguments: 1...4)
    func randomStructuresNeverCrash(_ seed: UInt64) {
        var random = SplitMix(state: seed &* 77)
        let parser = JSONParser()
        let pieces = [
            "{", "}", "[", "]", ",", ":", "\"a\"", "\"", "1", "-", "1.5", "true", "null", " ", "\\", "\u{e9}",
        ]
        for _ in 0..<20_000 {
            var text = ""
            for _ in 0..<(random.next() % 40) { text += pieces[Int(random.next() % UInt64(pieces.count))] }
            try? parser.parse(Array(text.utf8).span)
        }
    }
}

/// Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (SplitMix64).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
