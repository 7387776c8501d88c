import Telemetry
import Testing

/// `device-api.md` 1.5.
@Suite struct ValueTypingTests {
    @Test(arguments: [
        ("true", TelemetryValue.boolean(true)), ("false", .boolean(false)),
        ("73", .long(73)), ("-5", .long(-5)), ("0", .long(0)), ("-0", .long(0)),
        ("9223372036854775807", .long(.max)), ("-9223372036854775808", .long(.min)),
        ("42.0", .double(42)), ("1.5", .double(1.5)), ("-0.5", .double(-0.5)), ("-0.0", .double(0)),
        ("0.1234567890123456", .double(0.1234567890123456)),
        ("123456789012345678901234.5", .double(1.2345678901234568e23)),
        ("100000000000000000000.0", .double(1e20)),
        ("1E+1", .long(10)), ("1.0E1", .long(10)), ("42.00e0", .long(42)), ("1e3", .long(1000)), ("0e5", .long(0)),
        ("0E-30", .long(0)), ("0.0e0", .long(0)), ("-1200e-2", .long(-12)), ("9223372036854775807e0", .long(.max)),
        ("-9.223372036854775808E18", .long(.min)), ("1000000000000000000000e-20", .long(10)),
        ("101E-1", .double(10.1)), ("1.5e0", .double(1.5)), ("-2.50e-3", .double(-0.0025)), ("1E-16", .double(1e-16)),
    ])
    func numbersAndBooleans(_ json: String, _ expected: TelemetryValue) throws {
        #expect(try value(json) == expected)
        #expect(try value(json, .withoutCast) == expected)
        #expect(try value(json, .strict) == expected)
    }

    @Test(arguments: [
        ("1E19", "10000000000000000000"), ("99701010061400066001", "99701010061400066001"),
        ("9223372036854775808", "9223372036854775808"), ("-9223372036854775809", "-9223372036854775809"),
        ("-1.5E19", "-15000000000000000000"), ("9.223372036854775808E18", "9223372036854775808"),
        ("0.30000000000000004", "0.30000000000000004"), ("1E-17", "0.00000000000000001"),
        ("-1.50E-20", "-0.0000000000000000000150"), ("12.34567890123456789", "12.34567890123456789"),
        ("0.10000000000000000", "0.10000000000000000"), ("-0.00000000000000000", "0.00000000000000000"),
        ("1e400", "1" + String(repeating: "0", count: 400)), ("1.25e400", "125" + String(repeating: "0", count: 398)),
        (String(repeating: "9", count: 400) + ".5", String(repeating: "9", count: 400) + ".5"),
    ])
    func numbersThatFitNoTypeBecomeTextOrAreRefused(_ json: String, _ digits: String) throws {
        #expect(try value(json) == .string(digits))
        #expect(throws: TelemetryError.numberOutOfRange) { try value(json, .withoutCast) }
    }

    @Test(arguments: ["1e999999999", "1e-999999999", "-1E99999999999999999999999", "1e5000", "0.1e-5000"])
    func absurdExponentsAreRefused(_ json: String) {
        #expect(throws: TelemetryError.numberOutOfRange) { try value(json) }
    }

    @Test(arguments: ["0e999999999", "0.0e-999999999", "-0E1"])
    func zeroIsZeroWhateverItsExponent(_ json: String) throws {
        #expect(try value(json) == .long(0))
    }

    @Test(arguments: [
        ("42", TelemetryValue.long(42)), ("42.0", .double(42)), ("007", .long(7)), (".5", .double(0.5)),
        ("-.5", .double(-0.5)), ("-12", .long(-12)), ("4.5", .double(4.5)), ("00.50", .double(0.5)), ("-0", .long(0)),
        ("0000000000000000000000012", .long(12)), ("12345678901234567890", .string("12345678901234567890")),
        ("00012345678901234567890", .string("12345678901234567890")),
        (".30000000000000004", .string("0.30000000000000004")),
        ("-00.30000000000000004", .string("-0.30000000000000004")),
    ])
    func textThatLooksNumericIsCast(_ text: String, _ expected: TelemetryValue) throws {
        #expect(try value("\"\(text)\"") == expected)
        #expect(try value("\"\(text)\"", .withoutCast) == .string(text))
    }

    @Test(arguments: [
        "1e5", "+1", " 1", "1 ", "1.", "0x1F", "", ".", "-", "-.", "1.2.3", "--1", "1-", "١", "NaN", "x", "1,5", "true",
    ])
    func otherTextStaysText(_ text: String) throws {
        #expect(try value("\"\(text)\"") == .string(text))
        #expect(try value("\"\(text)\"", .withoutCast) == .string(text))
    }

    @Test func escapedDigitsAreDigits() throws {
        #expect(try value(#""\u0034\u0032""#) == .long(42))
    }

    @Test(arguments: [
        (#"{ "x" : [ 1 , 2 ] }"#, #"{"x":[1,2]}"#), ("[]", "[]"), ("{}", "{}"),
        ("[ null , true , false ]", "[null,true,false]"),
        (#"{"a":1E+1,"b":"42","c":{"d":1.50}}"#, #"{"a":1E+1,"b":"42","c":{"d":1.50}}"#),
        (#"{"a":1,"b":2,"a":{"x":3}}"#, #"{"b":2,"a":{"x":3}}"#),
        (#"["\u00e9\n\"\\ \u0000\/"]"#, #"["é\n\"\\ /"]"#),
        (#"[[[[1]]],{"a":{}}]"#, #"[[[[1]]],{"a":{}}]"#),
    ])
    func objectsAndArraysBecomeCompactText(_ json: String, _ expected: String) throws {
        #expect(try value(json) == .json(expected))
    }

    @Test func nullIsDroppedOrRefused() throws {
        #expect(try value("null") == nil)
        #expect(try decode(#"{"a":null,"b":1}"#).points == ["b": .long(1)])
        #expect(throws: TelemetryError.nullValue) { try value("null", .strict) }
        #expect(try value("[null]", .strict) == .json("[null]"))
    }

    @Test func longTextIsRefusedWhenThereIsALimit() throws {
        var options = TelemetryDecodingOptions()
        options.maximumStringLength = 4
        #expect(try value("\"abcd\"", options) == .string("abcd"))
        #expect(try value("\"éééé\"", options) == .string("éééé"))
        #expect(try value("\"𝄞𝄞\"", options) == .string("𝄞𝄞"))
        #expect(throws: TelemetryError.stringTooLong(maximum: 4)) { try value("\"abcde\"", options) }
        #expect(throws: TelemetryError.stringTooLong(maximum: 4)) { try value("\"𝄞𝄞𝄞\"", options) }
        #expect(throws: TelemetryError.stringTooLong(maximum: 4)) { try value("\"12345\"", options) }
        #expect(try value("[\"abcdefgh\"]", options) == .json("[\"abcdefgh\"]"))
        #expect(try value("12345", options) == .long(12345))
    }

    @Test func nullCharactersAreLeftOut() throws {
        #expect(
            try decode(#"{"a\u0000b":"x\u0000y","c":["\u0000z"]}"#).points
                == ["ab": .string("xy"), "c": .json("[\"z\"]")])
    }

    @Test func lastDuplicateWins() throws {
        #expect(
            try decode(#"{"a":1,"b":2,"a":"x"}"#).records[0].points
                == [.init(key: "b", value: .long(2)), .init(key: "a", value: .string("x"))])
        #expect(try decode(#"{"a":1,"a":null}"#).records[0].points.isEmpty)
        #expect(try decode(#"{"a":null,"a":1}"#, .strict).points == ["a": .long(1)])
        #expect(try decode(#"{"a":1,"a\u0000":2}"#).points == ["a": .long(2)])
    }

    @Test(arguments: ["", " ", "\\t\\n", "\\u0000"])
    func blankKeysAreRefused(_ key: String) {
        #expect(throws: TelemetryError.blankKey) { try decode("{\"\(key)\":1}") }
        #expect(throws: TelemetryError.blankKey) { try decode("{\"\(key)\":null}") }
    }

    @Test func keysHave255Characters() throws {
        for character in ["a", "é", "✓"] {
            let key = String(repeating: character, count: 255)
            #expect(try decode("{\"\(key)\":1}").points == [key: .long(1)])
            #expect(throws: TelemetryError.keyTooLong) { try decode("{\"\(key)a\":1}") }
        }
        let surrogates = String(repeating: "𝄞", count: 127)
        #expect(try decode("{\"\(surrogates)a\":1}").points == [surrogates + "a": .long(1)])
        #expect(throws: TelemetryError.keyTooLong) { try decode("{\"\(surrogates)𝄞\":1}") }
    }
}
