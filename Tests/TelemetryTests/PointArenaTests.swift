import JSON
import Telemetry
import Testing

@Suite struct PointArenaTests {
    static let values: [(String, TelemetryValue)] = [
        ("b", .boolean(true)), ("l", .long(-73)), ("d", .double(42)),
        ("s", .string("a\"é")), ("j", .json("{\"x\":[1]}")),
        ("", .string("")), ("ключ", .boolean(false)),
    ]

    @Test func pointsAreSmall() {
        #expect(MemoryLayout<PackedPoint>.stride == 16)
        #expect(MemoryLayout<TelemetryRecord>.stride == 16)
    }

    @Test func givesBackWhatWasPutIn() {
        var arena = PointArena()
        for (key, value) in Self.values { arena.append(key: key, value: value) }
        #expect(arena.entries.map(\.key) == Self.values.map(\.0))
        #expect(arena.entries.map(\.value) == Self.values.map(\.1))
    }

    @Test func copiesPointsOfAnotherArena() {
        var other = PointArena()
        for (key, value) in Self.values { other.append(key: key, value: value) }
        var arena = PointArena()
        arena.append(key: "first", value: .string("one"))
        let range = arena.append(2..<5, of: other)
        #expect(range == 1..<4)
        #expect(arena.entries(in: range).map(\.key) == ["d", "s", "j"])
        #expect(arena.entries(in: range).map(\.value) == Self.values[2..<5].map(\.1))
    }

    @Test func writesPointsAsOneFlatObject() {
        var arena = PointArena()
        for (key, value) in Self.values.dropLast(2) { arena.append(key: key, value: value) }
        arena.append(key: "large", value: .double(1e21))
        var bytes: [UInt8] = []
        TelemetryJSON.write(0..<6, of: arena, into: &bytes)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"b":true,"l":-73,"d":42.0,"s":"a\"é","j":{"x":[1]},"large":1000000000000000000000.0}"#)
    }

    @Test(arguments: [
        (TelemetryValue.boolean(true), "true", "true"), (.long(-7), "-7", "-7"), (.double(7), "7.0", "7.0"),
        (.double(21.5), "21.5", "21.5"), (.double(1e10), "1.0E10", "1.0E10"), (.string("a\"b"), "a\"b", #""a\"b""#),
        (.json(#"{"a":1}"#), #"{"a":1}"#, #"{"a":1}"#), (.double(.nan), "NaN", "null"),
    ])
    func hasATextAndATypedForm(_ value: TelemetryValue, _ text: String, _ typed: String) {
        #expect(value.text == text)
        var writer = JSONWriter()
        writer.value(value)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == typed)
        #expect(value.jsonValue.serializedString == typed)
    }

    @Test func kindsHaveTheNumbersOfTheWireFormat() {
        #expect(ValueKind.allCases.map(\.rawValue) == [0, 1, 2, 3, 4])
        #expect(Self.values.prefix(5).map(\.1.kind) == [.boolean, .long, .double, .string, .json])
    }
}
