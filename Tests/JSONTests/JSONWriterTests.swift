import JSON
import Testing

private func text(_ body: (inout JSONWriter) -> Void) -> String {
    var writer = JSONWriter()
    body(&writer)
    return String(decoding: writer.bytes, as: UTF8.self)
}

@Suite struct JSONWriterTests {
    @Test func separatesMembersAndElements() {
        #expect(
            text { writer in
                writer.beginObject()
                writer.key("a")
                writer.value(1)
                writer.key("b\"" as String)
                writer.array { array in
                    array.value(true)
                    array.null()
                    array.object { _ in }
                    array.array { _ in }
                    array.value("x")
                }
                writer.member("c", nil as String?)
                writer.member("d", 2.0)
                writer.key("e")
                writer.raw("{\"raw\":0}")
                writer.member("f", ["g": [1]] as JSONValue)
                writer.endObject()
            } == #"{"a":1,"b\"":[true,null,{},[],"x"],"c":null,"d":2.0,"e":{"raw":0},"f":{"g":[1]}}"#)
    }

    @Test func appendsBehindWhatIsThere() {
        var bytes = Array("data: ".utf8)
        JSONWriter.append(to: &bytes) { $0.value("x") }
        #expect(String(decoding: bytes, as: UTF8.self) == #"data: "x""#)
    }

    @Test(arguments: 0..<34)
    func escapesAtEveryPlaceOfAWord(_ length: Int) throws {
        for escaped in ["\"", "\\", "\n", "\u{1}", "\u{1f}", "\u{7f}", "é", "\u{80}", " ", "!", "#", "[", "]"] {
            for place in 0...length {
                var string = String(repeating: "z", count: length)
                string.insert(contentsOf: escaped, at: string.index(string.startIndex, offsetBy: place))
                let written = text { $0.value(string) }
                #expect(try JSONValue.parse(written) == .string(string))
            }
        }
    }

    @Test func writesControlCharactersAsTheStandardDoes() {
        let all = String(String.UnicodeScalarView((0..<0x20).map { Unicode.Scalar($0)! }))
        #expect(
            text { $0.value(all) }
                == #""\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010"#
                + #"\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f""#)
    }

    @Test(arguments: [
        (42.0, "42.0"), (0.0, "0.0"), (-0.0, "-0.0"), (0.1, "0.1"), (-1.5, "-1.5"), (21.5, "21.5"),
        (9999999.0, "9999999.0"), (231.75, "231.75"), (0.05, "0.05"), (-0.001, "-0.001"),
        (9999999.999999, "9999999.999999"),
        (10000000.0, "1.0E7"), (12345678.9, "1.23456789E7"), (0.001, "0.001"), (0.00099, "9.9E-4"), (1e21, "1.0E21"),
        (1.7976931348623157e308, "1.7976931348623157E308"), (.leastNonzeroMagnitude, "5.0E-324"),
        (0.30000000000000004, "0.30000000000000004"),
        (100.0, "100.0"), (123.456, "123.456"),
    ])
    func writesDoublesAsJavaDoes(_ value: Double, _ expected: String) {
        #expect(text { $0.value(value) } == expected)
    }

    @Test(arguments: [
        (42.0, "42.0"), (1e7, "10000000.0"), (1.5e-5, "0.000015"), (1e21, "1000000000000000000000.0"), (-0.5, "-0.5"),
        (123456.75, "123456.75"), (0.0, "0.0"),
    ])
    func writesDoublesWithAllDigitsWhenAsked(_ value: Double, _ expected: String) {
        #expect(text { $0.value(value, as: .plain) } == expected)
    }

    @Test func doublesComeBackExactly() throws {
        var random = SplitMix(state: 42)
        for _ in 0..<20_000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            for form in [JSONNumber.DoubleForm.plain, .scientific] {
                let written = text { $0.value(value, as: form) }
                #expect(Double(written) == value)
                #expect(try JSONValue.parse(written).doubleValue == value)
            }
        }
    }

    @Test func hasNoTextForInfinities() {
        #expect(text { $0.value(Double.infinity) } == "null")
        #expect(text { $0.value(Double.nan) } == "null")
    }

    @Test(arguments: [0, 7, -7, 10, 99, 100, Int64.max, Int64.min])
    func writesIntegers(_ value: Int64) {
        #expect(text { $0.value(value) } == "\(value)")
    }
}
