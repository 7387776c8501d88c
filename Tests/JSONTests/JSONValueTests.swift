import JSON
import Testing

@Suite struct JSONValueTests {
    @Test func readsEveryKindOfValue() throws {
        let value = try JSONValue.parse(#"{"n":null,"b":true,"i":-7,"d":2.5,"s":"x","a":[1,[]],"o":{"k":"v"}}"#)
        #expect(
            value == [
                "n": nil, "b": true, "i": -7, "d": 2.5, "s": "x", "a": [1, []], "o": ["k": "v"],
            ])
        #expect(value["o"]?["k"]?.stringValue == "v")
        #expect(value["a"]?[0]?.integerValue == 1)
        #expect(value["a"]?[2] == nil)
        #expect(value["missing"] == nil)
        #expect(value["n"] == .null)
        #expect(value["n"]?.isNull == true)
        #expect(value["b"]?.boolValue == true)
        #expect(value["d"]?.doubleValue == 2.5)
        #expect(value["i"]?.doubleValue == -7)
        #expect(value["d"]?.integerValue == nil)
    }

    @Test(arguments: [
        ("1.0", JSONValue.double(1)), ("1e2", .double(100)), ("9223372036854775808", .number("9223372036854775808")),
        ("1e400", .number("1e400")), ("-1E400", .number("-1E400")), ("1e-400", .double(0)),
        ("3.14159265358979323846", .number("3.14159265358979323846")),
        ("0.1234567890123456", .double(0.1234567890123456)),
        ("0.00000000000000000001", .double(1e-20)), ("2.50", .double(2.5)),
        ("1.7976931348623157e308", .double(1.7976931348623157e308)),
        ("5e-324", .double(.leastNonzeroMagnitude)), ("0.1", .double(0.1)),
    ])
    func keepsNumbersAsTheyAre(_ text: String, _ expected: JSONValue) throws {
        #expect(try JSONValue.parse(text) == expected)
    }

    @Test func wholeDoublesAreIntegersToo() throws {
        #expect(try JSONValue.parse("[4.0]")[0]?.integerValue == 4)
    }

    @Test(arguments: [
        #"{"n":null,"b":true,"i":-7,"d":2.5,"s":"x","a":[1,[],{}],"o":{"k":"v"}}"#,
        #"[0,-1,9223372036854775807,-9223372036854775808,12345678901234567890]"#,
        #"[0.0,-0.0,42.0,0.001,123456.789,1.0E7,1.234E-4,1.7976931348623157E308,4.9E-324]"#,
        #""\"\\\b\f\n\r\t\u0000\u001f/é€𝄞""#, #""""#, "{}", "[]", "null",
    ])
    func writesCompactTextThatReadsBack(_ text: String) throws {
        let expected = text.replacing("4.9E-324", with: "5.0E-324")
        #expect(try JSONValue.parse(text).serializedString == expected)
    }

    @Test func lastDuplicateWins() throws {
        let value = try JSONValue.parse(#"{"a":1,"b":2,"a":{"x":[3]}}"#)
        #expect(value.serializedString == #"{"b":2,"a":{"x":[3]}}"#)
    }

    @Test func setsMembersInPlace() {
        var value: JSONValue = ["a": ["b": 1]]
        value["a"]?["c"] = "x"
        value["d"] = [true]
        value["a"]?["b"] = nil
        #expect(value.serializedString == #"{"a":{"c":"x"},"d":[true]}"#)
    }

    @Test func removesNullCharactersWhenAsked() throws {
        #expect(try JSONValue.parse(#"{"a\u0000":"x\u0000y"}"#, removingNullCharacters: true) == ["a": "xy"])
        #expect(try JSONValue.parse(#""\u0000""#) == "\0")
    }

    @Test func refusesWhatIsNoDocument() {
        #expect(throws: JSONError(.unexpectedCharacter, offset: 3)) { try JSONValue.parse("[1,]") }
        #expect(throws: JSONError(.tooDeep, offset: 2)) { try JSONValue.parse("[[[]]]", maximumDepth: 2) }
    }
}

@Suite struct JSONObjectTests {
    @Test(arguments: [3, 12, 13, 40])
    func behavesAsAnOrderedDictionary(_ count: Int) {
        var object = JSONObject()
        for index in 0..<count { object["k\(index)"] = .integer(Int64(index)) }
        object["k1"] = "changed"
        #expect(object.count == count)
        #expect(object.keys == (0..<count).map { "k\($0)" })
        #expect(object["k1"] == "changed")
        #expect(object.removeValue(forKey: "k0") == 0)
        #expect(object.removeValue(forKey: "k0") == nil)
        #expect(object.count == count - 1)
        #expect(object["k\(count - 1)"] == .integer(Int64(count - 1)))
        #expect(object.first?.key == "k1")
        object["k0"] = nil
        object["k0"] = .null
        #expect(object.contains(key: "k0"))
        #expect(object.keys.last == "k0")
        #expect(!object.contains(key: "nope"))
    }

    @Test func orderDoesNotMatterForEquality() {
        #expect((["a": 1, "b": 2] as JSONObject) == ["b": 2, "a": 1])
        #expect((["a": 1, "b": 2] as JSONObject) != ["a": 1])
        #expect((["a": 1] as JSONObject) != ["a": nil])
    }

    @Test func mergeTakesTheOthersValues() {
        var object: JSONObject = ["a": 1, "b": 2]
        object.merge(["b": 3, "c": 4])
        #expect(JSONValue.object(object).serializedString == #"{"a":1,"b":3,"c":4}"#)
    }
}
