@testable import CalculatedFields
import Testing

@Suite struct ArithmeticExpressionTests {
    private static let variables = ["a", "b", "temp", "e1"]
    private static let values = [2.0, 3.0, 25.0, 7.0]

    @Test(arguments: [
        ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("a + b", 5), ("-a", -2), ("2 - -b", 5), ("2^3^2", 512), ("-2^2", -4),
        ("7 % 4", 3), ("-7 % 4", -3), ("a(b + 1)", 8), ("2a", 4), ("2a^2", 8), ("ab", 6), ("(a)(b)", 6),
        ("(temp - 32) / 1.8", -3.888888888888889), ("e1", 7), ("1e2", 100), ("1.5E-1", 0.15), (".5", 0.5),
        ("sqrt(16) + abs(-1)", 5), ("pow(a, b)", 8), ("logab(2, 8)", 3), ("ln(e)", 1), ("lg(1000)", 3),
        ("log10(100)", 2),
        ("log2(8)", 3), ("floor(1.7) + ceil(1.2)", 3), ("signum(-9)", -1), ("cbrt(27)", 3), ("sin(0) + cos(0)", 1),
        ("[a + b] * {2}", 10), ("2 * pi", 6.283185307179586), (" a\t*\nb ", 6),
    ])
    func computes(_ text: String, _ expected: Double) throws {
        let expression = try ArithmeticExpression(text, variables: Self.variables)
        let result = try expression.evaluate(Self.values)
        #expect(abs(result - expected) < 1e-9)
    }

    @Test(arguments: [
        "", " ", "1 +", "* 2", "(1", "1)", "(1]", "x", "a +* b", "sqrt", "sqrt(", "pow(1)", "pow(1, 2, 3)", "1..2",
        "a = b",
        "a; b", "'a'", "a & b",
    ])
    func refuses(_ text: String) {
        #expect(throws: ArithmeticError.self) { try ArithmeticExpression(text, variables: Self.variables) }
    }

    @Test func divisionByZeroIsAnError() throws {
        for text in ["1 / 0", "1 % 0", "a / (b - 3)"] {
            let expression = try ArithmeticExpression(text, variables: Self.variables)
            #expect(throws: ArithmeticError("Division by zero!")) { try expression.evaluate(Self.values) }
        }
    }

    @Test func nestingIsBounded() {
        let text = String(repeating: "(", count: 10_000) + "1" + String(repeating: ")", count: 10_000)
        #expect(throws: ArithmeticError.self) { try ArithmeticExpression(text, variables: []) }
        let signs = String(repeating: "2^", count: 10_000) + "1"
        #expect(throws: ArithmeticError.self) { try ArithmeticExpression(signs, variables: []) }
    }

    @Test(arguments: [
        (1.005, 2, 1.01), (2.5, 0, 3), (-1.005, 2, -1.01), (0.1 + 0.2, 3, 0.3), (1234.5678, 2, 1234.57),
        (1e-9, 3, 0), (0.0005, 3, 0.001), (99.995, 2, 100), (42, 2, 42), (0.05, 1, 0.1), (0.04, 1, 0),
    ])
    func rounding(_ value: Double, _ places: Int, _ expected: Double) {
        #expect(DecimalRounding.round(value, places: places) == expected)
    }
}
