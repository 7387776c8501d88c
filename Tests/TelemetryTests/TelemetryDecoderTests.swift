import JSON
import Telemetry
import Testing

/// `device-api.md` 1.3.
@Suite struct TelemetryShapeTests {
    @Test func flatObjectHasTheReceiveTime() throws {
        #expect(
            try decode(#"{"temp":21.5,"on":true}"#).records == [
                .init(
                    timestamp: receiveTime,
                    points: [.init(key: "temp", value: .double(21.5)), .init(key: "on", value: .boolean(true))])
            ])
    }

    @Test(arguments: [
        (#"{"ts":1451649600512,"values":{"temp":21.5}}"#, 1_451_649_600_512),
        (#"{"values":{"temp":21.5},"other":[1],"ts":1451649600512}"#, 1_451_649_600_512),
        (#"{"ts":"1451649600512","values":{"temp":21.5}}"#, 1_451_649_600_512),
        (#"{"ts":1451649600512.9,"values":{"temp":21.5}}"#, 1_451_649_600_512),
        (#"{"ts":1.451649600512e12,"values":{"temp":21.5}}"#, 1_451_649_600_512),
        (#"{"ts":-1,"values":{"temp":21.5}}"#, -1), (#"{"ts":0,"values":{"temp":21.5}}"#, 0),
        (#"{"ts":5,"ts":6,"values":{"a":1},"values":{"temp":21.5}}"#, 6),
        (#"{"\u0074s":7,"values":{"temp":21.5}}"#, 7),
    ])
    func timestampedObjectHasItsOwnTime(_ payload: String, _ time: Int64) throws {
        #expect(
            try decode(payload).records
                == [.init(timestamp: time, points: [.init(key: "temp", value: .double(21.5))])])
    }

    @Test func arrayGivesARecordForEveryElementInOrder() throws {
        #expect(
            try decode(#"[{"temp":1},{"ts":1,"values":{"temp":2}},{},{"ts":2,"values":{}}]"#).records == [
                .init(timestamp: receiveTime, points: [.init(key: "temp", value: .long(1))]),
                .init(timestamp: 1, points: [.init(key: "temp", value: .long(2))]),
                .init(timestamp: receiveTime, points: []),
                .init(timestamp: 2, points: []),
            ])
    }

    @Test func timeOrValuesAloneAreOrdinaryKeys() throws {
        #expect(try decode(#"{"values":{"a":1}}"#).points == ["values": .json(#"{"a":1}"#)])
        #expect(try decode(#"{"ts":5}"#).points == ["ts": .long(5)])
        #expect(try decode(#"{"ts":5,"value":1}"#).points == ["ts": .long(5), "value": .long(1)])
    }

    @Test func emptyObjectIsARecordAndEmptyArrayIsNone() throws {
        #expect(try decode("{}").records == [.init(timestamp: receiveTime, points: [])])
        #expect(try decode("[]").records.isEmpty)
    }

    @Test(arguments: ["42", "\"x\"", "null", "true", "[\"a\"]", "[1]", "[{\"a\":1},null]", "[[]]", "[{\"a\":1},[{}]]"])
    func otherShapesAreInvalid(_ payload: String) {
        #expect(throws: TelemetryError.notAnObject) { try decode(payload) }
    }

    @Test(arguments: [
        (#"{"ts":"soon","values":{"z":1}}"#, TelemetryError.invalidTimestamp),
        (#"{"ts":null,"values":{"z":1}}"#, .invalidTimestamp), (#"{"ts":true,"values":{"z":1}}"#, .invalidTimestamp),
        (#"{"ts":{},"values":{"z":1}}"#, .invalidTimestamp), (#"{"ts":1e30,"values":{}}"#, .invalidTimestamp),
        (#"{"ts":"","values":{"z":1}}"#, .invalidTimestamp), (#"{"ts":"1e5","values":{}}"#, .invalidTimestamp),
        (#"{"ts":1,"values":5}"#, .valuesNotAnObject), (#"{"ts":1,"values":null}"#, .valuesNotAnObject),
        (#"{"ts":1,"values":[]}"#, .valuesNotAnObject), (#"[{"ts":1,"values":[{"a":1}]}]"#, .valuesNotAnObject),
    ])
    func timestampedObjectsAreChecked(_ payload: String, _ error: TelemetryError) {
        #expect(throws: error) { try decode(payload) }
    }

    @Test(arguments: ["", "not json", "{", "{\"a\":1}x", "{a:1}", "{'a':1}", "{\"a\":NaN}", "{\"a\":1,}", "{\"a\":01}"])
    func malformedJSONIsInvalid(_ payload: String) throws {
        let error = try #require(throws: TelemetryError.self) { try decode(payload) }
        let isNotJSON = if case .notJSON = error { true } else { false }
        #expect(isNotJSON, "\(error)")
    }

    @Test func tooDeepIsInvalid() throws {
        var options = TelemetryDecodingOptions()
        options.maximumDepth = 3
        #expect(try decode(#"{"a":[[]]}"#, options).points == ["a": .json("[[]]")])
        #expect(throws: TelemetryError.notJSON(JSONError(.tooDeep, offset: 7))) {
            try decode(#"{"a":[[[]]]}"#, options)
        }
    }
}

/// `device-api.md` 13, cases 23 to 32.
@Suite struct DeviceTelemetryCases {
    @Test func everyTypeOfValue() throws {
        #expect(
            try decode(#"{"stringKey":"value1","booleanKey":true,"doubleKey":42.0,"longKey":73}"#).points == [
                "stringKey": .string("value1"), "booleanKey": .boolean(true), "doubleKey": .double(42),
                "longKey": .long(73),
            ])
    }

    @Test func castOnAndOff() throws {
        let payload = #"{"a":"42","b":"4.5","c":"1e5","d":"x"}"#
        #expect(
            try decode(payload).points
                == ["a": .long(42), "b": .double(4.5), "c": .string("1e5"), "d": .string("x")])
        #expect(
            try decode(payload, .withoutCast).points
                == ["a": .string("42"), "b": .string("4.5"), "c": .string("1e5"), "d": .string("x")])
    }

    @Test func exponents() throws {
        #expect(
            try decode(#"{"a":1E+1,"b":101E-1,"c":1E19}"#).points
                == ["a": .long(10), "b": .double(10.1), "c": .string("10000000000000000000")])
    }

    @Test func twoTimestampedObjects() throws {
        #expect(
            try decode(#"[{"ts":1,"values":{"a":1}},{"ts":2,"values":{"a":2}}]"#).records == [
                .init(timestamp: 1, points: [.init(key: "a", value: .long(1))]),
                .init(timestamp: 2, points: [.init(key: "a", value: .long(2))]),
            ])
    }
}

/// `device-api.md` 1.4.
@Suite struct AttributeDecodingTests {
    private func attributes(_ payload: String) throws(TelemetryError) -> [String: TelemetryValue] {
        var arena = PointArena()
        arena.append(key: "before", value: .boolean(true))
        let range = try TelemetryDecoder().decodeAttributes(Array(payload.utf8).span, into: &arena)
        #expect(range.lowerBound == 1)
        return Dictionary(uniqueKeysWithValues: arena.entries(in: range).map { ($0.key, $0.value) })
    }

    @Test func oneObjectOfKeysAndValues() throws {
        #expect(try attributes(#"{"a":1,"b":"t","c":null}"#) == ["a": .long(1), "b": .string("t")])
        #expect(try attributes("{}").isEmpty)
    }

    @Test func timeAndValuesAreStoredLiterally() throws {
        #expect(try attributes(#"{"ts":1,"values":{"a":1}}"#) == ["ts": .long(1), "values": .json(#"{"a":1}"#)])
    }

    @Test(arguments: ["[]", "[{\"a\":1}]", "5", "null", "\"x\""])
    func anythingElseIsInvalid(_ payload: String) {
        #expect(throws: TelemetryError.notAnObject) { try attributes(payload) }
    }
}

@Suite struct DecoderRobustnessTests {
    static let payload =
        #"[{"temp":21.5,"s":"x\u00e9","big":99701010061400066001,"j":{"a":[1,{"b":null}]}},"#
        + #"{"ts":17,"values":{"e":1E-20,"n":null,"t":"007"}}] "#

    @Test func manyPayloadsShareAnArena() throws {
        let decoder = TelemetryDecoder()
        var arena = PointArena()
        var records: [TelemetryRecord] = []
        for index in 0..<100 {
            let payload = Array("{\"key\(index)\":\"v\(index)\",\"n\":\(index).5}".utf8)
            try decoder.decodeTelemetry(payload.span, receivedAt: Int64(index), into: &arena, records: &records)
        }
        for (index, record) in records.enumerated() {
            #expect(record.timestamp == Int64(index))
            #expect(arena.entries(in: record.points).map(\.key) == ["key\(index)", "n"])
            let values = arena.entries(in: record.points).map(\.value)
            #expect(values == [.string("v\(index)"), .double(Double(index) + 0.5)])
        }
        arena.removeAll()
        #expect(arena.isEmpty && arena.bytes.isEmpty)
    }

    @Test(arguments: [
        #"[{"a":1},{"b":1e400,"c":[1,2]},{"":1}]"#, #"[{"a":1},2]"#,
        #"[{"a":1},{"ts":"x","values":{}}]"#, "{\"a\":", "5",
    ])
    func anErrorLeavesNothingBehind(_ payload: String) throws {
        let decoder = TelemetryDecoder()
        var arena = PointArena()
        var records: [TelemetryRecord] = []
        try decoder.decodeTelemetry(Array("{\"x\":\"y\"}".utf8).span, receivedAt: 1, into: &arena, records: &records)
        let (points, bytes) = (arena.points.count, arena.bytes)
        #expect(throws: TelemetryError.self) {
            try decoder.decodeTelemetry(Array(payload.utf8).span, receivedAt: 2, into: &arena, records: &records)
        }
        #expect(throws: TelemetryError.self) {
            try decoder.decodeAttributes(Array(payload.utf8).span, into: &arena)
        }
        #expect(arena.points.count == points)
        #expect(arena.bytes == bytes)
        #expect(records.count == 1)
    }

    @Test func everyProperPrefixIsRefused() {
        let bytes = Array(Self.payload.utf8)
        for length in 0..<(bytes.count - 1) {
            #expect(throws: TelemetryError.self, "prefix of \(length)") { try decode(Array(bytes[..<length])) }
        }
    }

    @Test(arguments: 1...4)
    func mutationsNeverCrashAndTypesSurviveWriting(_ seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let decoder = TelemetryDecoder()
        var arena = PointArena()
        var records: [TelemetryRecord] = []
        let alphabet = Array("{}[]:,\"\\0123456789.eE+-tfn u".utf8)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = Array(Self.payload.utf8)
            for _ in 0...Int(random.next() % 3) {
                let at = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 3 {
                case 0: bytes[at] = alphabet[Int(random.next() % UInt64(alphabet.count))]
                case 1: bytes[at] = UInt8(truncatingIfNeeded: random.next())
                default: bytes.remove(at: at)
                }
            }
            arena.removeAll()
            records.removeAll(keepingCapacity: true)
            do throws(TelemetryError) {
                try decoder.decodeTelemetry(bytes.span, receivedAt: 1, into: &arena, records: &records)
            } catch {
                continue
            }
            accepted += 1
            for record in records {
                var text: [UInt8] = []
                TelemetryJSON.write(record.points, of: arena, into: &text)
                var again = PointArena()
                let range = try decoder.decodeAttributes(text.span, into: &again)
                #expect(
                    again.entries(in: range).map(\.value) == arena.entries(in: record.points).map(\.value),
                    "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
            }
        }
        #expect(accepted > 1000)
    }
}
