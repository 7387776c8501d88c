import JSON
import Testing

@testable import RuleEngine

/// Paths of the node "json path" (`rule-engine.md` 3.5, case 51).
@Suite struct JSONPathTests {
    private static let data = """
        {"a":{"b":[1,2,{"c":3}]},"list":[{"n":1,"t":"x"},{"n":5,"t":"y"},{"n":10}],"a b":true,"none":null}
        """

    @Test(arguments: [
        ("$.a.b", "[1,2,{\"c\":3}]"), ("$['a']['b'][0]", "1"), ("$[\"a b\"]", "true"), ("$.none", "null"),
        ("$.a.b[-1].c", "3"), ("$.a.b[0,1]", "[1,2]"), ("$.a.b[1:]", "[2,{\"c\":3}]"), ("$.a.b[:-1]", "[1,2]"),
        ("$.a.b[5:9]", "[]"), ("$.list[*].n", "[1,5,10]"), ("$.a.*", "[[1,2,{\"c\":3}]]"), ("$..n", "[1,5,10]"),
        ("$..c", "[3]"), ("$..nowhere", "[]"), ("$.list[?(@.t)].n", "[1,5]"), ("$.list[?(@.n > 1)].n", "[5,10]"),
        ("$.list[?(@.n >= 5)].n", "[5,10]"), ("$.list[?(@.t == 'y')].n", "[5]"),
        ("$.list[?( @['n'] != 5 )].n", "[1,10]"),
        ("$.list[?(@.n < 0)]", "[]"), ("$.list[?(@.t < \"y\")].n", "[1]"),
    ])
    func aPathLeadsToWhatItNames(_ path: String, _ expected: String) throws {
        #expect(try JSONPath(path).value(in: try JSONValue.parse(Self.data)) == JSONValue.parse(expected))
    }

    @Test(arguments: [
        ("$.x", "$['x']"), ("$.a.x.y", "$['a']['x']"), ("$.a.b[7]", "$['a']['b'][7]"), ("$.a[0]", "$['a'][0]"),
        ("$.none[*]", "$['none'][*]"),
    ])
    func whatIsNamedAndMissingIsAnError(_ path: String, _ named: String) throws {
        let data = try JSONValue.parse(Self.data)
        let path = try JSONPath(path)
        let error = #expect(throws: RuleNodeError.self) { _ = try path.value(in: data) }
        #expect(error?.message == "No results for path: \(named)")
    }

    @Test(arguments: [
        "", "a", "$a", "$.", "$[", "$['a'", "$['a", "$[a]", "$.a[?(@.b]", "$.a[?(b)]", "$.a[?(@.b == x)]", "$.a[1,]",
        "$[99999999999]", "$..",
    ])
    func whatIsNoPathIsRefused(_ path: String) {
        #expect(throws: RuleNodeConfigurationError.self) { _ = try JSONPath(path) }
    }

    @Test func pathsThatLeadToTooMuchEnd() throws {
        var data: JSONValue = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
        for _ in 0..<4 { data = .array([JSONValue](repeating: data, count: 10)) }
        let path = try JSONPath("$..*")
        #expect(throws: RuleNodeError.self) { _ = try path.value(in: data) }
    }

    @Test(arguments: [
        (1.005, 2, 1.01), (2.5, 0, 3), (-2.5, 0, -3), (0.1, 3, 0.1), (12.3456, 2, 12.35), (1e20, 2, 1e20),
    ])
    func deltasAreRoundedAsTheyAreWritten(_ value: Double, _ digits: Int, _ expected: Double) {
        #expect(CalculateDeltaNode.rounded(value, to: digits) == expected)
    }
}
