import AlarmRules
import JSON
import Telemetry
import Testing

@Suite("Predicates of alarm rules")
struct ValuePredicateTests {
    private struct Constants: OperandResolver {
        func resolve<Value>(
            _ operand: TelemetryValue?, _ convert: (TelemetryValue) -> Value?
        ) throws(AlarmRuleError) -> Value? {
            operand.flatMap(convert)
        }
    }

    private func predicate(_ text: String) throws -> ValuePredicate<TelemetryValue?> {
        try ValuePredicate(try JSONValue.parse(text), allowsNoData: true) { TelemetryValue(ruleConstant: $0) }
    }

    private func holds(_ text: String, _ value: TelemetryValue, age: Int64 = 0) throws -> Bool {
        try predicate(text).holds(for: value, age: age, Constants())
    }

    @Test(arguments: [
        ("EQUAL", "abc", "abc", true), ("EQUAL", "abc", "ABC", false), ("NOT_EQUAL", "abc", "ABC", true),
        ("STARTS_WITH", "abc", "ab", true), ("ENDS_WITH", "abc", "bc", true), ("CONTAINS", "abc", "", true),
        ("CONTAINS", "abc", "d", false), ("NOT_CONTAINS", "abc", "d", true), ("IN", "b", "a , b,c", true),
        ("IN", "b", "'a', 'b'", true), ("IN", "'b'", "a,'b'", true), ("IN", "b", "'a', \"b\"", false),
        ("NOT_IN", "b", "a,b", false), ("NOT_IN", "d", "a,b", true),
    ])
    func `texts are compared`(operation: String, value: String, wanted: String, expected: Bool) throws {
        let json = JSONValue.object(["type": "STRING", "operation": .string(operation), "value": .string(wanted)])
        #expect(try holds(json.serializedString, .string(value)) == expected)
    }

    @Test func `case may be ignored`() throws {
        let text = #"{"type":"STRING","operation":"EQUAL","value":"aBc","ignoreCase":true}"#
        #expect(try holds(text, .string("ABC")))
    }

    @Test func `values of other types are texts as Java writes them`() throws {
        func equals(_ wanted: String, _ value: TelemetryValue) throws -> Bool {
            try holds(#"{"type":"STRING","operation":"EQUAL","value":"\#(wanted)"}"#, value)
        }
        #expect(try equals("12", .long(12)))
        #expect(try equals("12.0", .double(12)))
        #expect(try equals("1.0E7", .double(10_000_000)))
        #expect(try equals("true", .boolean(true)))
        #expect(try equals("[1]", .json("[1]")))
    }

    @Test(arguments: [
        ("EQUAL", 5.0, true), ("NOT_EQUAL", 5, false), ("GREATER", 4.9, true), ("GREATER", 5, false),
        ("GREATER_OR_EQUAL", 5, true), ("LESS", 5.1, true), ("LESS", 5, false), ("LESS_OR_EQUAL", 5, true),
    ])
    func `numbers are compared, whatever their type`(operation: String, wanted: Double, expected: Bool) throws {
        let json = JSONValue.object(["type": "NUMERIC", "operation": .string(operation), "value": .double(wanted)])
        for value in [TelemetryValue.long(5), .double(5), .string(" 5 "), .json("5")] {
            #expect(try holds(json.serializedString, value) == expected)
        }
    }

    @Test func `what is no number fulfils nothing`() throws {
        for operation in ["EQUAL", "NOT_EQUAL", "LESS"] {
            #expect(try !holds(#"{"type":"NUMERIC","operation":"\#(operation)","value":5}"#, .string("warm")))
        }
        #expect(try holds(#"{"type":"NUMERIC","operation":"EQUAL","value":1}"#, .boolean(true)))
    }

    @Test func `booleans are compared; numbers above 0 and the text true are true`() throws {
        let isTrue = #"{"type":"BOOLEAN","operation":"EQUAL","value":true}"#
        for value in [TelemetryValue.boolean(true), .long(1), .double(0.1), .string("TRUE")] {
            #expect(try holds(isTrue, value))
        }
        for value in [TelemetryValue.boolean(false), .long(0), .double(-1), .string("yes")] {
            #expect(try !holds(isTrue, value))
        }
        #expect(try holds(#"{"type":"BOOLEAN","operation":"NOT_EQUAL","value":true}"#, .boolean(false)))
    }

    @Test func `predicates are put together`() throws {
        let above = #"{"type":"NUMERIC","operation":"GREATER","value":3}"#
        let below = #"{"type":"NUMERIC","operation":"LESS","value":1}"#
        func complex(_ operation: String, _ parts: String) -> String {
            #"{"type":"COMPLEX","operation":"\#(operation)","predicates":[\#(parts)]}"#
        }
        #expect(try holds(complex("OR", "\(above),\(below)"), .long(0)))
        #expect(try !holds(complex("AND", "\(above),\(below)"), .long(0)))
        #expect(try holds(complex("AND", "\(above),\(complex("OR", "\(above),\(below)"))"), .long(4)))
        #expect(try holds(complex("AND", ""), .long(4)))
        #expect(try !holds(complex("OR", ""), .long(4)))
        #expect(try predicate(complex("OR", "\(above),\(below)")).operands == [.long(3), .long(1)])
    }

    @Test func `nothing is compared with an operand that is missing`() throws {
        #expect(try !holds(#"{"type":"NUMERIC","operation":"NOT_EQUAL","value":null}"#, .long(4)))
        #expect(try !holds(#"{"type":"STRING","operation":"NOT_EQUAL"}"#, .long(4)))
        #expect(try !holds(#"{"type":"BOOLEAN","operation":"NOT_EQUAL","value":null}"#, .long(4)))
    }

    @Test func `silence is measured from when a value came`() throws {
        let text = #"{"type":"NO_DATA","unit":"SECONDS","duration":5}"#
        #expect(try holds(text, .long(1), age: 5_000))
        #expect(try !holds(text, .long(1), age: 4_999))
        #expect(try !holds(#"{"type":"NO_DATA","unit":"SECONDS","duration":0}"#, .long(1), age: 4_999))
    }

    @Test(arguments: [
        #"{"type":"STRING","operation":"GREATER"}"#, #"{"type":"NUMERIC","operation":"IN"}"#, #"{"type":"DATE"}"#, "5",
        #"{"type":"COMPLEX","operation":"XOR"}"#, #"{"type":"NO_DATA","unit":"YEARS","duration":5}"#,
    ])
    func `what is no predicate is told`(text: String) throws {
        #expect(throws: AlarmRuleError.self) { try predicate(text) }
    }

    @Test func `predicates lie only so deep inside one another`() throws {
        var text = #"{"type":"NUMERIC","operation":"LESS","value":1}"#
        for _ in 0..<20 { text = #"{"type":"COMPLEX","operation":"AND","predicates":[\#(text)]}"# }
        #expect(throws: AlarmRuleError.self) { try predicate(text) }
    }

    @Test func `durations have units and an end`() {
        #expect(DurationUnit.minutes.milliseconds(2) == 120_000)
        #expect(DurationUnit.days.milliseconds(.max) == .max)
        #expect(DurationUnit.nanoseconds.milliseconds(1_500_000) == 1)
    }

    @Test func `values are integers where they can be`() {
        #expect(TelemetryValue.double(2.9).ruleInteger == 2)
        #expect(TelemetryValue.string("7").ruleInteger == 7)
        #expect(TelemetryValue.string("7.5").ruleInteger == nil)
        #expect(TelemetryValue.double(.infinity).ruleInteger == .max)
    }
}
