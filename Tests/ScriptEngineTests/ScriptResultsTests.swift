import JSON
import ScriptEngine
import Testing

@Suite struct ScriptResultsTests {
    private let javaScript = ScriptResults(.javaScript)
    private let tbel = ScriptResults(.tbel)
    private let input = ScriptMessage(data: #"{"a":1}"#, metadata: ["k": "v"], type: "T")

    @Test func aFilterGivesABooleanAndNothingElse() throws {
        #expect(try javaScript.boolean(true))
        #expect(throws: ScriptError.runtime("Wrong result type: NUMBER")) { try javaScript.boolean(1) }
        #expect(throws: ScriptError.runtime("Wrong result type: Integer")) { try tbel.boolean(1) }
        #expect(throws: ScriptError.runtime("Wrong result type: NULL")) { try javaScript.boolean(nil) }
        #expect(throws: ScriptError.runtime("Wrong result type: null")) { try tbel.boolean(nil) }
    }

    @Test func aSwitchGivesEachLabelOnce() throws {
        #expect(try javaScript.labels("one") == ["one"])
        #expect(try javaScript.labels(["one", "nine", "one"]) == ["one", "nine"])
        #expect(try javaScript.labels([]) == [])
        #expect(throws: ScriptError.runtime("Wrong result type: NULL")) { try javaScript.labels(["one", nil]) }
        #expect(throws: ScriptError.runtime("Wrong result type: BOOLEAN")) { try javaScript.labels(true) }
    }

    @Test func whatAMessageDoesNotSayComesFromTheInput() throws {
        #expect(
            try javaScript.messages(["msg": ["b": 2]], of: input)
                == [ScriptMessage(data: #"{"b":2}"#, metadata: ["k": "v"], type: "T")])
        #expect(try javaScript.messages([:], of: input) == [input])
        #expect(try javaScript.messages(["msgType": ""], of: input) == [input])
        #expect(
            try javaScript.messages([["msgType": "A"], ["metadata": [:]]], of: input)
                == [
                    ScriptMessage(data: input.data, metadata: ["k": "v"], type: "A"),
                    ScriptMessage(data: input.data, metadata: [:], type: "T"),
                ])
        #expect(try javaScript.messages([], of: input) == [])
        #expect(throws: ScriptError.runtime("Wrong result type: STRING")) { try javaScript.messages("x", of: input) }
    }

    @Test func elementsThatAreNoMessagesAreCopiesInJavaScriptAndErrorsInTBEL() throws {
        #expect(try javaScript.messages([1], of: input) == [input])
        #expect(throws: ScriptError.runtime("Wrong result type: Integer")) { try tbel.messages([1], of: input) }
    }

    @Test func metadataIsText() throws {
        let value: JSONValue = ["metadata": ["n": 5, "x": nil, "b": true, "d": 1.5, "s": "t"]]
        #expect(
            try javaScript.messages(value, of: input)[0].metadata == ["n": "5", "b": "true", "d": "1.5", "s": "t"])
        #expect(throws: ScriptError.self) { try javaScript.messages(["metadata": ["o": ["p": 1]]], of: input) }
        #expect(throws: ScriptError.self) { try javaScript.messages(["metadata": 5], of: input) }
    }

    @Test func textIsTextAndInTBELAnything() throws {
        #expect(try javaScript.text("x") == "x")
        #expect(throws: ScriptError.runtime("Wrong result type: OBJECT")) { try javaScript.text([:]) }
        #expect(try tbel.text(["a": 1]) == #"{"a":1}"#)
    }

    @Test func aGeneratorGivesOneMessage() throws {
        #expect(try javaScript.generated(["msg": 1], of: input).data == "1")
        #expect(throws: ScriptError.runtime("Wrong result type: ARRAY")) { try javaScript.generated([], of: input) }
    }
}
