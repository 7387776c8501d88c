import TBEL
import Testing

@Suite struct BoundedPatternTests {
    @Test func theFirstGroupOfTheFirstMatchIsFound() throws {
        let cases: [(pattern: String, text: String, expected: String?)] = [
            ("(.*)\\.example\\.com", "dev1.example.com", "dev1"), ("CN-([0-9]+)", "x CN-17 CN-18", "17"),
            ("([^@]+)@.*", "name@host", "name"), ("dev.*", "dev1", nil), ("(a)|b", "b", nil), ("(x)", "y", nil),
        ]
        for (pattern, text, expected) in cases {
            let found = try BoundedPattern(pattern).firstGroup(in: text)
            #expect(found == expected, "\(pattern) in \(text)")
        }
    }

    /// Tenants write patterns, and strangers what they are tried on.
    @Test func aPatternThatTriesForEverEnds() throws {
        let pattern = try BoundedPattern("^(a+)+$", time: .milliseconds(20))
        #expect(throws: TBELError.self) {
            _ = try pattern.firstGroup(in: String(repeating: "a", count: 60) + "b")
        }
    }

    @Test func whatIsNoPatternIsRefused() {
        #expect(throws: TBELError.self) { _ = try BoundedPattern("(") }
    }
}
