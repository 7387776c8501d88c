import JSON
import TBEL
import Testing

/// Rolling arguments in scripts (`rule-engine.md` 7.4).
@Suite struct SeriesTests {
    private static func series(_ values: [(Int64, Double)]) -> TBELArgument {
        .series(start: 0, end: 100, values.map { TBELPoint(time: $0.0, value: $0.1) })
    }

    private static func run(_ script: String, _ r: TBELArgument, _ s: TBELArgument = series([])) throws -> JSONValue {
        try TBELScript(script, arguments: ["r", "s"]).run(given: [r, s])
    }

    private static let numbers = series([(1, 4), (2, .nan), (3, 1), (4, 7)])

    @Test(
        arguments: [
            ("r.max()", 7.0), ("r.min()", 1.0), ("r.sum()", 12.0), ("r.mean()", 4.0), ("r.avg()", 4.0),
            ("r.median()", 4.0),
            ("r.first()", 4.0), ("r.last()", 7.0), ("r.count()", 3), ("r.count(false)", 4), ("r.size()", 4),
            ("r.size", 4),
            ("r.values.size()", 4), ("r.values[3].value", 7.0), ("r.values[0].ts", 1), ("r.timeWindow.endTs", 100),
        ] as [(String, JSONValue)])
    func functions(_ expression: String, _ expected: JSONValue) throws {
        #expect(try Self.run("return \(expression);", Self.numbers) == expected)
    }

    @Test func deviationIsThatOfAll() throws {
        let result = try Self.run(
            "return r.std();", Self.series([(1, 2), (2, 4), (3, 4), (4, 4), (5, 5), (6, 5), (7, 7), (8, 9)]))
        #expect(result == 2.0)
    }

    @Test(arguments: ["max", "min", "sum", "mean", "std", "median"])
    func whatIsNoNumberSpoilsUnlessIgnored(_ function: String) throws {
        #expect(try Self.run("return r.\(function)(false);", Self.numbers) == "NaN")
    }

    @Test(arguments: ["max", "min", "sum", "mean", "std", "median", "first", "last"])
    func nothingHasNoFunctionValue(_ function: String) {
        #expect(throws: TBELError.self) { try Self.run("return r.\(function)();", Self.series([])) }
    }

    @Test func valuesAreGoneThrough() throws {
        let script = "var t = 0; foreach (p : r) { t = t + p.ts; } return t;"
        #expect(try Self.run(script, Self.numbers) == 10)
    }

    @Test func seriesAreMerged() throws {
        let (one, two) = (Self.series([(1, 10), (5, 50)]), Self.series([(3, 3), (5, 5)]))
        let merged = try Self.run(
            "var l = []; foreach (p : r.merge(s)) { l.add([p.ts, p.v1, p.v2]); } return l;", one, two)
        #expect(merged == [[3, 10.0, 3.0], [5, 50.0, 5.0]])
        let all = try Self.run("return r.mergeAll([s], {'ignoreNaN': false}).values.size();", one, two)
        #expect(all == 3)
        #expect(throws: TBELError.self) { try Self.run("return r.merge(1);", one) }
    }

    @Test func aSeriesCannotBeChanged() {
        #expect(throws: TBELError.self) { try Self.run("r.put('x', 1); return r;", Self.numbers) }
        #expect(throws: TBELError.self) { try Self.run("r.values.add(1); return r;", Self.numbers) }
    }
}
